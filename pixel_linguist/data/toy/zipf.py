"""Zipf's law, by which concepts of a kind and words of a concept are drawn."""

import functools
from bisect import bisect
from itertools import accumulate

import numpy as np


@functools.cache
def _totals(count: int) -> tuple[float, ...]:
    """Return 1, 1 + 1/2, 1 + 1/2 + 1/3, ...: `count` of them."""
    return tuple(accumulate(1 / rank for rank in range(1, count + 1)))


def pick_rank(rng: np.random.Generator, count: int) -> int:
    """Draw one of `count` ranks from 0; how often it comes is one over its rank from 1."""
    totals = _totals(count)
    # Rounding may make the product the last total itself.
    return min(bisect(totals, rng.random() * totals[-1]), count - 1)
