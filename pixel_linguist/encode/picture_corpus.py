"""Folders of pictures and PDFs: their pages are found, read by several threads, and embedded."""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.encode.kept_columns import typed
from pixel_linguist.files import sampled_sha256
from pixel_linguist.inference import blocks
from pixel_linguist.render.images import read_grey
from pixel_linguist.render.word_pictures import read_page
from pixel_linguist.search.exact import unit
from pixel_linguist.word_embedder import WordEmbedder

if TYPE_CHECKING:
    import pyarrow

    from pixel_linguist.render.images import Picture

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
# A PDF's own unit is 1/72 inch.
_DOTS_PER_INCH = 144
# A screen takes up to 100 MB while it is read.
_THREADS = min(os.cpu_count() or 1, 8)
# Bytes of each picture's end that are hashed: checksums of PNG are there.
_END = 4096

_log = logging.getLogger(__name__)


class Page(NamedTuple):
    """A picture of a folder, or a page of a PDF.

    Attributes:
        file: that it is read from.
        name: path of the file below the folder, or name of the PDF.
        number: of the page in a PDF, from 1; None for a picture.
    """

    file: Path
    name: str
    number: int | None

    def __str__(self) -> str:
        """Return what users are shown."""
        return self.name if self.number is None else f"{self.name}, page {self.number}"


class Pages:
    """The pictures of a folder and its subfolders, sorted by path, or the pages of a PDF.

    Hidden files and folders, and files with other endings than those of pictures, are left out.
    """

    def __init__(self, source: Path):
        """List the pages.

        Raises:
            FileNotFoundError: there is no such folder or file.
            ModuleNotFoundError: a PDF needs pypdfium2; the error names the extra.
            ValueError: there are no pictures, or the PDF is damaged or needs a password.
        """
        self.source = source
        self.pages = self._in_folder() if source.is_dir() else self._in_pdf()
        if not self.pages:
            raise ValueError(f"{source} holds no pictures ({', '.join(ENDINGS)}) and no pages")

    def _in_folder(self) -> list[Page]:
        found = []
        for file in self.source.rglob("*"):
            below = file.relative_to(self.source)
            hidden = any(part.startswith(".") for part in below.parts)
            if file.suffix.lower() in ENDINGS and not hidden and file.is_file():
                # Names need not be UTF-8, but what is stored and printed does.
                name = os.fsencode(below.as_posix()).decode(errors="replace")
                found.append(Page(file, name, None))
        return sorted(found)

    def _in_pdf(self) -> list[Page]:
        if not self.source.is_file():
            raise FileNotFoundError(f"no file {self.source}")
        try:
            import pypdfium2
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "reading a PDF needs pypdfium2: pip install 'pixel-linguist[pdf]'"
            ) from error
        try:
            self.pdf = pypdfium2.PdfDocument(self.source)
        except pypdfium2.PdfiumError as error:
            raise ValueError(f"{self.source} is no PDF, or damaged or locked: {error}") from error
        # PDFium is called by one thread at a time.
        self.lock = threading.Lock()
        return [Page(self.source, self.source.name, i + 1) for i in range(len(self.pdf))]

    def open(self, page: Page) -> "Picture":
        """Return what `read_grey` takes: a page of a PDF is drawn with 144 dots an inch."""
        if page.number is None:
            return page.file
        with self.lock:
            drawn = self.pdf[page.number - 1]
            bitmap = drawn.render(scale=_DOTS_PER_INCH / 72)
            picture = bitmap.to_pil().copy()
            bitmap.close()
            drawn.close()
        return picture

    def sha256(self) -> str:
        """Return a hash of names, sizes and ends of the pictures, or a sampled one of the PDF."""
        if not self.source.is_dir():
            return sampled_sha256(self.source)
        found = hashlib.sha256()
        for page in self.pages:
            with page.file.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - _END, 0))
                found.update(f"{page.name}\0{size}\0".encode() + file.read())
        return found.hexdigest()


def holds_pages(source: Path) -> bool:
    """Tell whether a source is a folder of pictures or a PDF, not a file of texts."""
    return source.is_dir() or source.suffix.lower() == ".pdf"


def page_embedder(
    name: str, encoder: SentenceEncoder, batch_size: int = 64, device: str | None = None
) -> WordEmbedder:
    """Return the embedder of an encoder that reads pages of text.

    Raises:
        ValueError: the encoder reads none; the error has its name.
    """
    embedder = encoder.embedder(batch_size, device)
    if not isinstance(embedder, WordEmbedder):
        raise ValueError(
            f"the model {name} cannot read pictures of text; models with the encoder hybrid can"
        )
    return embedder


def embed_pages(
    embedder: WordEmbedder,
    pages: Pages,
    part: Sequence[Page],
    progress: Callable[[int], object],
) -> tuple[np.ndarray, list[int | None]]:
    """Return embeddings of pages, float32 [N, D] of length 1, and how many words each shows.

    They are the same to the last bit whatever was embedded before. Pages without text (0 words)
    and damaged ones (None) have the embedding of an empty text; each is logged.

    Args:
        part: N pages.
        progress: is given the number of pages done.
    """
    # Pictures of words that are kept would change the batches of the others.
    embedder.tokens.forget()
    vectors = [np.zeros((0, embedder.encoder.dimension), np.float32)]
    words: list[int | None] = []
    longest = embedder.encoder.config.max_patches

    def read(page: Page) -> tuple[np.ndarray, int | None]:
        try:
            pixels = read_page(read_grey(pages.open(page)))
        except Exception as error:
            # One odd file of thousands ends no run of hours.
            _log.warning("%s cannot be read: %s", page, " ".join(str(error).split()))
            return np.zeros((0, 0, 0), np.uint8), None
        if not len(pixels):
            _log.warning("%s shows no text", page)
        return pixels[:longest], len(pixels)

    with ThreadPoolExecutor(_THREADS) as pool:
        for block in blocks(part, embedder.batch_size):
            pixels, counts = zip(*pool.map(read, block), strict=True)
            vectors.append(unit(embedder.embed_words(list(pixels))[0]))
            words += counts
            progress(len(block))
    return np.concatenate(vectors), words


def page_columns(pages: Sequence[Page], words: Sequence[int | None]) -> dict[str, "pyarrow.Array"]:
    """Return the columns `path`, `page` and `words` of pages, of one type in all shards."""
    import pyarrow

    number = pyarrow.int32()
    return {
        "path": typed([page.name for page in pages], "path", pyarrow.string()),
        "page": typed([page.number for page in pages], "page", number),
        "words": typed(words, "words", number),
    }


def log_unread(words: Sequence[int | None], longest: int) -> None:
    """Log how many pages were damaged, without text, or longer than the encoder reads.

    Args:
        words: found on each page, as `embed_pages` returns.
        longest: words that the encoder reads.
    """
    counts = {
        "damaged": sum(count is None for count in words),
        "without text": sum(count == 0 for count in words),
        f"with more than {longest} words, of which the first are read": sum(
            (count or 0) > longest for count in words
        ),
    }
    if told := [f"{count} {what}" for what, count in counts.items() if count]:
        _log.warning("of %d pictures: %s", len(words), "; ".join(told))
