"""What a model is compared with: TF-IDF of character n-grams, and anybody else's encoder."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.suite import Task

# Makes the embedding with which a task is scored; TF-IDF is fitted to each task anew.
EmbedFor = Callable[[Task], Embed]


class Encoder(Protocol):
    """What `sentence_transformers.SentenceTransformer` and our `SentenceEncoder` have in common."""

    def encode(self, sentences: list[str], /) -> Any:
        """Return [N, D] for N texts."""
        ...


def encoder_embed(encoder: Encoder) -> EmbedFor:
    """Return the embedding of an object with `encode`, the same for every task."""

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.asarray(encoder.encode(list(texts)), np.float32)

    return lambda task: embed


def tfidf_embed(task: Task) -> Embed:
    """Return TF-IDF of character 2- to 4-grams inside words, fitted on the task's own texts.

    Raises:
        ModuleNotFoundError: without scikit-learn, naming the extra.
    """
    make = scikit_learn("feature_extraction.text").TfidfVectorizer
    vectorizer = make(analyzer="char_wb", ngram_range=(2, 4)).fit(task.texts())

    def embed(texts: Any) -> sparse.csr_array:
        return sparse.csr_array(vectorizer.transform(texts))

    return embed
