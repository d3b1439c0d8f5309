"""Exact nearest neighbours by cosine, streamed through the device in blocks."""

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# Corpus rows scored at once, queries scored at once, and rows of which the maximum is taken first.
BLOCK, QUERIES, GROUP = 1 << 15, 256, 64


class Hits(NamedTuple):
    """The nearest rows of a corpus: `scores` float32 [Q, K], falling cosines; `rows` int [Q, K]."""

    scores: np.ndarray
    rows: np.ndarray


class Pairs(NamedTuple):
    """Pairs of rows: `scores` float32 [P], falling; `first` < `second` int [P]."""

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
    """Merge the best scores and rows [Q, K] so far with those of the block [N, D] from `start` on.

    Sorting all scores would take longer than computing them. The best K lie in the K groups of
    rows with the highest maxima, so that only these are sorted. Equal scores go by row.
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
    """Vectors on the device, scaled and checked once, for many searches; see also `nearest`."""

    def __init__(self, vectors: np.ndarray):
        """Prepare the corpus, float [N, D].

        Raises:
            ValueError: if there are no vectors, or one is not finite.
        """
        self.shape = _corpus_shape(vectors)
        self.blocks = [*_blocks(vectors)]

    def search(self, queries: np.ndarray, k: int) -> Hits:
        """Return the k nearest rows; see `nearest`."""
        return _search(queries, self.blocks, self.shape, k)


def nearest(queries: np.ndarray, corpus: np.ndarray, k: int) -> Hits:
    """Return the k rows of the corpus with the highest cosine to each query, or all if it has less.

    The whole matrix of scores never exists: a few hundred queries meet the corpus block by block,
    and a corpus on disk (`numpy.memmap`) is read once for each few hundred.

    Args:
        queries: float [Q, D].
        corpus: float [N, D].
        k: at least 1.

    Raises:
        ValueError: if shapes do not fit, k is less than 1, the corpus is empty, or a value is not
            finite.
    """
    return _search(queries, _Streamed(corpus), _corpus_shape(corpus), k)


class _Streamed:
    """Blocks that are read anew each time they are gone through."""

    def __init__(self, corpus: np.ndarray):
        self.corpus = corpus

    def __iter__(self) -> Iterator[jax.Array]:
        return _blocks(self.corpus)


def _corpus_shape(corpus: np.ndarray) -> tuple[int, int]:
    if corpus.ndim != 2 or len(corpus) == 0:
        raise ValueError(f"a corpus is [N, D], N at least 1; this is of shape {corpus.shape}")
    return corpus.shape[0], corpus.shape[1]


def _blocks(corpus: np.ndarray) -> Iterator[jax.Array]:
    """Yield blocks of scaled rows on the device, all of one size."""
    size = min(BLOCK, -(-len(corpus) // GROUP) * GROUP)
    for start in range(0, len(corpus), size):
        block = corpus[start : start + size]
        check_vectors(block, f"the corpus from row {start} on")
        yield jnp.asarray(np.pad(unit(block), ((0, size - len(block)), (0, 0))))


def _search(
    queries: np.ndarray, blocks: Iterable[jax.Array], shape: tuple[int, int], k: int
) -> Hits:
    check_vectors(queries, "queries")
    if queries.shape[1] != shape[1]:
        raise ValueError(f"queries are {queries.shape}, but the corpus is {shape}")
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    k = min(k, shape[0])
    found = [Hits(np.zeros((0, k), np.float32), np.zeros((0, k), np.int32))]
    for few in range(0, len(queries), QUERIES):
        asked = jnp.asarray(unit(queries[few : few + QUERIES]))
        best = (jnp.full((len(asked), k), -jnp.inf), jnp.zeros((len(asked), k), jnp.int32))
        start = 0
        for block in blocks:
            best = _merge(best, asked, block, start, shape[0], k)
            start += len(block)
        found.append(Hits(*map(np.asarray, best)))
    return Hits(*map(np.concatenate, zip(*found, strict=True)))


def nearest_pairs(vectors: np.ndarray, k: int) -> Pairs:
    """Return all pairs in which one row is among the k nearest of the other, the most alike first.

    Args:
        vectors: float [N, D].
        k: neighbours looked at of each row.

    Raises:
        ValueError: as `nearest` does.
    """
    hits = nearest(vectors, vectors, k + 1)
    own = np.arange(len(vectors))[:, None]
    low, high = np.minimum(hits.rows, own), np.maximum(hits.rows, own)
    # A pair that both sides found counts once; a row is no pair with itself.
    number, places = np.unique(low.astype(np.int64) * len(vectors) + high, return_index=True)
    first, second = np.divmod(number, max(len(vectors), 1))
    scores = hits.scores.reshape(-1)[places]
    order = np.argsort(-scores[first < second], kind="stable")
    keep = np.flatnonzero(first < second)[order]
    return Pairs(scores[keep], first[keep], second[keep])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows [N, D] to length 1, as float32; zero rows stay zero."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    return vectors / np.maximum(lengths, 1e-12)


def check_vectors(vectors: np.ndarray, what: str) -> None:
    """Refuse what is not [N, D], or not finite, naming the first row that is not."""
    if vectors.ndim != 2:
        raise ValueError(f"{what}: vectors are [N, D]; this is of shape {vectors.shape}")
    bad = ~np.isfinite(vectors.sum(axis=1, dtype=np.float32))
    if bad.any():
        raise ValueError(f"{what}: {bad.sum()} vectors are not finite, row {bad.argmax()} first")
