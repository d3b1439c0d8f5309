"""Cosine similarity of embeddings, for dense arrays and SciPy sparse arrays (TF-IDF)."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pixel_linguist.data.example import Content

if TYPE_CHECKING:
    from PIL.Image import Image

    # What a task embeds: content of examples, or a picture of text, which is to be read.
    Input = Content | Image

# N texts or pictures → [N, D], a float array or a SciPy sparse array. Rows need not be normalised.
Embed = Callable[[Sequence[Any]], Any]


def checked_vectors(embed: Embed, texts: Sequence["Input"]) -> Any:
    """Embed N texts or pictures and check the result: [N, D], all finite, at least float32.

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
    return np.asarray((a * b).sum(axis=1) / (norms(a) * norms(b)))


def cosine_matrix(a: Any, b: Any) -> np.ndarray:
    """Return the cosine of each row of a [N, D] with each row of b [M, D]: float [N, M]."""
    return dense(a @ b.T) / (norms(a)[:, None] * norms(b))


def dense(matrix: Any) -> np.ndarray:
    """Return an array, or a SciPy sparse array as one."""
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def prefix_embed(embed: Embed, width: int) -> Embed:
    """Return the embedding by the first `width` numbers of a dense one, scaled to length 1."""
    return lambda contents: unit_rows(np.asarray(embed(contents))[:, :width])


def ensemble_embed(embeds: Sequence[Embed]) -> Embed:
    """Return the sum of several models' embeddings, each scaled to length 1.

    Snapshots of a cyclic schedule differ enough for it (Merkx and Frank 2019, arXiv 1903.11393).
    All embeddings are of one length.
    """
    return lambda contents: sum(unit_rows(np.asarray(embed(contents))) for embed in embeds)


class CachedEmbed:
    """Embeds each distinct text or picture once and keeps its vector, for tasks that share them."""

    def __init__(self, embed: Embed):
        self._embed = embed
        self._rows: dict[Hashable, np.ndarray] = {}
        # Of an embedder alone; they are not kept.
        self.patches = getattr(embed, "patches", None)
        self.embedder = embed

    def __call__(self, texts: Sequence["Input"]) -> np.ndarray:
        """Return [N, D] for N texts or pictures, embedding only those that are not cached."""
        keys = [_key(text) for text in texts]
        new = {key: x for key, x in zip(keys, texts, strict=True) if key not in self._rows}
        if new:
            found = checked_vectors(self._embed, list(new.values()))
            self._rows.update(zip(new, found, strict=True))
        return np.array([self._rows[key] for key in keys])


def _key(content: "Input") -> Hashable:
    """Return what equal contents have in common; of pixels a digest, which takes no room."""
    if isinstance(content, str | Path | tuple):
        return content
    shape = content.shape if isinstance(content, np.ndarray) else (content.mode, *content.size)
    return shape, hashlib.sha256(content.tobytes()).digest()
