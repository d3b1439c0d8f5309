"""The rate of a perturbation: the expected share of its units (clusters, words) that it changes."""

import functools
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

Perturbation = Callable[..., str]


def check_rate(rate: float, name: str = "rate") -> None:
    """Raise ValueError if a rate is not a number from 0 to 1; `name` stands in the message."""
    if not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {rate!r}")


def perturbation(perturb: Perturbation) -> Perturbation:
    """Check a perturbation's rate; return text unchanged at rate 0, or if it has no word.

    Args:
        perturb: (text, rng, *, rate, ...) → perturbed text, for text with a word.
    """

    @functools.wraps(perturb)
    def checked(text: str, rng: np.random.Generator, *, rate: float, **options: Any) -> str:
        check_rate(rate)
        if rate == 0 or not text or text.isspace():
            return text
        return perturb(text, rng, rate=rate, **options)

    return checked


def chosen(draws: np.ndarray, rate: float) -> list[int]:
    """Return the positions whose draw from [0, 1), float [n], is below the rate."""
    return (draws < rate).nonzero()[0].tolist()


def chosen_clusters(clusters: Sequence[str], draws: np.ndarray, rate: float) -> list[int]:
    """Return those of `chosen` whose cluster is not whitespace."""
    return [index for index in chosen(draws, rate) if not clusters[index].isspace()]
