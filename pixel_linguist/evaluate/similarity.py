"""Cosine similarity of embeddings, for dense arrays and SciPy sparse arrays (TF-IDF)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# N texts → [N, D], a float array or a SciPy sparse array. Rows need not be normalised.
Embed = Callable[[Sequence[str]], Any]


def checked_vectors(embed: Embed, texts: Sequence[str]) -> Any:
    """Embed N texts and check the result: [N, D], all finite, at least float32.

    Raises:
        ValueError: if the shape is wrong, or an embedding is not finite (its text is named).
    """
    vectors = embed(texts)
    if vectors.ndim != 2 or vectors.shape[0] != len(texts):
        raise ValueError(f"{len(texts)} texts have embeddings of shape {vectors.shape}, not [N, D]")
    # Squares of float16 overflow.
    vectors = vectors.astype(np.promote_types(vectors.dtype, np.float32), copy=False)
    bad = ~np.isfinite(vectors.sum(axis=1))
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"{bad.sum()} of {len(texts)} embeddings are not finite; the first is that of text "
            f"{first}: {texts[first]!r:.80}"
        )
    return vectors


def norms(x: Any) -> np.ndarray:
    """Return the length of each row of [N, D], at least 1e-12, so that zero rows have cosine 0."""
    return np.sqrt(np.maximum((x * x).sum(axis=1), 1e-24))


def unit_rows(x: Any) -> Any:
    """Return the rows of [N, D] scaled to length 1; zero rows stay zero."""
    scale = 1 / norms(x)[:, None]
    return x * scale if isinstance(x, np.ndarray) else x.multiply(scale).tocsr()


def paired_cosine(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of a [N, D] with the same row of b [N, D]: float [N]."""
    return (a * b).sum(axis=1) / (norms(a) * norms(b))


def cosine_matrix(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of a [N, D] with each row of b [M, D]: float [N, M]."""
    products = a @ b.T
    dense = products if isinstance(products, np.ndarray) else products.toarray()
    return dense / (norms(a)[:, None] * norms(b))


class CachedEmbed:
    """Embeds each distinct text once and keeps its vector, for tasks that share texts.

    Args:
        embed: texts → [N, D], dense.
    """

    def __init__(self, embed: Embed):
        self._embed = embed
        self._rows: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return [N, D] for N texts, embedding only those that are not cached."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._rows]:
            self._rows.update(zip(new, checked_vectors(self._embed, new), strict=True))
        return np.array([self._rows[text] for text in texts])
