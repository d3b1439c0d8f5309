"""From texts to embeddings: renderer and encoder put together, in few compiled shapes."""

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pixel_linguist.evaluate.known_patches import KnownPatches
from pixel_linguist.model import EncoderConfig, encode
from pixel_linguist.render import Renderer
from pixel_linguist.render.images import image_patches

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

T = TypeVar("T")
# (rows int [B], length) → patches uint8 [B, length, H, W] of those inputs, and int32 [B], how many.
Draw = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]

# Padded lengths of full batches; single inputs have two more, which makes 8 shapes in all.
_LENGTHS = 6
_SHORTEST = 8
# Batches among which inputs are sorted by length.
_SORTED = 64


@functools.cache
def _compiled(config: EncoderConfig) -> Any:
    """Return the jitted embedding of a batch; one for all parameters of an architecture."""
    return jax.jit(
        lambda params, patches, count: encode(config, params, patches, count)["embedding"]
    )


def lengths(max_patches: int) -> list[int]:
    """Return the padded lengths of batches, at most 6, from 8 to max_patches in equal ratios.

    Few lengths mean few compilations; short texts still do not pay for the longest.
    """
    if max_patches <= _SHORTEST:
        return [max_patches]
    steps = np.geomspace(_SHORTEST, max_patches, _LENGTHS)[:-1]
    return sorted({min(4 * round(step / 4), max_patches) for step in steps} | {max_patches})


class Batch(NamedTuple):
    """Inputs that are embedded together: `rows` int [N], in `size` >= N rows of `length`."""

    rows: np.ndarray
    size: int
    length: int


def plan(counts: np.ndarray, batch_size: int, single: int, max_patches: int) -> Iterator[Batch]:
    """Put inputs of like length into batches, shortest first.

    Args:
        counts: int [N], patches of each, at most max_patches.
        batch_size: rows of a full batch.
        single: rows of the smallest batch, for the few that are left or that are all.
        max_patches: the longest length.
    """
    order = np.argsort(counts, kind="stable")
    of_full = lengths(max_patches)
    of_single = [of_full[len(of_full) // 2], max_patches]
    start = 0
    while start < len(order):
        few = len(order) - start <= max(batch_size // 8, 1)
        size, padded = (single, of_single) if few else (batch_size, of_full)
        rows = order[start : start + size]
        yield Batch(rows, size, next(n for n in padded if n >= counts[rows[-1]]))
        start += size


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items as lists of `size`, the last one shorter."""
    iterator = iter(items)
    while block := list(itertools.islice(iterator, size)):
        yield block


class Embedder:
    """Turns texts into float32 [N, D], not normalised; the order of texts is kept.

    Neither the batch nor its padding changes an embedding by more than rounding (1e-6 of its
    length).

    Args:
        config: the encoder's architecture.
        params: its parameters.
        renderer: with the encoder's patch size and number.
        batch_size: texts in one call of the encoder; rounded up to a multiple of the devices.
        devices: that share each batch; None: all of this process.
    """

    def __init__(
        self,
        config: EncoderConfig,
        params: Any,
        renderer: Renderer,
        batch_size: int,
        devices: Sequence[jax.Device] | None = None,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        mesh = Mesh(np.array(devices or jax.local_devices()), ("rows",))
        self.config = config
        self.params = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))
        self.rows = NamedSharding(mesh, PartitionSpec("rows"))
        # Windows are dear, and words come again: what is known of them is looked up.
        self.known = KnownPatches(config, self.params) if config.cell_pixels else None
        self.renderer = renderer
        self.single = mesh.size
        self.batch_size = -(-batch_size // mesh.size) * mesh.size

    def __call__(self, texts: Iterable[str]) -> np.ndarray:
        """Embed texts; an empty list gives an array of no rows."""
        nothing = np.zeros((0, self.config.dimension), np.float32)
        return np.concatenate([nothing, *(block for block, _ in self.stream(texts))])

    def stream(self, texts: Iterable[str]) -> Iterator[tuple[np.ndarray, int]]:
        """Yield embeddings block by block, in order, in memory that does not grow.

        With each block comes how many of its texts were cut, being longer than the encoder reads.

        Raises:
            TypeError: for one str instead of several, or what is not a str among them.
        """
        if isinstance(texts, str):
            raise TypeError("embedding needs a list of texts, not one str: write [text]")
        done = 0
        for block in blocks(texts, _SORTED * self.batch_size):
            for number, text in enumerate(block, start=done):
                if not isinstance(text, str):
                    raise TypeError(
                        f"text {number} is a {type(text).__name__}, not a str: {text!r:.80}"
                    )
            yield self._embed_texts(block)
            done += len(block)

    def _embed_texts(self, texts: list[str]) -> tuple[np.ndarray, int]:
        needed = self.renderer.count_patches(texts)
        longest = self.config.max_patches

        def draw(rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            rendered = self.renderer([texts[i] for i in rows], length=length)
            return rendered.patches, rendered.count

        return self.embed(np.minimum(needed, longest), draw), int((needed > longest).sum())

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Yield embeddings of pictures of text block by block, in order; see `image_patches`."""
        config = self.config
        patch = (config.patch_height, config.patch_width)
        for block in blocks(pictures, _SORTED * self.batch_size):
            yield self._embed_strips([image_patches(p, patch, config.max_patches) for p in block])

    def _embed_strips(self, strips: list[np.ndarray]) -> np.ndarray:
        counts = np.array([len(strip) for strip in strips], np.int32)

        def draw(rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            patches = np.zeros((len(rows), length, *strips[0].shape[1:]), np.uint8)
            for row, own in zip(rows, patches, strict=True):
                own[: counts[row]] = strips[row]
            return patches, counts[rows]

        return self.embed(counts, draw)

    def embed(self, counts: np.ndarray, draw: Draw) -> np.ndarray:
        """Embed N inputs, float32 [N, D].

        Args:
            counts: int [N], patches of each at most, from 1 to the encoder's most.
            draw: gives their patches.
        """
        result = np.zeros((len(counts), self.config.dimension), np.float32)
        embed = _compiled(self.config)
        # The host draws a batch while the devices still work on the one before.
        working: deque[tuple[np.ndarray, jax.Array]] = deque()
        for batch in plan(counts, self.batch_size, self.single, self.config.max_patches):
            # The last batch is filled up, so that it needs no compilation of its own.
            missing = batch.size - len(batch.rows)
            patches, count = draw(batch.rows, batch.length)
            if self.known:
                patches = self.known(patches, count)
            patches = np.pad(patches, ((0, missing), *[(0, 0)] * (patches.ndim - 1)))
            count = np.pad(count, (0, missing), constant_values=1)
            inputs = jax.device_put((patches, count), self.rows)
            working.append((batch.rows, embed(self.params, *inputs)))
            if len(working) > 1:
                _collect(result, *working.popleft())
        for rows, embeddings in working:
            _collect(result, rows, embeddings)
        return result


def _collect(result: np.ndarray, rows: np.ndarray, embeddings: jax.Array) -> None:
    """Wait for a batch and put its rows into the result."""
    result[rows] = np.asarray(embeddings)[: len(rows)]
