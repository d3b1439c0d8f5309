"""From texts and pictures to embeddings by pictures of words: one way in for both.

A text is drawn as a line and read as any picture of a line is. The token of a word depends on its
picture alone, so those of distinct pictures are computed once and kept.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from pixel_linguist.caller import warn_caller
from pixel_linguist.inference import Embedder, blocks
from pixel_linguist.model import Encoder
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.render import Renderer
from pixel_linguist.render.images import read_each, read_grey
from pixel_linguist.render.word_pictures import read_line, read_page

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

# Rows of a drawn line, with room for the marks of all scripts above and below letters of 16 rows.
_LINE = 36
# Lines drawn at once, and columns of their patches.
_LINES, _COLUMNS = 256, 16
# Pictures of words whose vectors are kept, some kilobytes each.
_KEPT = 100_000
# Shapes for which the vectors are compiled: columns, and pictures at once.
_WIDTHS, _MANY, _FEW = (48, 80, 112, 160), 256, 32
# Blank columns that leave a word's vector as it is.
_MARGIN = 8


def make_embedder(
    encoder: Encoder,
    params: Any,
    renderer: Renderer,
    batch_size: int,
    devices: Sequence[jax.Device] | None = None,
) -> Embedder:
    """Return the embedder that an encoder needs; arguments are those of `Embedder`."""
    if isinstance(encoder, HybridEncoder):
        return WordEmbedder(encoder, params, renderer, batch_size, devices)
    return Embedder(encoder, params, renderer, batch_size, devices)


def line_renderer(renderer: Renderer) -> Renderer:
    """Return the renderer that draws texts as lines of pictures, in a renderer's own style."""
    settings = renderer.settings()
    patches = renderer.max_patches * renderer.patch[1] // _COLUMNS
    line = {"strategy": "continuous", "patch": (_LINE, _COLUMNS), "max_patches": patches}
    return Renderer(**{**settings, **line, "end_patch": False})


def draw_lines(renderer: Renderer, texts: Sequence[str]) -> list[np.ndarray]:
    """Draw each text as a line, uint8 [36, width], ink on a background of 0.

    Args:
        renderer: as made by `line_renderer`.
        texts: N of them; their pictures are cut at the renderer's longest.
    """
    lines: list[np.ndarray] = []
    for start in range(0, len(texts), _LINES):
        drawn = renderer(texts[start : start + _LINES])
        whole = drawn.patches.swapaxes(1, 2).reshape(len(drawn.count), _LINE, -1)
        lines += [
            line[:, : n * _COLUMNS] for line, n in zip(whole, drawn.count.tolist(), strict=True)
        ]
    return lines


class WordEmbedder(Embedder):
    """Turns texts and pictures of text into float32 [N, D], as `Embedder` does.

    What is kept between calls changes no embedding.
    """

    encoder: HybridEncoder

    def __init__(
        self,
        encoder: HybridEncoder,
        params: Any,
        renderer: Renderer,
        batch_size: int,
        devices: Sequence[jax.Device] | None = None,
    ):
        super().__init__(encoder, params, renderer, batch_size, devices)
        self.line_renderer = line_renderer(renderer)
        self.tokens = KeptVectors(encoder, self.params, "tokens")

    def _embed_texts(self, texts: list[str]) -> tuple[np.ndarray, int]:
        return self.embed_words([read_line(x) for x in draw_lines(self.line_renderer, texts)])

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Yield embeddings of pictures of text block by block, in order.

        Warns of pictures without text, whose embedding is that of an empty text, and of those with
        more words than the encoder reads.
        """
        done = 0
        for block in blocks(pictures, 4 * self.batch_size):
            words = read_each(lambda x: read_page(read_grey(x)), block, done)
            if empty := [i for i, of_page in enumerate(words) if not len(of_page)]:
                warn_caller(
                    f"no text was found in {len(empty)} of {len(words)} pictures; the first is "
                    f"number {done + empty[0]}"
                )
            found, cut = self.embed_words(words)
            if cut:
                warn_caller(
                    f"{cut} of {len(words)} pictures have more than "
                    f"{self.encoder.config.max_patches} words; the rest is not read"
                )
            yield found
            done += len(block)

    def embed_words(self, pages: list[np.ndarray]) -> tuple[np.ndarray, int]:
        """Embed texts, each uint8 [S, H, W] of its words, and count those that were cut."""
        longest = self.encoder.config.max_patches
        size = self.encoder.config.patch_height, self.encoder.config.patch_width
        blank = np.zeros((1, *size), np.uint8)
        kept = [page[:longest] if len(page) else blank for page in pages]
        counts = np.array([len(page) for page in kept], np.int32)
        tokens = self.tokens(np.concatenate([blank, *kept]))
        starts = 1 + np.cumsum(counts) - counts

        def draw(inputs: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            place = np.arange(length)
            used = place < counts[inputs][:, None]
            words = np.where(used, starts[inputs][:, None] + place, 0)
            return np.where(used[..., None], tokens[words], 0), counts[inputs]

        return self.embed(counts, draw), sum(len(page) > longest for page in pages)


class KeptVectors:
    """Vectors of pictures of words, computed once for each distinct picture.

    Args:
        encoder: whose words they are.
        params: of the encoder.
        kind: the method of the encoder that computes them: "stem" or "tokens".
    """

    def __init__(self, encoder: HybridEncoder, params: Any, kind: str):
        config = encoder.config
        self._width = config.stem_width if kind == "stem" else config.width
        self._params, self._compute = params, _compiled(encoder, kind)
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Drop the vectors that are kept."""
        with self._lock:
            self._row: dict[bytes, int] = {}
            self._vectors = np.zeros((0, self._width), np.float32)

    def of_rows(self, pixels: np.ndarray) -> np.ndarray:
        """Return the vectors, float32 [R, S, D], of the words of rows, uint8 [R, S, H, W]."""
        return self(pixels.reshape(-1, *pixels.shape[2:])).reshape(*pixels.shape[:2], -1)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the vectors, float32 [N, D], of words uint8 [N, H, W].

        Threads wait for each other, so that each of them finds its words.
        """
        keys = [picture.tobytes() for picture in pixels]
        if len(self._row) > _KEPT:
            self.forget()
        with self._lock:
            new: dict[bytes, int] = {}
            for number, key in enumerate(keys):
                if key not in self._row and key not in new:
                    new[key] = number
            if new:
                computed = self._new(pixels[list(new.values())])
                start = len(self._row)
                if start + len(new) > len(self._vectors):
                    # Room for twice as many: vectors are not copied with each block.
                    room = np.zeros((2 * (start + len(new)), self._width), np.float32)
                    room[:start] = self._vectors[:start]
                    self._vectors = room
                self._vectors[start : start + len(new)] = computed
                self._row |= {key: start + i for i, key in enumerate(new)}
            return self._vectors[[self._row[key] for key in keys]]

    def _new(self, pixels: np.ndarray) -> np.ndarray:
        """Compute the vectors, float32 [N, D], of uint8 [N, H, W], by width."""
        inked: np.ndarray = np.any(pixels, axis=1)
        columns = np.where(inked.any(axis=1), pixels.shape[2] - inked[:, ::-1].argmax(axis=1), 0)
        widths = [width for width in _WIDTHS if width < pixels.shape[2]] + [pixels.shape[2]]
        bucket = np.searchsorted(np.array(widths[:-1]) - _MARGIN, columns)
        found = np.zeros((len(pixels), self._width), np.float32)
        working: list[tuple[np.ndarray, jax.Array]] = []
        for number, width in enumerate(widths):
            own = np.flatnonzero(bucket == number)
            for part in _parts(own):
                # The last parts are filled up, so that they need no compilation of their own.
                size = _MANY if len(part) > _FEW else _FEW
                batch = np.zeros((size, pixels.shape[1], width), np.uint8)
                batch[: len(part)] = pixels[part, :, :width]
                working.append((part, self._compute(self._params, batch)))
        for part, vectors in working:
            found[part] = np.asarray(vectors)[: len(part)]
        return found


def _parts(numbers: np.ndarray) -> Iterator[np.ndarray]:
    """Yield parts of `_MANY`, the remainder in parts of `_FEW`."""
    whole = len(numbers) // _MANY * _MANY
    for start in range(0, whole, _MANY):
        yield numbers[start : start + _MANY]
    for start in range(whole, len(numbers), _FEW):
        yield numbers[start : start + _FEW]


@functools.cache
def _compiled(encoder: HybridEncoder, kind: str) -> Any:
    """Return a jitted method of uint8 [N, H, W]; one for all parameters of an architecture."""
    return jax.jit(getattr(encoder, kind))
