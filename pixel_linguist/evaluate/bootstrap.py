"""Correlations, and confidence intervals of scores by the bootstrap."""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
from scipy import stats

RESAMPLES = 1000
# Resamples are scored in groups of about this many numbers, which bounds memory.
NUMBERS_AT_ONCE = 1 << 21


def mean(values: np.ndarray) -> np.ndarray:
    """Return the mean along the last axis."""
    return values.mean(axis=-1)


@dataclasses.dataclass(frozen=True)
class Observations:
    """Observations, such as one of each pair or query, and the statistic of them that is a score.

    Attributes:
        values: arrays [N]; entries at the same position belong together (a cosine and its gold
            score).
        statistic: arrays [..., N] → float [...], along the last axis.
    """

    values: tuple[np.ndarray, ...]
    statistic: Callable[..., np.ndarray] = mean


def interval(observations: Observations) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval (Efron and Tibshirani 1993, 13.3).

    Both ends are NaN for fewer than two observations.
    """
    count = len(observations.values[0])
    if count < 2:
        return float("nan"), float("nan")
    with warnings.catch_warnings():
        # Equal observations have an interval of width 0.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            observations.values,
            lambda *values, axis: observations.statistic(*values),
            n_resamples=RESAMPLES,
            batch=max(NUMBERS_AT_ONCE // count, 1),
            vectorized=True,
            paired=True,
            confidence_level=0.95,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(found.low), float(found.high)


def pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of [..., N] with [..., N] along the last axis: float [...].

    Equal to `scipy.stats.pearsonr`, but 0 where x or y is constant.
    """
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    return np.where(scale > 0, (x * y).sum(axis=-1) / np.where(scale > 0, scale, 1.0), 0.0)


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the correlation of ranks; ties share their mean rank, as in `scipy.stats.spearmanr`.

    Shapes are those of `pearson`.
    """
    return pearson(stats.rankdata(x, axis=-1), stats.rankdata(y, axis=-1))
