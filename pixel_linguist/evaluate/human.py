"""Agreement with human similarity judgements of a set of things."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pixel_linguist.data.example import Content
from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, paired_cosine, unit_rows
from pixel_linguist.evaluate.suite import Measured, Task


@dataclasses.dataclass(frozen=True)
class HumanSimilarity(Task):
    """Correlation (Pearson) of cosines of descriptions with human similarity judgements.

    Over all judged pairs of different things, as in "Words are all you need?" (Marjieh et al. 2023,
    arXiv 2206.04105).

    Attributes:
        descriptions: N texts, all different.
        pairs: int [P, 2], positions of the two things in `descriptions`.
        judged: float [P], mean judgement, higher for more similar.
    """

    descriptions: tuple[str, ...]
    pairs: np.ndarray
    judged: np.ndarray

    metric: ClassVar[str] = "pearson"

    @classmethod
    def from_source(cls, source: Source, *, score: str = "score") -> "HumanSimilarity":
        """Read records with columns first, second and the score's; repeated pairs are averaged.

        Raises:
            ValueError: naming the record, for a missing column, a score that is not a finite
                number, or a thing compared with itself; for fewer than two pairs.
        """
        sides = (read_texts(source, side, "judgement") for side in ("first", "second"))
        scores = read_numbers(source, score, "judgement")
        places: dict[str, int] = {}
        judgements: dict[tuple[int, int], list[float]] = {}
        for number, (*names, value) in enumerate(zip(*sides, scores, strict=True)):
            first, second = sorted(places.setdefault(name, len(places)) for name in names)
            if first == second:
                raise ValueError(f"judgement {number} compares {names[0]!r} with itself")
            judgements.setdefault((first, second), []).append(value)
        if len(judgements) < 2:
            raise ValueError("at least two judged pairs are needed")
        means = [np.mean(values) for values in judgements.values()]
        return cls(tuple(places), np.array(list(judgements)), np.array(means))

    def texts(self) -> list[str]:
        """Return the descriptions."""
        return list(self.descriptions)

    def measure(self, embed: Embed) -> Measured:
        """Return "pearson" and "spearman", in [-1, 1]; observations are pairs."""
        vectors = checked_vectors(embed, self.texts())
        first, second = self.pairs.T
        values = (np.asarray(paired_cosine(vectors[first], vectors[second])), self.judged)
        scores = {"pearson": float(pearson(*values)), "spearman": float(spearman(*values))}
        return Measured(scores, Observations(values, pearson))


def stacked(embeds: Sequence[Embed]) -> Embed:
    """Concatenate the vectors of several encoders, each scaled to unit length.

    The cosine of two stacked vectors is the mean of the encoders' cosines. The paper above stacks
    representations of different senses.
    """
    if not embeds:
        raise ValueError("stacking needs at least one encoder")

    def embed(texts: Sequence[Content]) -> np.ndarray:
        return np.concatenate([unit_rows(checked_vectors(e, texts)) for e in embeds], axis=1)

    return embed
