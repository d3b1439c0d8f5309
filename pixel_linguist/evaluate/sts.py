"""Semantic textual similarity: do cosines rank pairs as people do?"""

import dataclasses
import warnings

import numpy as np
from scipy import stats

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.similarity import Embed, paired_cosine


@dataclasses.dataclass(frozen=True)
class STS:
    """Rank correlation (Spearman) of cosine similarity with graded similarity.

    Ties share their mean rank, as in `scipy.stats.spearmanr` and SentEval; published figures are
    these times 100. Vectors that are all alike have no correlation: the score is then 0.

    Attributes:
        sentence1: texts, N of them.
        sentence2: texts, N of them.
        gold: float [N], higher for more alike.
    """

    sentence1: tuple[str, ...]
    sentence2: tuple[str, ...]
    gold: tuple[float, ...]
    metric: str = "spearman"

    @classmethod
    def from_source(cls, source: Source, *, score: str = "score") -> "STS":
        """Read records with columns sentence1, sentence2, and the score's (a finite number)."""
        first, second, gold = [], [], []
        for number in range(len(source)):
            record, where = source[number], f"STS record {number}"
            first.append(column(record, "sentence1", where))
            second.append(column(record, "sentence2", where))
            value = column(record, score, where)
            try:
                gold.append(float(value))
            except ValueError:
                raise ValueError(f"{where}: the score {value!r} is not a number") from None
            if not np.isfinite(gold[-1]):
                raise ValueError(f"{where}: the score is {value!r}, not a finite number")
        return cls(tuple(first), tuple(second), tuple(gold))

    def texts(self) -> list[str]:
        """Return both sides."""
        return [*self.sentence1, *self.sentence2]

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "spearman" and "pearson", in [-1, 1]."""
        vectors = embed(self.texts())
        half = len(self.gold)
        cosines = paired_cosine(vectors[:half], vectors[half:])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.ConstantInputWarning)
            spearman = stats.spearmanr(cosines, self.gold).statistic
            pearson = stats.pearsonr(cosines, self.gold).statistic
        return {
            "spearman": float(np.nan_to_num(spearman)),
            "pearson": float(np.nan_to_num(pearson)),
        }
