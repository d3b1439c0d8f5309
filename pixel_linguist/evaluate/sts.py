"""Semantic textual similarity (STS): do cosines rank pairs of sentences as people do?"""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, paired_cosine
from pixel_linguist.evaluate.suite import Attack, Measured, Task

# The sets of each year behind published figures (Gao et al. 2021, arXiv 2104.08821, appendix B).
OFFICIAL_SETS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "OnWN", "SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "OnWN", "images", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


@dataclasses.dataclass(frozen=True)
class STS(Task):
    """Rank correlation (Spearman) of cosine similarity with gold similarity.

    Ties share their mean rank, as in `scipy.stats.spearmanr` and SentEval; published figures are
    these times 100. If all cosines are equal, both correlations are 0.
    """

    sentence1: tuple[str, ...]
    sentence2: tuple[str, ...]
    gold: tuple[float, ...]

    metric: ClassVar[str] = "spearman"
    embedded: ClassVar = ("sentence1", "sentence2")
    perturbed: ClassVar = "sentence2"

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        score: str = "score",
        second: Source | None = None,
        lowest: float = -math.inf,
        highest: float = math.inf,
    ) -> "STS":
        """Read records with columns sentence1, sentence2 and the gold score.

        Args:
            second: N records that give sentence2 instead, for STS across languages.

        Raises:
            ValueError: naming the record, for a missing column or a score that is not a finite
                number in the range; if `second` has a different number of records.
        """
        if second is not None and len(second) != len(source):
            raise ValueError(f"source has {len(source)} records, but second has {len(second)}")
        return cls(
            read_texts(source, "sentence1", "STS record"),
            read_texts(source if second is None else second, "sentence2", "STS record"),
            read_numbers(source, score, "STS record", lowest, highest),
        )

    def measure(self, embed: Embed) -> Measured:
        """Return "spearman" and "pearson", in [-1, 1]; observations are pairs."""
        values = paired_cosine(*self.embed_each(embed)), np.array(self.gold)
        scores = {"spearman": spearman(*values), "pearson": pearson(*values)}
        return Measured(scores, Observations(values, spearman))


@dataclasses.dataclass(frozen=True)
class STSYear(Task):
    """One year of SemEval's STS: Spearman over the pairs of all its sets, and the mean over sets.

    Most published figures are of the concatenated pairs ("all" in SentEval).
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
        main = {
            "spearman_concatenated": spearman(*together),
            "spearman_mean": np.mean(list(each.values())),
        }
        return Measured({**main, **each}, Observations(together, spearman))
