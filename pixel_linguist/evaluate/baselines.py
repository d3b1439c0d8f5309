"""Baselines: TF-IDF of character n-grams, and any object with `encode`."""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from pixel_linguist.evaluate.suite import Task

# Makes the embedding for a task; TF-IDF is fitted on each task's texts. None: it cannot embed what
# the task has, such as pictures.
EmbedFor = Callable[[Task], Any]


class Encoder(Protocol):
    """The common interface of `sentence_transformers.SentenceTransformer` and `SentenceEncoder`."""

    def encode(self, sentences: list[str], /) -> Any:
        """Return [N, D] for N texts."""
        ...


def encoder_embed(encoder: Encoder) -> EmbedFor:
    """Return the embedding of texts by an object with `encode`, the same for every task."""

    def embed(texts: Sequence[Any]) -> np.ndarray:
        return np.asarray(encoder.encode(list(texts)), np.float32)

    return lambda task: embed if of_texts(task) else None


def of_texts(task: Task) -> bool:
    """Tell whether a task embeds texts alone."""
    return all(isinstance(content, str) for content in task.contents())


def scikit_learn(module: str) -> ModuleType:
    """Import a module of scikit-learn, such as "metrics".

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TF-IDF and classification need scikit-learn: pip install 'pixel-linguist[report]'"
        ) from error


def tfidf_embed(task: Task) -> Any:
    """Return TF-IDF of character 2- to 4-grams within words, fitted on the task's own texts.

    A task of pictures has none: None.

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    if not of_texts(task):
        return None
    make = scikit_learn("feature_extraction.text").TfidfVectorizer
    vectorizer = make(analyzer="char_wb", ngram_range=(2, 4)).fit(task.texts())

    def embed(texts: Any) -> sparse.csr_array:
        return sparse.csr_array(vectorizer.transform(texts))

    return embed
