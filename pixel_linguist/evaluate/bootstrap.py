"""Confidence intervals of scores, by resampling what they were computed of."""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats

RESAMPLES = 1000
# Resamples are scored in groups of about this many numbers, which bounds memory.
NUMBERS_AT_ONCE = 1 << 21


@dataclasses.dataclass(frozen=True)
class Observations:
    """Single observations and the statistic that makes a score of them.

    Attributes:
        values: arrays [N] whose entries belong together, such as cosines and gold scores.
        statistic: of arrays [..., N] along their last axis, float [...].
    """

    values: tuple[np.ndarray, ...]
    statistic: Callable[..., np.ndarray]


def interval(observations: Observations, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic (Efron and Tibshirani 1993, 13.3).

    With fewer than two observations there is none: both ends are NaN.
    """
    count = len(observations.values[0])
    if count < 2:
        return float("nan"), float("nan")
    with warnings.catch_warnings():
        # Observations that are all alike have an interval of no width.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            observations.values,
            lambda *values, axis: observations.statistic(*values),
            n_resamples=RESAMPLES,
            batch=max(NUMBERS_AT_ONCE // count, 1),
            vectorized=True,
            paired=True,
            confidence_level=level,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(found.low), float(found.high)


def mean(values: np.ndarray) -> np.ndarray:
    """Return the mean along the last axis."""
    return values.mean(axis=-1)


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlation of [..., N] with [..., N] along the last axis: float [...].

    It is 0 where one of them is constant. Equals `scipy.stats.pearsonr`.
    """
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    return np.where(scale > 0, (x * y).sum(axis=-1) / np.where(scale > 0, scale, 1.0), 0.0)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlation of ranks, ties sharing their mean rank, as `scipy.stats.spearmanr`."""
    return pearson(stats.rankdata(x, axis=-1), stats.rankdata(y, axis=-1))
