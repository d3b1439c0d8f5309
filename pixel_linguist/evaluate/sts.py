"""Semantic textual similarity (STS): do cosines rank pairs of sentences as people do?"""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, paired_cosine
from pixel_linguist.evaluate.suite import Attack, Measured, Task


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

    def texts(self) -> list[str]:
        """Return both sides."""
        return [*self.sentence1, *self.sentence2]

    def attacked(self, attack: Attack) -> "STS":
        """Return the task with every sentence2 perturbed."""
        return dataclasses.replace(self, sentence2=attack(self.sentence2))

    def measure(self, embed: Embed) -> Measured:
        """Return "spearman" and "pearson", in [-1, 1]; observations are pairs."""
        vectors = checked_vectors(embed, self.texts())
        half = len(self.gold)
        cosines = np.asarray(paired_cosine(vectors[:half], vectors[half:]))
        gold = np.array(self.gold)
        return Measured(
            {"spearman": float(spearman(cosines, gold)), "pearson": float(pearson(cosines, gold))},
            Observations((cosines, gold), spearman),
        )
