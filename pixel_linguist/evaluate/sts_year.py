"""One year of SemEval's STS: several sets, scored each and together."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations, spearman
from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import Attack, Measured, Task

# The sets behind published figures (Gao et al. 2021, arXiv 2104.08821, appendix B).
OFFICIAL_SETS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "OnWN", "SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "OnWN", "images", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


@dataclasses.dataclass(frozen=True)
class STSYear(Task):
    """Spearman over the concatenated pairs of all sets, and the mean over the sets.

    Most published figures are of the concatenation ("all" in SentEval).
    """

    sets: Mapping[str, STS]
    year: str

    metric: ClassVar[str] = "spearman_concatenated"

    @classmethod
    def from_sources(cls, sets: Mapping[str, Source], *, year: str) -> "STSYear":
        """Read the sets of a year, as `STS.from_source` does."""
        return cls({name: STS.from_source(source) for name, source in sets.items()}, year)

    @property
    def note(self) -> str:
        """The official sets that are missing."""
        missing = [name for name in OFFICIAL_SETS.get(self.year, ()) if name not in self.sets]
        if not missing:
            return ""
        return f"{self.year} is without {', '.join(missing)}: not comparable with published figures"

    def texts(self) -> list[str]:
        """Return both sides of all sets."""
        return [text for task in self.sets.values() for text in task.texts()]

    def attacked(self, attack: Attack) -> "STSYear":
        """Return the task with every sentence2 perturbed."""
        sets = {name: task.attacked(attack) for name, task in self.sets.items()}
        return dataclasses.replace(self, sets=sets)

    def measure(self, embed: Embed) -> Measured:
        """Return "spearman_concatenated", "spearman_mean", and "spearman/SET" for each set."""
        each, values = {}, []
        for name, task in self.sets.items():
            scores, observations = task.measure(embed)
            assert observations
            each[f"spearman/{name}"] = scores["spearman"]
            values.append(observations.values)
        together = tuple(np.concatenate(side) for side in zip(*values, strict=True))
        scores = {
            "spearman_concatenated": float(spearman(*together)),
            "spearman_mean": float(np.mean(list(each.values()))),
            **each,
        }
        return Measured(scores, Observations(together, spearman))
