"""Cosine similarity of dense arrays and of SciPy's sparse ones (TF-IDF) alike."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Texts → [N, D]: a float array, or a SciPy sparse array. Rows need not be normalised.
Embed = Callable[[Sequence[str]], Any]


def checked_vectors(embed: Embed, texts: Sequence[str]) -> Any:
    """Embed texts: [N, D], one finite row a text.

    Raises:
        ValueError: if rows are missing, or one is not finite, naming its text.
    """
    vectors = embed(texts)
    if vectors.ndim != 2 or vectors.shape[0] != len(texts):
        raise ValueError(f"{len(texts)} texts have embeddings of shape {vectors.shape}, not [N, D]")
    bad = ~np.isfinite(vectors.sum(axis=1))
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{bad.sum()} of {len(texts)} embeddings are not finite; the first is that of text "
            f"{first}: {texts[first]!r:.80}"
        )
    return vectors


def norms(x: Any) -> np.ndarray:
    """Return the length of each row of [N, D], never 0, so that zero rows have cosine 0."""
    return np.sqrt(np.maximum((x * x).sum(axis=1), 1e-24))


def unit_rows(x: Any) -> Any:
    """Return the rows of [N, D] scaled to length 1; zero rows stay zero."""
    scale = 1 / norms(x)[:, None]
    return x * scale if isinstance(x, np.ndarray) else x.multiply(scale).tocsr()


def paired_cosine(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of [N, D] with the same row of another: float [N]."""
    return (a * b).sum(axis=1) / (norms(a) * norms(b))


def cosine_matrix(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of [N, D] with each row of [M, D]: float [N, M]."""
    products = a @ b.T
    dense = products if isinstance(products, np.ndarray) else products.toarray()
    return dense / (norms(a)[:, None] * norms(b))


class Remembered:
    """An embedding of dense rows that embeds each distinct text once, for tasks that ask again."""

    def __init__(self, embed: Embed):
        self._embed = embed
        self._rows: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return [N, D] for N texts, computing only the rows of those not seen before."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._rows]:
            self._rows.update(zip(new, checked_vectors(self._embed, new), strict=True))
        return np.array([self._rows[text] for text in texts])
