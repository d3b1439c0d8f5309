"""The relevance of a document to a query by joined embeddings, of a sentence and its words."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from pixel_linguist.evaluate.similarity import unit_rows
from pixel_linguist.model.words import NOTHING, sparsify


@dataclasses.dataclass(frozen=True)
class JoinedRelevance:
    """Sentence and words, each scaled to length 1 apart; documents keep few words, queries all.

        relevance(q, d) = (1 - w) * cos(h_q, h_d) + w * m_q . cut(m_d) / (|m_q| |cut(m_d)|)

    where an embedding is h, of the sentence, then m, a number for each bucket of words; `cut` sets
    all but the highest of m to 0, and w is `word_weight`: 0 is the sentence alone, 1 the words.
    The model is to give all of m: `model.top_words` equals `model.word_buckets`.

    Source: DupMAE (Xiao et al. 2023, arXiv 2305.02564), equation 12, which adds plain products and
    learns from labels what they weigh.

    Attributes:
        width: of h.
        buckets: of m. Vectors that are not float [N, width + buckets], such as those of TF-IDF in
            the same table, stay as they are.
        top_words: of a document that are kept.
        word_weight: w, in [0, 1].
    """

    width: int
    buckets: int
    top_words: int
    word_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.top_words <= self.buckets or not 0 <= self.word_weight <= 1:
            raise ValueError(
                f"relevance.top_words is {self.top_words} and word_weight {self.word_weight}; they "
                f"must be 1 to {self.buckets}, the buckets, and in [0, 1]"
            )

    def scale(self, vectors: Any, *, cut: bool) -> Any:
        """Return vectors of which the relevance is the plain product, and the cosine.

        Args:
            vectors: of queries or documents, [N, any].
            cut: whether they are documents.
        """
        if vectors.shape[1] != self.width + self.buckets or not isinstance(vectors, np.ndarray):
            return vectors
        sentence, words = vectors[:, : self.width], vectors[:, self.width :]
        # Of a text without patches.
        words = np.where(words <= NOTHING, 0, words)
        if cut:
            words = np.asarray(sparsify(jnp.asarray(words), self.top_words))
        weight = self.word_weight
        parts = (1 - weight) ** 0.5 * unit_rows(sentence), weight**0.5 * unit_rows(words)
        return np.concatenate(parts, axis=1)
