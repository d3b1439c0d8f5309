"""Agreement with human similarity judgements of a set of things."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.baselines import scikit_learn
from pixel_linguist.evaluate.bootstrap import Observations, pearson, spearman
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, paired_cosine, unit_rows
from pixel_linguist.evaluate.suite import Measured, Task

# Random halves of the raters, over which reliability is averaged.
_HALVES = 50


@dataclasses.dataclass(frozen=True)
class HumanSimilarity(Task):
    """Correlation (Pearson) of cosines of things with human similarity judgements.

    Over all judged pairs of different things, as in "Words are all you need?" (Marjieh et al. 2023,
    arXiv 2206.04105).

    Attributes:
        descriptions: of each of N things, one text or more; the vector of a thing is the mean of
            theirs, each scaled to length 1.
        pairs: int [P, 2], positions of the two things in `descriptions`.
        judged: float [P], mean judgement, higher for more similar.
        reliability: of the mean judgements, see `reliability_of`; None: raters are not known.
    """

    descriptions: tuple[tuple[str, ...], ...]
    pairs: np.ndarray
    judged: np.ndarray
    reliability: float | None = None

    metric: ClassVar[str] = "pearson"

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        score: str = "score",
        first: str = "first",
        second: str = "second",
        rater: str | None = None,
        things: Source | None = None,
    ) -> "HumanSimilarity":
        """Read judgements; those of one pair, in either order, are averaged.

        Args:
            score: column of the judgement; `first` and `second` are those of the two things.
            rater: column of the person who judged; None: not known.
            things: records with columns thing and description, several of a thing; None: a thing is
                described by its name.

        Raises:
            ValueError: naming the record, for a missing column, a score that is not a finite
                number, or a thing compared with itself; for a thing without a description, and for
                fewer than two pairs.
        """
        sides = (read_texts(source, side, "judgement") for side in (first, second))
        scores = read_numbers(source, score, "judgement")
        raters = read_texts(source, rater, "judgement") if rater else ("",) * len(scores)
        places: dict[str, int] = {}
        judgements: dict[tuple[int, int], dict[str, list[float]]] = {}
        for number, (*names, value, who) in enumerate(zip(*sides, scores, raters, strict=True)):
            one, other = sorted(places.setdefault(name, len(places)) for name in names)
            if one == other:
                raise ValueError(f"judgement {number} compares {names[0]!r} with itself")
            judgements.setdefault((one, other), {}).setdefault(who, []).append(value)
        if len(judgements) < 2:
            raise ValueError("at least two judged pairs are needed")
        means = [np.mean([x for own in of.values() for x in own]) for of in judgements.values()]
        people = dict.fromkeys(raters)
        ratings = np.array(
            [[np.mean(of.get(who, np.nan)) for of in judgements.values()] for who in people]
        )
        reliability = reliability_of(ratings) if rater else None
        described = {name: (name,) for name in places} if things is None else _described(things)
        if missing := [name for name in places if name not in described]:
            raise ValueError(f"the thing {missing[0]!r} has no description")
        texts = tuple(described[name] for name in places)
        return cls(texts, np.array(list(judgements)), np.array(means), reliability)

    def texts(self) -> list[str]:
        """Return the descriptions."""
        return [text for of_thing in self.descriptions for text in of_thing]

    def vectors(self, embed: Embed) -> np.ndarray:
        """Return the vectors of things: [N, D]."""
        found = checked_vectors(embed, self.texts())
        counts = np.array([len(of_thing) for of_thing in self.descriptions])
        if counts.max() == 1:
            return found
        starts = np.cumsum(counts) - counts
        return np.add.reduceat(unit_rows(found), starts, axis=0) / counts[:, None]

    def measure(self, embed: Embed) -> Measured:
        """Return the scores of `agreement` of the vectors that an encoder gives descriptions."""
        return self.agreement(self.vectors(embed))

    def agreement(self, vectors: np.ndarray) -> Measured:
        """Return "pearson" and "spearman", in [-1, 1], of vectors of things [N, D].

        Where raters are known, "reliability" of the mean judgements too, and "of_reliability", the
        share of it that "pearson" is. Observations are things: pairs that share one are not
        independent.
        """
        first, second = self.pairs.T
        values = paired_cosine(vectors[first], vectors[second]), self.judged
        scores = {"pearson": float(pearson(*values)), "spearman": float(spearman(*values))}
        if self.reliability is not None:
            scores["reliability"] = self.reliability
            scores["of_reliability"] = scores["pearson"] / self.reliability

        def statistic(drawn: np.ndarray) -> np.ndarray:
            """Return Pearson's correlation over pairs of things that were drawn, [..., N]."""
            rows = drawn.reshape(-1, drawn.shape[-1])
            counts = np.zeros(rows.shape)
            np.add.at(counts, (np.arange(len(rows))[:, None], rows), 1)
            found = _weighted_pearson(*values, counts[:, first] * counts[:, second])
            return found.reshape(drawn.shape[:-1])

        return Measured(scores, Observations((np.arange(len(self.descriptions)),), statistic))


def _described(things: Source) -> dict[str, tuple[str, ...]]:
    """Return thing → its descriptions."""
    names, texts = (read_texts(things, name, "thing") for name in ("thing", "description"))
    found: dict[str, tuple[str, ...]] = {}
    for name, text in zip(names, texts, strict=True):
        found[name] = (*found.get(name, ()), text)
    return found


def _weighted_pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the correlation of [P] with [P] under weights [B, P]: float [B]; 0 if one is flat."""
    total = np.maximum(weights.sum(axis=1), 1e-12)
    x, y = (z - (weights @ z / total)[:, None] for z in (x, y))
    scale = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    return np.where(scale > 0, (weights * x * y).sum(axis=1) / np.where(scale > 0, scale, 1), 0.0)


def reliability_of(ratings: np.ndarray) -> float:
    """Return the reliability of the mean of ratings float [R, P], NaN where one is missing.

    The correlation r of the means of two halves of the raters, over the pairs that both rated,
    stepped up to all of them by 2 r / (1 + r) (Spearman, Brown 1910), averaged over 50 random
    halves. No model is expected above its square root.

    Raises:
        ValueError: for fewer than two raters, or fewer than two pairs rated by both halves.
    """
    if len(ratings) < 2:
        raise ValueError(f"reliability needs two raters or more, not {len(ratings)}")
    rng, found = np.random.default_rng(0), []
    # A rater's own level is none of the pair's.
    centred = ratings - np.nanmean(ratings, axis=1, keepdims=True)
    known = np.isfinite(centred)
    for _ in range(_HALVES):
        half = np.isin(np.arange(len(ratings)), rng.permutation(len(ratings))[: len(ratings) // 2])
        counts = [known[side].sum(axis=0) for side in (half, ~half)]
        both = (counts[0] > 0) & (counts[1] > 0)
        if both.sum() < 2:
            raise ValueError("reliability needs two pairs or more that both halves have rated")
        means = [
            np.where(known, centred, 0)[side][:, both].sum(axis=0) / count[both]
            for side, count in zip((half, ~half), counts, strict=True)
        ]
        r = float(pearson(*means))
        found.append(2 * r / (1 + r))
    return float(np.mean(found))


def stack(vectors: Sequence[np.ndarray], weights: Sequence[float] = ()) -> np.ndarray:
    """Concatenate vectors [N, D] of the same things, each scaled to unit length: [N, sum of D].

    The cosine of two things is the mean of their cosines, by weights if there are any. The paper
    above stacks representations of different senses.

    Raises:
        ValueError: for no vectors, or weights that are negative, all 0, or not one for each.
    """
    if not len(vectors):
        raise ValueError("stacking needs at least one encoder")
    shares = np.array(weights or [1.0] * len(vectors))
    if len(shares) != len(vectors) or min(shares) < 0 or not shares.sum():
        raise ValueError(f"the weights of {len(vectors)} encoders are {list(weights)}")
    scales = np.sqrt(shares / shares.sum())
    return np.concatenate(
        [scale * unit_rows(x) for scale, x in zip(scales, vectors, strict=True)], axis=1
    )


def stacked(embeds: Sequence[Embed], weights: Sequence[float] = ()) -> Embed:
    """Return the embedding by several encoders, whose vectors are stacked; see `stack`."""
    return lambda texts: stack([checked_vectors(e, texts) for e in embeds], weights)


def bags(texts: Sequence[str]) -> np.ndarray:
    """Return which words each of N texts has: float [N, V]; an `Embed` that knows no meaning."""
    words = [set(text.lower().split()) for text in texts]
    known = sorted(set().union(*words))
    return np.array([[word in own for word in known] for own in words], float)


def reweighted(task: HumanSimilarity, vectors: np.ndarray, folds: int = 3) -> dict[str, float]:
    """Return the agreement of sum_k w_k z_ik z_jk, w learned from judgements of other things.

    By ridge regression, its penalty chosen inside. Things are divided into folds; pairs of a fold
    are predicted by weights of pairs without any of its things. Pairs across folds are not used.
    It reads judgements, so that it is not to be compared with what does not. Needs the extra
    `report`.

    Source: Marjieh et al. 2022 (arXiv 2202.04728).

    Returns:
        "pearson", and "unweighted", that of the cosine on the same pairs.

    Raises:
        ValueError: for fewer than two folds, or a fold without a pair.
    """
    z = unit_rows(np.asarray(vectors, float))
    first, second = task.pairs.T
    features = z.shape[1] * z[first] * z[second]
    fold = np.random.default_rng(0).permutation(len(z)) % folds if folds > 1 else np.zeros(len(z))
    predicted = np.full(len(task.judged), np.nan)
    for number in range(folds):
        inside = [fold[side] == number for side in (first, second)]
        held, rest = inside[0] & inside[1], ~inside[0] & ~inside[1]
        if not held.any() or rest.sum() < 2:
            raise ValueError(f"{folds} folds of {len(z)} things leave one without pairs")
        ridge = scikit_learn("linear_model").RidgeCV(np.logspace(-1, 5, 13))
        predicted[held] = ridge.fit(features[rest], task.judged[rest]).predict(features[held])
    used = np.isfinite(predicted)
    cosines = features.mean(axis=1)
    scores = {"pearson": predicted, "unweighted": cosines}
    return {name: float(pearson(x[used], task.judged[used])) for name, x in scores.items()}
