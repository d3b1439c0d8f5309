"""Semantic textual similarity: do cosines rank pairs as people do?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, paired_cosine
from pixel_linguist.evaluate.suite import Change


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
    def from_source(
        cls,
        source: Source,
        *,
        score: str = "score",
        second: Source | None = None,
        lowest: float = float("-inf"),
        highest: float = float("inf"),
    ) -> "STS":
        """Read records with columns sentence1, sentence2, and the score's.

        Args:
            source: of the records.
            score: the column of the score.
            second: where sentence2 is taken from instead, record by record: across languages.
            lowest: the least score there may be.
            highest: the greatest score there may be.

        Raises:
            ValueError: naming the record, for a missing column or a score that is no number or
                out of range; if `second` has another number of records.
        """
        if second is not None and len(second) != len(source):
            raise ValueError(f"{len(source)} first sentences, but {len(second)} second ones")
        sentences1, sentences2, gold = [], [], []
        for number in range(len(source)):
            record, where = source[number], f"STS record {number}"
            other = record if second is None else second[number]
            sentences1.append(column(record, "sentence1", where))
            sentences2.append(column(other, "sentence2", where))
            value = column(record, score, where)
            try:
                gold.append(float(value))
            except ValueError:
                raise ValueError(f"{where}: the score {value!r} is not a number") from None
            if not np.isfinite(gold[-1]):
                raise ValueError(f"{where}: the score is {value!r}, not a finite number")
            if not lowest <= gold[-1] <= highest:
                raise ValueError(f"{where}: the score {value!r} is not in {lowest}..{highest}")
        return cls(tuple(sentences1), tuple(sentences2), tuple(gold))

    def texts(self) -> list[str]:
        """Return both sides."""
        return [*self.sentence1, *self.sentence2]

    def changed(self, change: Change) -> "STS":
        """Return the task with every sentence2 changed."""
        return dataclasses.replace(self, sentence2=change(self.sentence2))

    def observe(self, embed: Embed) -> Observations:
        """Return each pair's cosine and graded similarity."""
        vectors = checked_vectors(embed, self.texts())
        half = len(self.gold)
        cosines = paired_cosine(vectors[:half], vectors[half:])
        return Observations((np.asarray(cosines), np.array(self.gold)), spearman)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "spearman" and "pearson", in [-1, 1]."""
        values = self.observe(embed).values
        return {"spearman": float(spearman(*values)), "pearson": float(pearson(*values))}
