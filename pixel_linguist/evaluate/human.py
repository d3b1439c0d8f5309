"""Similarity to human judgements: do cosines agree with people about a set of things?"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, unit_rows


@dataclasses.dataclass(frozen=True)
class HumanSimilarity:
    """Correlation of the matrix of cosines with that of people's similarity judgements.

    As in "Words are all you need?" (Marjieh et al. 2023, arXiv 2206.04105): over each two
    different things, told by their descriptions, Pearson.

    Attributes:
        descriptions: texts, N of them, all different.
        pairs: int [P, 2], places of the two that were compared.
        judged: float [P], the mean judgement, higher for more alike.
    """

    descriptions: tuple[str, ...]
    pairs: np.ndarray
    judged: np.ndarray
    metric: str = "pearson"

    @classmethod
    def from_source(cls, source: Source, *, score: str = "score") -> "HumanSimilarity":
        """Read records with columns first, second, and the judgement's; repeated ones are averaged.

        Raises:
            ValueError: naming the record, for a missing column, a judgement that is no finite
                number, or a thing compared with itself; for fewer than two pairs.
        """
        places: dict[str, int] = {}
        judgements: dict[tuple[int, int], list[float]] = {}
        for number in range(len(source)):
            record, where = source[number], f"judgement {number}"
            names = [column(record, side, where) for side in ("first", "second")]
            first, second = sorted(places.setdefault(name, len(places)) for name in names)
            if first == second:
                raise ValueError(f"{where} compares {names[0]!r} with itself")
            value = column(record, score, where)
            try:
                judged = float(value)
            except ValueError:
                judged = float("nan")
            if not np.isfinite(judged):
                raise ValueError(f"{where}: the score {value!r} is not a finite number")
            judgements.setdefault((first, second), []).append(judged)
        if len(judgements) < 2:
            raise ValueError("judgements of two pairs at least are needed")
        means = [np.mean(values) for values in judgements.values()]
        return cls(tuple(places), np.array(list(judgements)), np.array(means))

    def texts(self) -> list[str]:
        """Return the descriptions."""
        return list(self.descriptions)

    def observe(self, embed: Embed) -> Observations:
        """Return each pair's cosine and judgement."""
        rows = unit_rows(checked_vectors(embed, self.texts()))
        cosines = (rows[self.pairs[:, 0]] * rows[self.pairs[:, 1]]).sum(axis=1)
        return Observations((np.asarray(cosines), self.judged), pearson)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "pearson" and "spearman", in [-1, 1]."""
        values = self.observe(embed).values
        return {"pearson": float(pearson(*values)), "spearman": float(spearman(*values))}


def stacked(embeds: Sequence[Embed]) -> Embed:
    """Join several encoders' vectors, each scaled to unit length, so that none outweighs another.

    The cosine of two stacked vectors is the mean of the encoders' cosines. As the paper above
    stacks representations that come from different senses.

    Raises:
        ValueError: for none.
    """
    if not embeds:
        raise ValueError("stacking needs at least one encoder")

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.concatenate([unit_rows(checked_vectors(e, texts)) for e in embeds], axis=1)

    return embed
