"""Correlations and intervals are SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pixel_linguist.evaluate.bootstrap import (
    RESAMPLES,
    Observations,
    interval,
    mean,
    pearson,
    spearman,
)
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import with_interval


@given(st.integers(0, 2**32 - 1), st.integers(3, 60), st.sampled_from([1, 30]))
def test_correlations_equal_scipys_along_the_last_axis(seed: int, count: int, scale: int) -> None:
    rng = np.random.default_rng(seed)
    # At scale 1 there are ties.
    x, y = np.rint(scale * rng.normal(size=(2, 4, count)))
    x[:, 0], y[:, 1] = 100, 200
    ranks, linear = spearman(x, y), pearson(x, y)
    for row in range(4):
        assert ranks[row] == pytest.approx(stats.spearmanr(x[row], y[row]).statistic, abs=1e-10)
        assert linear[row] == pytest.approx(stats.pearsonr(x[row], y[row]).statistic, abs=1e-10)


def test_the_interval_equals_scipys_with_its_own_statistic() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=80)
    y = x + rng.normal(size=80)
    theirs = stats.bootstrap(
        (x, y),
        lambda a, b: stats.spearmanr(a, b).statistic,
        n_resamples=RESAMPLES,
        vectorized=False,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = interval(Observations((x, y), spearman))
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-10)
    assert low < spearman(x, y) < high


def test_the_interval_of_a_mean_is_near_that_of_its_normal_approximation() -> None:
    found = (np.random.default_rng(0).random(2000) < 0.3).astype(float)
    low, high = interval(Observations((found,), mean))
    deviation = found.std() / np.sqrt(2000)
    assert low == pytest.approx(found.mean() - 1.96 * deviation, abs=0.2 * deviation)
    assert high == pytest.approx(found.mean() + 1.96 * deviation, abs=0.2 * deviation)


def test_a_single_observation_has_no_interval_and_equal_ones_no_width() -> None:
    assert np.isnan(interval(Observations((np.ones(1),), mean))).all()
    assert interval(Observations((np.ones(9),), mean)) == (1.0, 1.0)


def test_a_task_is_scored_with_the_ends_of_its_interval() -> None:
    rng = np.random.default_rng(1)
    words = [f"w{number}" for number in range(60)]
    vectors = {word: rng.normal(size=5) for word in words}
    task = STS(tuple(words[:30]), tuple(words[30:]), tuple(range(30)))
    scores = with_interval(task, lambda texts: np.array([vectors[text] for text in texts]))
    assert scores["spearman_low"] < scores["spearman"] < scores["spearman_high"]
