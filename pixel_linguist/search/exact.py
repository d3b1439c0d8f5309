"""Exact nearest neighbours by cosine; the corpus passes through the device in blocks."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from pixel_linguist.forked import check_not_forked

# Corpus rows and queries scored at once, and rows whose maximum is taken before any are sorted.
CORPUS_BLOCK, QUERY_BLOCK, GROUP = 1 << 15, 256, 64


# [N, D]: lists, or arrays of NumPy (also memory-mapped), JAX or another library.
Vectors: TypeAlias = ArrayLike


class Hits(NamedTuple):
    """The nearest rows of a corpus: `scores` float32 [Q, K], descending cosines; `rows` int [Q, K].

    A row of -1 stands for no hit; exact search has none.
    """

    scores: np.ndarray
    rows: np.ndarray


class Pairs(NamedTuple):
    """Pairs of rows: `scores` float32 [P], descending cosines; `first` < `second` int [P]."""

    scores: np.ndarray
    first: np.ndarray
    second: np.ndarray


@functools.partial(jax.jit, static_argnames="k", donate_argnames="best")
def _merge(
    best: tuple[jax.Array, jax.Array],
    queries: jax.Array,
    block: jax.Array,
    start: jax.Array,
    total: jax.Array,
    k: int,
) -> tuple[jax.Array, jax.Array]:
    """Merge the best scores and rows [Q, K] so far with those of a block [N, D].

    Sorting all scores would take longer than computing them. The best K rows lie in the K groups
    with the highest maxima, so only these are sorted. Equal scores are ordered by row.

    Args:
        best: scores float32 [Q, K] and rows int32 [Q, K].
        queries: float32 [Q, D], of length 1.
        block: float32 [N, D], of length 1; N is a multiple of GROUP.
        start: row of the corpus at which the block starts.
        total: rows of the corpus; the last block is padded beyond it.
    """
    scores = jnp.matmul(queries, block.T, precision="highest")
    rows = start + jnp.arange(len(block))
    scores = jnp.where(rows < total, scores, -jnp.inf)
    groups = scores.reshape(len(queries), -1, GROUP)
    chosen = jax.lax.top_k(groups.max(axis=2), min(k, groups.shape[1]))[1]
    chosen = jnp.sort(chosen, axis=1)[:, :, None]
    kept = jnp.take_along_axis(groups, chosen, axis=1).reshape(len(queries), -1)
    kept_rows = (start + chosen * GROUP + jnp.arange(GROUP)).reshape(len(queries), -1)
    scores = jnp.concatenate([best[0], kept], axis=1)
    found, places = jax.lax.top_k(scores, k)
    return found, jnp.take_along_axis(jnp.concatenate([best[1], kept_rows], axis=1), places, axis=1)


class ExactIndex:
    """A corpus on the device, checked and scaled once for many searches."""

    def __init__(self, vectors: Vectors):
        """Put the corpus, float [N, D], on the device.

        Raises:
            ValueError: if there are no vectors, or one is not finite.
        """
        corpus = as_vectors(vectors)
        self.shape = _corpus_shape(corpus)
        self.blocks = [*_blocks(corpus)]

    def search(self, queries: Vectors, k: int) -> Hits:
        """Return the k nearest rows; see `nearest`."""
        return _search(as_vectors(queries), lambda: self.blocks, self.shape, k)


def nearest(queries: Vectors, corpus: Vectors, k: int) -> Hits:
    """Return the k rows of the corpus with the highest cosine to each query.

    Memory stays constant: the corpus is scored in blocks. A corpus on disk (`numpy.memmap`) is read
    once for every 256 queries.

    Args:
        queries: float [Q, D].
        corpus: float [N, D].
        k: at least 1; a smaller corpus gives all its rows.

    Raises:
        ValueError: if shapes do not fit, k is less than 1, the corpus is empty, or a value is not
            finite.
    """
    rows = as_vectors(corpus)
    return _search(as_vectors(queries), lambda: _blocks(rows), _corpus_shape(rows), k)


def _corpus_shape(corpus: np.ndarray) -> tuple[int, int]:
    if corpus.ndim != 2 or len(corpus) == 0:
        raise ValueError(f"a corpus is [N, D] with N at least 1; this one is {corpus.shape}")
    return corpus.shape[0], corpus.shape[1]


def _blocks(corpus: np.ndarray) -> Iterator[jax.Array]:
    """Yield the rows, scaled to length 1, in blocks of one size on the device."""
    size = min(CORPUS_BLOCK, -(-len(corpus) // GROUP) * GROUP)
    for start in range(0, len(corpus), size):
        block = corpus[start : start + size]
        check_vectors(block, f"the corpus from row {start} on")
        yield jnp.asarray(np.pad(unit(block), ((0, size - len(block)), (0, 0))))


def _search(
    queries: np.ndarray, blocks: Callable[[], Iterable[jax.Array]], shape: tuple[int, int], k: int
) -> Hits:
    check_not_forked()
    check_vectors(queries, "queries")
    if queries.shape[1] != shape[1]:
        raise ValueError(f"queries are {queries.shape}, but the corpus is {shape}")
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    k = min(k, shape[0])
    found = [Hits(np.zeros((0, k), np.float32), np.zeros((0, k), np.int32))]
    for first in range(0, len(queries), QUERY_BLOCK):
        some = jnp.asarray(unit(queries[first : first + QUERY_BLOCK]))
        best = (jnp.full((len(some), k), -jnp.inf), jnp.zeros((len(some), k), jnp.int32))
        start = 0
        for block in blocks():
            best = _merge(best, some, block, start, shape[0], k)
            start += len(block)
        found.append(Hits(*map(np.asarray, best)))
    return Hits(*map(np.concatenate, zip(*found, strict=True)))


def nearest_pairs(vectors: Vectors, k: int) -> Pairs:
    """Return the pairs in which one row is among the k nearest of the other, best first.

    Args:
        vectors: float [N, D].
        k: nearest rows considered for each row.

    Raises:
        ValueError: as `nearest` does.
    """
    rows = as_vectors(vectors)
    hits = nearest(rows, rows, k + 1)
    own = np.arange(len(rows))[:, None]
    low, high = np.minimum(hits.rows, own), np.maximum(hits.rows, own)
    # A pair found from both sides counts once; a row is no pair with itself.
    number, places = np.unique(low.astype(np.int64) * len(rows) + high, return_index=True)
    first, second = np.divmod(number, max(len(rows), 1))
    scores = hits.scores.reshape(-1)[places]
    order = np.argsort(-scores[first < second], kind="stable")
    keep = np.flatnonzero(first < second)[order]
    return Pairs(scores[keep], first[keep], second[keep])


def as_vectors(given: Vectors) -> np.ndarray:
    """Return vectors as an array; one that is mapped from a file stays there.

    Raises:
        ValueError: for lists of different lengths, or what holds no numbers.
    """
    try:
        found = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"vectors are [N, D], all of one length: {error}") from error
    if found.dtype.kind in "fiub":
        return found
    try:
        # bfloat16, which NumPy does not know, and numbers kept as objects.
        return found.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"vectors are numbers, not {found.dtype}") from error


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows [N, D] to length 1, as float32; zero rows stay zero."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    return vectors / np.maximum(lengths, 1e-12)


def check_vectors(vectors: np.ndarray, what: str) -> None:
    """Refuse arrays that are not [N, D], and values that are not finite, naming the first row."""
    if vectors.ndim != 2:
        raise ValueError(f"{what}: vectors are [N, D]; these are {vectors.shape}")
    bad = ~np.isfinite(vectors.sum(axis=1, dtype=np.float32))
    if bad.any():
        raise ValueError(f"{what}: {bad.sum()} vectors are not finite, row {bad.argmax()} first")
