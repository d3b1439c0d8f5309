"""Cosine similarity of dense arrays and of SciPy's sparse ones (TF-IDF) alike."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Texts → [N, D]: a float array, or a SciPy sparse array. Rows need not be normalised.
Embed = Callable[[Sequence[str]], Any]


def norms(x: Any) -> np.ndarray:
    """Return the length of each row of [N, D], never 0, so that zero rows have cosine 0."""
    return np.sqrt(np.maximum((x * x).sum(axis=1), 1e-24))


def paired_cosine(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of [N, D] with the same row of another: float [N]."""
    return (a * b).sum(axis=1) / (norms(a) * norms(b))


def cosine_matrix(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of [N, D] with each row of [M, D]: float [N, M]."""
    products = a @ b.T
    dense = products if isinstance(products, np.ndarray) else products.toarray()
    return dense / (norms(a)[:, None] * norms(b))
