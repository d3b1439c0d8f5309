"""From texts to embeddings: renderer and encoder put together, in few compiled shapes."""

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from pixel_linguist.data.example import Content, read_picture
from pixel_linguist.model import Encoder
from pixel_linguist.packing import Batch, most_inputs, plan
from pixel_linguist.render import Renderer
from pixel_linguist.render.images import pictures_patches
from pixel_linguist.render.patches import Patches, check_positions, packed, picture_patches

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

T = TypeVar("T")
# (inputs int [B], length) → patches uint8 [B, length, H, W] of those inputs, and their count [B].
Draw = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]

# Batches whose inputs are put together by their lengths.
_SORTED = 64


@functools.cache
def _compiled(encoder: Encoder) -> Any:
    """Return the jitted embedding of rows; one for all parameters of an architecture.

    Of patches [R, S, H, W] and count int32 [R, K] it makes float32 [R, K, D].
    """

    def embed(params: Any, pixels: jax.Array, count: jax.Array) -> jax.Array:
        owner = jnp.zeros_like(count)
        return encoder.encode(params, packed(pixels, count, owner, jnp))["embedding"]

    return jax.jit(embed)


@functools.cache
def _compiled_patches(encoder: Encoder, output: str) -> Any:
    """Return a jitted output of `Patches` of R rows: float [R, K, D], of features [R, S, D]."""

    def embed(params: Any, patches: Patches) -> jax.Array:
        return encoder.encode(params, patches, outputs=(output,))[output]

    return jax.jit(embed)


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items as lists of `size`, the last one shorter."""
    iterator = iter(items)
    while block := list(itertools.islice(iterator, size)):
        yield block


def _is_image(content: object) -> bool:
    if isinstance(content, str | np.ndarray | Path):
        return False
    # Pillow is slow to import, and few users read pictures.
    from PIL.Image import Image

    return isinstance(content, Image)


class Embedder:
    """Turns texts and pictures into float32 [N, D], not normalised; their order is kept.

    Neither the batch nor its padding changes an embedding by more than rounding (1e-6 of its
    length).

    Args:
        renderer: with the encoder's patch size and number.
        batch_size: rows in one call of the encoder, at most (see `plan`); rounded up to a multiple
            of the devices.
        devices: that share each batch; None: all of this process.
    """

    def __init__(
        self,
        encoder: Encoder,
        params: Any,
        renderer: Renderer,
        batch_size: int,
        devices: Sequence[jax.Device] | None = None,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        mesh = Mesh(np.array(devices or jax.local_devices()), ("rows",))
        self.encoder = encoder
        self._params = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))
        self.rows = NamedSharding(mesh, PartitionSpec("rows"))
        self.renderer = renderer
        self.single = mesh.size
        self.batch_size = -(-batch_size // mesh.size) * mesh.size

    @property
    def params(self) -> Any:
        """The encoder's parameters. Others take another embedder: vectors of words are kept."""
        return self._params

    def __call__(self, contents: Iterable[Content]) -> np.ndarray:
        """Embed texts and pictures; an empty list gives an array of no rows.

        Arrays and paths are pictures of things, PIL images are pictures of text (see `images`).

        Raises:
            TypeError: for one str instead of several, or for neither a text nor a picture.
            ValueError: for pictures that are no uint8 [height, width, C], or that the encoder has
                no positions for.
        """
        if isinstance(contents, str):
            raise TypeError("embedding needs a list of texts, not one str: write [text]")
        given = list(contents)
        pictured = [i for i, content in enumerate(given) if isinstance(content, np.ndarray | Path)]
        result = np.zeros((len(given), self.encoder.dimension), np.float32)
        written: Any = given
        if pictured:
            result[pictured] = self.grids([read_picture(written[i]) for i in pictured])
        drawn = [i for i, content in enumerate(given) if _is_image(content)]
        if drawn:
            result[drawn] = np.concatenate([*self.images(written[i] for i in drawn)])
        others = np.setdiff1d(np.arange(len(given)), pictured + drawn)
        done = 0
        for block, _ in self.stream(written[i] for i in others):
            result[others[done : done + len(block)]] = block
            done += len(block)
        return result

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

    def grids(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Embed pictures uint8 [height, width, C], each as a grid of patches: float32 [N, D].

        Raises:
            ValueError: for a size that patches do not divide, or beyond the encoder's positions.
        """
        result = np.zeros((len(pictures), self.encoder.dimension), np.float32)
        for rows, found in self._of_grids(pictures, "embedding"):
            result[rows] = found[:, 0]
        return result

    def patches(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return the features of each patch of pictures of one size: float32 [N, S, D]."""
        found = [x for _, x in self._of_grids(pictures, "patch_features")]
        return np.concatenate(found).astype(np.float32)

    def _of_grids(
        self, pictures: Sequence[np.ndarray], output: str
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield numbers of pictures of one size, and an output of them."""
        config = self.encoder.config
        patch = (config.patch_height, config.patch_width)
        alike: dict[tuple[int, ...], list[int]] = {}
        for number, picture in enumerate(pictures):
            alike.setdefault(picture.shape, []).append(number)
        for numbers in alike.values():
            for rows in blocks(numbers, self.batch_size):
                # The last batch is filled up, so that it needs no compilation of its own.
                filled = rows + rows[-1:] * (self.batch_size - len(rows))
                patches = picture_patches(np.stack([pictures[i] for i in filled]), patch)
                check_positions(patches, (config.max_rows, config.max_patches), "a picture")
                batch = jax.device_put(patches, self.rows)
                found = _compiled_patches(self.encoder, output)(self.params, batch)
                yield rows, np.asarray(found)[: len(rows)]

    def _embed_texts(self, texts: list[str]) -> tuple[np.ndarray, int]:
        needed = self.renderer.count_patches(texts)
        longest = self.encoder.config.max_patches

        def draw(inputs: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            rendered = self.renderer([texts[i] for i in inputs], length=length)
            return rendered.patches, rendered.count

        return self.embed(np.minimum(needed, longest), draw), int((needed > longest).sum())

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Yield embeddings of pictures of text block by block, in order; see `pictures_patches`."""
        config = self.encoder.config
        patch = (config.patch_height, config.patch_width)
        done = 0
        for block in blocks(pictures, _SORTED * self.batch_size):
            yield self._embed_lines(pictures_patches(block, patch, config.max_patches, done))
            done += len(block)

    def _embed_lines(self, lines: list[np.ndarray]) -> np.ndarray:
        counts = np.array([len(line) for line in lines], np.int32)

        def draw(rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            patches = np.zeros((len(rows), length, *lines[0].shape[1:]), np.uint8)
            for row, own in zip(rows, patches, strict=True):
                own[: counts[row]] = lines[row]
            return patches, counts[rows]

        return self.embed(counts, draw)

    def embed(self, counts: np.ndarray, draw: Draw) -> np.ndarray:
        """Embed N inputs, float32 [N, D].

        Args:
            counts: int [N], patches of each at most, from 1 to the encoder's most.
            draw: gives their patches.
        """
        encoder = self.encoder
        config, most = encoder.config, 1
        if encoder.packs:
            most = most_inputs(config.max_patches, config.cls_token)
        result = np.zeros((len(counts), encoder.dimension), np.float32)
        embed = _compiled(encoder)
        # The host draws a batch while the devices still work on the one before.
        working: deque[tuple[Batch, jax.Array]] = deque()
        for batch in plan(counts, self.batch_size, self.single, config.max_patches, most):
            inputs = np.concatenate(batch.rows)
            patches, count = draw(inputs, int(counts[inputs].max()))
            arrays = jax.device_put(_put_together(batch, most, patches, count), self.rows)
            working.append((batch, embed(self.params, *arrays)))
            if len(working) > 1:
                _collect(result, *working.popleft())
        for batch, embeddings in working:
            _collect(result, batch, embeddings)
        return result


def _put_together(
    batch: Batch, most: int, patches: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Put inputs into the rows of a batch.

    Args:
        batch: which row has which of N inputs.
        most: K, inputs of a row.
        patches: [N, S, ...], of the inputs in the order of the rows.
        count: int32 [N], patches of each.

    Returns:
        Patches [batch.size, batch.length, ...], and the number of patches of each input of a row,
        int32 [batch.size, K]. The last batch is filled up with blank rows, so that it needs no
        compilation of its own.
    """
    own = np.array([len(row) for row in batch.rows])
    held = np.zeros((batch.size, most), np.int32)
    held[: len(own)][np.arange(most) < own[:, None]] = count
    rows = np.zeros((batch.size, batch.length, *patches.shape[2:]), patches.dtype)
    used = np.arange(batch.length) < held.sum(axis=1, keepdims=True)
    rows[used] = patches[np.arange(patches.shape[1]) < count[:, None]]
    return rows, held


def _collect(result: np.ndarray, batch: Batch, embeddings: jax.Array) -> None:
    """Wait for a batch, float32 [R, K, D], and put its inputs' embeddings into the result."""
    for row, found in zip(batch.rows, np.asarray(embeddings), strict=False):
        result[row] = found[: len(row)]
