"""From texts and pictures to embeddings by pictures of words: one way in for both.

A text is drawn as a line and read as any picture of a line is. The token of a word depends on its
picture alone, so those of distinct pictures are computed once and kept.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
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
# Pages whose words are looked up at once.
_PAGES = 64
# Pictures of words whose vectors are kept, some kilobytes each.
_KEPT = 100_000
# Shapes for which the vectors are compiled: columns, and pictures at once.
_WIDTHS, _MANY, _FEW = (48, 80, 112, 160), 64, 32
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


def draw_lines(renderer: Renderer, texts: Sequence[str]) -> Iterator[np.ndarray]:
    """Draw each text as a line, uint8 [36, width], ink on a background of 0.

    Args:
        renderer: as made by `line_renderer`.
        texts: N of them; their pictures are cut at the renderer's longest.
    """
    for start in range(0, len(texts), _LINES):
        drawn = renderer(texts[start : start + _LINES])
        whole = drawn.patches.swapaxes(1, 2).reshape(len(drawn.count), _LINE, -1)
        for line, count in zip(whole, drawn.count.tolist(), strict=True):
            yield line[:, : count * _COLUMNS]


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
        found, words = self.embed_words(read_line(x) for x in draw_lines(self.line_renderer, texts))
        return found, int((words > self.encoder.config.max_patches).sum())

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Yield embeddings of pictures of text block by block, in order.

        Warns of pictures without text, whose embedding is that of an empty text, and of those with
        more words than the encoder reads.
        """
        done = 0
        for block in blocks(pictures, 4 * self.batch_size):
            found, words = self.embed_words(
                read_each(lambda x: read_page(read_grey(x)), block, done)
            )
            if empty := np.flatnonzero(words == 0).tolist():
                warn_caller(
                    f"no text was found in {len(empty)} of {len(words)} pictures; the first is "
                    f"number {done + empty[0]}"
                )
            longest = self.encoder.config.max_patches
            if cut := int((words > longest).sum()):
                warn_caller(
                    f"{cut} of {len(words)} pictures have more than {longest} words; the rest is "
                    "not read"
                )
            yield found
            done += len(block)

    def embed_words(self, pages: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Embed N texts, each uint8 [S, H, W] of its words.

        Returns:
            float32 [N, D], and int [N]: how many words each has, of which the first are read.
        """
        longest = self.encoder.config.max_patches
        size = self.encoder.config.patch_height, self.encoder.config.patch_width
        blank = np.zeros((1, *size), np.uint8)
        words: list[int] = []

        def read() -> Iterator[np.ndarray]:
            yield blank
            for page in pages:
                words.append(len(page))
                yield page[:longest] if len(page) else blank

        tokens = self.tokens.of_pages(read())
        counts = np.clip(np.array(words, np.int32), 1, longest)
        starts = 1 + np.cumsum(counts) - counts

        def draw(inputs: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            place = np.arange(length)
            used = place < counts[inputs][:, None]
            rows = np.where(used, starts[inputs][:, None] + place, 0)
            return np.where(used[..., None], tokens[rows], 0), counts[inputs]

        return self.embed(counts, draw), np.array(words)


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
        words = self.of_pages([pixels.reshape(-1, *pixels.shape[2:])])
        return words.reshape(*pixels.shape[:2], -1)

    def of_pages(self, pages: Iterable[np.ndarray]) -> np.ndarray:
        """Return the vectors, float32 [N, D], of the N words of pages, each uint8 [S, H, W].

        Devices compute the first words while later pages are read. Threads wait for each other, so
        that each of them finds its words.
        """
        if len(self._row) > _KEPT:
            self.forget()
        with self._lock:
            keys: list[bytes] = []
            new: dict[bytes, int] = {}
            batches = _Batches(functools.partial(self._compute, self._params))
            for block in blocks(pages, _PAGES):
                pixels = np.concatenate(block)
                unseen = []
                for number, key in enumerate(picture.tobytes() for picture in pixels):
                    keys.append(key)
                    if key not in self._row and key not in new:
                        new[key] = len(self._row) + len(new)
                        unseen.append(number)
                batches.add(pixels[unseen])
            if new:
                self._keep(batches.finish(self._width))
                self._row |= new
            return self._vectors[[self._row[key] for key in keys]]

    def _keep(self, computed: np.ndarray) -> None:
        """Add vectors to those that are kept."""
        start = len(self._row)
        if start + len(computed) > len(self._vectors):
            # Room for twice as many: vectors are not copied with each block.
            room = np.zeros((2 * (start + len(computed)), self._width), np.float32)
            room[:start] = self._vectors[:start]
            self._vectors = room
        self._vectors[start : start + len(computed)] = computed


class _Batches:
    """Vectors of pictures of words, computed in batches of like width as soon as one is full."""

    def __init__(self, compute: Callable[[np.ndarray], jax.Array]):
        self._compute = compute
        self._count = 0
        # Numbers and pixels that wait for others of their width.
        self._waiting: dict[int, list[tuple[int, np.ndarray]]] = {}
        self._working: list[tuple[list[int], jax.Array]] = []

    def add(self, pixels: np.ndarray) -> None:
        """Take pictures, uint8 [N, H, W]."""
        inked: np.ndarray = np.any(pixels, axis=1)
        columns = np.where(inked.any(axis=1), pixels.shape[2] - inked[:, ::-1].argmax(axis=1), 0)
        widths = [width for width in _WIDTHS if width < pixels.shape[2]] + [pixels.shape[2]]
        bucket = np.searchsorted(np.array(widths[:-1]) - _MARGIN, columns)
        for picture, width in zip(pixels, (widths[i] for i in bucket), strict=True):
            waiting = self._waiting.setdefault(width, [])
            waiting.append((self._count, picture))
            self._count += 1
            if len(waiting) == _MANY:
                self._start(self._waiting.pop(width), width, _MANY)

    def finish(self, dimension: int) -> np.ndarray:
        """Return the vectors of all pictures, float32 [N, dimension]."""
        for width, waiting in self._waiting.items():
            # The last ones are filled up, so that they need no compilation of their own.
            for part in blocks(waiting, _FEW):
                self._start(part, width, _FEW)
        found = np.zeros((self._count, dimension), np.float32)
        for numbers, vectors in self._working:
            found[numbers] = np.asarray(vectors)[: len(numbers)]
        return found

    def _start(self, members: list[tuple[int, np.ndarray]], width: int, size: int) -> None:
        numbers, pictures = zip(*members, strict=True)
        batch = np.zeros((size, len(pictures[0]), width), np.uint8)
        for row, picture in zip(batch, pictures, strict=False):
            row[:] = picture[:, :width]
        self._working.append((list(numbers), self._compute(batch)))


@functools.cache
def _compiled(encoder: HybridEncoder, kind: str) -> Any:
    """Return a jitted method of uint8 [N, H, W]; one for all parameters of an architecture."""
    return jax.jit(getattr(encoder, kind))
