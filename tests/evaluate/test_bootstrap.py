"""Correlations and intervals equal SciPy's."""

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


def test_the_interval_of_a_mean_is_near_its_normal_approximation() -> None:
    found = (np.random.default_rng(0).random(2000) < 0.3).astype(float)
    deviation = found.std() / np.sqrt(2000)
    expected = found.mean() + np.array([-1.96, 1.96]) * deviation
    np.testing.assert_allclose(
        interval(Observations((found,), mean)), expected, atol=0.2 * deviation
    )


def test_a_single_observation_has_no_interval_and_equal_ones_no_width() -> None:
    assert np.isnan(interval(Observations((np.ones(1),), mean))).all()
    assert interval(Observations((np.ones(9),), mean)) == (1.0, 1.0)
