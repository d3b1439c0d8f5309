"""The peer of reading pictures: optical character recognition, then an encoder of texts."""

import os
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from pixel_linguist.evaluate.baselines import Encoder

INSTALL = "pip install 'pixel-linguist[ocr]'"


class Tesseract:
    """Reads pictures of one block of text by Tesseract's LSTM, its model loaded once a thread.

    Args:
        languages: of the texts, such as "eng+deu".
        threads: that read; Tesseract uses one core in each.
        enlarge: factor by which pictures are enlarged first. Of lines of 16 to 24 pixels an em in
            EB Garamond, 45 % were read without an error as they are and 75 % at 2; it takes a
            third more time.
    """

    def __init__(self, languages: str = "eng", threads: int | None = None, enlarge: int = 2):
        try:
            import tesserocr
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"OCR needs tesserocr: {INSTALL}") from error
        self._tesserocr: Any = tesserocr
        self._languages, self._enlarge = languages, enlarge
        self._folder = _models(languages)
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)

    def __call__(self, pictures: Iterable[Image.Image]) -> list[str]:
        """Return the text of each picture, with one space between words."""
        return list(self._pool.map(self._read, pictures))

    def _read(self, picture: Image.Image) -> str:
        if not hasattr(self._own, "reader"):
            # SINGLE_BLOCK reads lines as well as SINGLE_LINE does, and pages too.
            block = self._tesserocr.PSM.SINGLE_BLOCK
            reader = self._tesserocr.PyTessBaseAPI(str(self._folder), self._languages, psm=block)
            self._own.reader = reader
        grey = picture.convert("L")
        if self._enlarge != 1:
            size = grey.width * self._enlarge, grey.height * self._enlarge
            grey = grey.resize(size, Image.Resampling.BICUBIC)
        self._own.reader.SetImage(grey)
        return " ".join(self._own.reader.GetUTF8Text().split())


class OcrEncoder:
    """An encoder of pictures that reads them by Tesseract and encodes the text."""

    def __init__(self, encoder: Encoder, read: Tesseract):
        self._encoder, self._read = encoder, read

    def encode(self, sentences: list[str], /) -> Any:
        """Return [N, D] for N texts."""
        return self._encoder.encode(sentences)

    def encode_images(self, pictures: Iterable[Image.Image], /) -> Any:
        """Return [N, D] for N pictures."""
        return self._encoder.encode(self._read(pictures))


def _models(languages: str) -> Path:
    """Return the folder of Tesseract's models: of TESSDATA_PREFIX, or of the extra."""
    folder = Path(os.environ.get("TESSDATA_PREFIX", Path(sys.prefix) / "share" / "tessdata"))
    for language in languages.split("+"):
        if not (path := folder / f"{language}.traineddata").is_file():
            raise FileNotFoundError(
                f"OCR needs Tesseract's model {path}: {INSTALL} brings English; for another "
                "language, TESSDATA_PREFIX names the folder of the models"
            )
    return folder
