"""Baselines: TF-IDF of character n-grams, and any object with `encode` or `encode_images`."""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from PIL import Image
from scipy import sparse

from pixel_linguist.evaluate.suite import Task
from pixel_linguist.render.page_pictures import Margins, draw_page

# Makes the embedding for a task; TF-IDF is fitted on each task's texts. None: it cannot embed what
# the task has, such as pictures.
EmbedFor = Callable[[Task], Any]


class Encoder(Protocol):
    """The common interface of `sentence_transformers.SentenceTransformer` and `SentenceEncoder`."""

    def encode(self, sentences: list[str], /) -> Any:
        """Return [N, D] for N texts."""
        ...


def encoder_embed(encoder: Encoder) -> EmbedFor:
    """Return what embeds a task's texts by `encode`, or its pictures of text by `encode_images`.

    It is None for a task that has what the encoder has no method for.
    """

    reads = getattr(encoder, "encode_images", None)

    def embed(contents: Sequence[Any]) -> np.ndarray:
        given = list(contents)
        drawn = bool(given) and isinstance(given[0], Image.Image)
        return np.asarray((reads if reads and drawn else encoder.encode)(given), np.float32)

    return lambda task: embed if of_texts(task) or (reads and of_pictures(task)) else None


def of_texts(task: Task) -> bool:
    """Tell whether a task embeds texts alone."""
    return all(isinstance(content, str) for content in task.contents())


def of_pictures(task: Task) -> bool:
    """Tell whether a task embeds pictures of text."""
    return any(isinstance(content, Image.Image) for content in task.contents())


def check_reads(name: str, encoder: Any, tasks: Sequence[str]) -> None:
    """Refuse an encoder whose `encode_images` refuses a picture of a word.

    Args:
        tasks: names of those that need it; without any, nothing is checked.

    Raises:
        ValueError: naming the encoder and the tasks, and why.
    """
    if tasks:
        word = draw_page(["word"], "noto", 24, 1.0, Margins(8, 8, 8, 8))
        try:
            encoder.encode_images([word])
        except ValueError as error:
            raise ValueError(
                f"{name} cannot read pictures, which {', '.join(tasks)} needs: {error}"
            ) from error


def scikit_learn(module: str) -> ModuleType:
    """Import a module of scikit-learn, such as "metrics"; ModuleNotFoundError names the extra."""
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TF-IDF and classification need scikit-learn: pip install 'pixel-linguist[report]'"
        ) from error


def tfidf_embed(task: Task) -> Any:
    """Return TF-IDF of character 2- to 4-grams within words, fitted on the task's own texts.

    A task of pictures has none: None.
    """
    if not of_texts(task):
        return None
    make = scikit_learn("feature_extraction.text").TfidfVectorizer
    vectorizer = make(analyzer="char_wb", ngram_range=(2, 4)).fit(task.texts())

    def embed(texts: Any) -> sparse.csr_array:
        return sparse.csr_array(vectorizer.transform(texts))

    return embed
