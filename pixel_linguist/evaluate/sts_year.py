"""A year of SemEval's STS: several sets, scored each and together."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from pixel_linguist.evaluate.bootstrap import Observations, spearman
from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Change

# What published figures are made of (Gao et al. 2021, arXiv 2104.08821, appendix B).
OFFICIAL_SETS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "OnWN", "SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "OnWN", "images", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": (
        "answer-answer",
        "headlines",
        "plagiarism",
        "postediting",
        "question-question",
    ),
}


def missing_sets(year: str, names: Iterable[str]) -> str:
    """Say which official sets of a year are not among those named; "" if none is missing."""
    missing = [name for name in OFFICIAL_SETS.get(year, ()) if name not in set(names)]
    if not missing:
        return ""
    return f"{year} is without {', '.join(missing)}: not comparable with published figures"


@dataclasses.dataclass(frozen=True)
class STSYear:
    """Spearman over all pairs of a year concatenated, and the mean over its sets.

    Published figures are of the concatenation, mostly ("all" in SentEval).

    Attributes:
        sets: name → the set.
        note: what a reader must know to compare the figures, such as a set that is missing.
    """

    sets: Mapping[str, STS]
    note: str = ""
    metric: str = "spearman_concatenated"

    def texts(self) -> list[str]:
        """Return both sides of all sets."""
        return [text for task in self.sets.values() for text in task.texts()]

    def changed(self, change: Change) -> "STSYear":
        """Return the task with every sentence2 changed."""
        sets = {name: task.changed(change) for name, task in self.sets.items()}
        return dataclasses.replace(self, sets=sets)

    def observe(self, embed: Embed) -> Observations:
        """Return each pair's cosine and graded similarity, set after set."""
        found = [task.observe(embed).values for task in self.sets.values()]
        cosines, gold = (np.concatenate(side) for side in zip(*found, strict=True))
        return Observations((cosines, gold), spearman)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "spearman_concatenated", "spearman_mean", and "spearman/SET" for each set."""
        found = {name: task.observe(embed).values for name, task in self.sets.items()}
        each = {f"spearman/{name}": float(spearman(*values)) for name, values in found.items()}
        together = [np.concatenate(side) for side in zip(*found.values(), strict=True)]
        return {
            "spearman_concatenated": float(spearman(*together)),
            "spearman_mean": float(np.mean(list(each.values()))),
            **each,
        }
