"""Human similarity: several descriptions, intervals over things, reliability, reweighting."""

import numpy as np
import pytest
from scipy import stats

from pixel_linguist.evaluate.bootstrap import Observations, interval, pearson
from pixel_linguist.evaluate.human import (
    HumanSimilarity,
    bags,
    reliability_of,
    reweighted,
    stack,
    stacked,
)
from pixel_linguist.evaluate.similarity import cosine_matrix

ROWS = [
    {"first": a, "second": b, "score": s, "who": w}
    for a, b, s, w in ("xy1p", "yx3q", "xz5p", "zy2q")
]


def of_matrix(judged: np.ndarray) -> HumanSimilarity:
    """Return the task of a matrix of judgements."""
    pairs = np.argwhere(np.triu(np.ones_like(judged), 1))
    return HumanSimilarity((("a",),) * len(judged), pairs, judged[tuple(pairs.T)])


def test_judgements_of_a_pair_are_averaged_and_a_thing_is_the_mean_of_its_descriptions() -> None:
    things = [
        {"thing": t, "description": d}
        for t, d in (("x", "1 2"), ("x", "3"), ("y", "1"), ("z", "3"))
    ]
    task = HumanSimilarity.from_source(ROWS, things=things)
    assert task.texts() == ["1 2", "3", "1", "3"]
    x, y, z = task.vectors(bags)
    np.testing.assert_allclose(x, (np.array([1, 1, 0]) / 2**0.5 + [0, 0, 1]) / 2)
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in ((x, y), (x, z), (y, z))]
    scores = task.score(bags)
    assert scores["pearson"] == pytest.approx(stats.pearsonr(cosines, [2, 5, 2]).statistic)
    assert scores["spearman"] == pytest.approx(stats.spearmanr(cosines, [2, 5, 2]).statistic)
    with pytest.raises(ValueError, match="'z'"):
        HumanSimilarity.from_source(ROWS, things=things[:3])


@pytest.mark.parametrize(("change", "word"), [({"second": "x"}, "itself"), ({}, "two")])
def test_bad_judgements_are_refused(change: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        HumanSimilarity.from_source([ROWS[0] | change])


def test_a_resample_of_things_has_the_pairs_among_them() -> None:
    rng = np.random.default_rng(0)
    vectors, judged = rng.normal(size=(8, 3)), rng.normal(size=(8, 8))
    judged += judged.T
    observations = of_matrix(judged).agreement(vectors).observations
    assert observations is not None
    drawn = rng.integers(8, size=(5, 8))
    for row, found in zip(drawn, observations.statistic(drawn), strict=True):
        pairs = [(i, j) for n, i in enumerate(row) for j in row[n + 1 :] if i != j]
        cosines = [cosine_matrix(vectors[[i]], vectors[[j]])[0, 0] for i, j in pairs]
        expected = stats.pearsonr(cosines, [judged[i, j] for i, j in pairs]).statistic
        assert found == pytest.approx(expected)


def test_an_interval_over_things_covers_more_often_than_one_over_pairs() -> None:
    # The truth is that of many things; a draw of 15 of them shares each in 14 pairs.
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 4))
    noisy = z + 1.5 * rng.normal(size=z.shape)
    upper = np.triu_indices(300, 1)
    truth = pearson(cosine_matrix(noisy, noisy)[upper], cosine_matrix(z, z)[upper])
    covered = np.zeros(2)
    for _ in range(30):
        own = rng.choice(300, 15, replace=False)
        task = of_matrix(cosine_matrix(z[own], z[own]))
        of_things = task.agreement(noisy[own]).observations
        cosines = cosine_matrix(noisy[own], noisy[own])[tuple(task.pairs.T)]
        of_pairs = Observations((cosines, task.judged), pearson)
        assert of_things is not None
        ends = (interval(of_things), interval(of_pairs))
        covered += [low <= truth <= high for low, high in ends]
    assert covered[0] >= 0.85 * 30 and covered[0] > covered[1]


def test_reliability_is_that_of_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    true, offsets = rng.normal(size=1500), rng.normal(size=(20, 1))
    ratings = true + 3 * rng.normal(size=(20, 1500)) + offsets
    assert reliability_of(ratings) == pytest.approx(1 / (1 + 9 / 20), abs=0.03)
    with pytest.raises(ValueError, match="raters"):
        reliability_of(ratings[:1])
    scores = HumanSimilarity.from_source(
        [{"first": a, "second": b, "score": s + w, "who": str(w)} for w in (0, 1)
         for a, b, s in (("x", "y", 1), ("x", "z", 5), ("y", "z", 2))],
        rater="who",
    ).score(lambda texts: np.eye(4)[: len(texts), :2] + 1)  # fmt: skip
    assert scores["reliability"] == pytest.approx(1.0)
    assert scores["of_reliability"] == pytest.approx(scores["pearson"])
    with pytest.raises(ValueError, match="both halves"):
        HumanSimilarity.from_source(ROWS[:3:2] + ROWS[3:], rater="who")


def test_the_cosine_of_stacked_vectors_is_the_weighted_mean_of_cosines() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), 50 * rng.normal(size=(5, 7))
    own, other = cosine_matrix(x, x), cosine_matrix(y, y)
    for weights, expected in (
        ((1, 0), own), ((3, 1), 0.75 * own + 0.25 * other), ((), (own + other) / 2)
    ):  # fmt: skip
        found = stacked([lambda texts: x, lambda texts: y], weights)(list("abcde"))
        np.testing.assert_allclose(found @ found.T, expected, atol=1e-12)
    with pytest.raises(ValueError, match="weights"):
        stack([x, y], (1, -1))
    with pytest.raises(ValueError, match="one encoder"):
        stack([])


def test_weights_of_numbers_are_learned_from_other_things() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(60, 8))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    task = of_matrix((z * [9, 0, 0, 0, 0, 0, 0, 1]) @ z.T)
    found = reweighted(task, z)
    assert found["pearson"] > 0.95 > 0.7 > found["unweighted"]
    with pytest.raises(ValueError, match="folds"):
        reweighted(task, z, folds=1)
