"""The linear student of a text teacher: what a distilled pixel model has to beat.

Kernel ridge regression from TF-IDF of character 2- to 5-grams inside words to the teacher's
vectors. It reads characters, not pictures, and has a weight for every n-gram and number.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pyarrow import parquet
from scipy import linalg
from sklearn.feature_extraction.text import TfidfVectorizer

from experiments.small import LANGUAGES

RIDGE = 0.3
TEXTS = 20_000


def read(path: Path) -> tuple[list[str], np.ndarray]:
    """Return the texts of one of the teacher's files, and their vectors float32 [N, D]."""
    table = parquet.read_table(path)
    vectors = np.stack(table["vector"].to_numpy(zero_copy_only=False))
    return table["text"].to_pylist(), vectors.astype(np.float32)


def lessons(teacher: Path, language: str) -> tuple[list[str], np.ndarray]:
    """Return at most TEXTS distinct texts with vectors: STS-B's, and of English others too."""
    texts, vectors = read(teacher / "stsb.parquet")
    if language == "en":
        others, more = read(teacher / "sentences.parquet")
    else:
        every, vectors_of_all = read(teacher / "translations.parquet")
        size = len(every) // len(LANGUAGES)
        place = slice(LANGUAGES.index(language) * size, (LANGUAGES.index(language) + 1) * size)
        others, more = every[place], vectors_of_all[place]
    both, all_vectors = [*texts, *others], np.concatenate([vectors, more])
    _, first = np.unique(np.array(both, object), return_index=True)
    first = np.sort(first)[:TEXTS]
    return [both[i] for i in first], all_vectors[first]


class LinearStudent:
    """A student of one language, beside English."""

    def __init__(self, teacher: Path, language: str):
        texts, vectors = lessons(teacher, language)
        self._features = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32
        )
        self._seen = self._features.fit_transform(texts)
        kernel = (self._seen @ self._seen.T).toarray()
        kernel[np.diag_indices_from(kernel)] += RIDGE
        self._weights = linalg.solve(
            kernel, vectors - vectors.mean(0), assume_a="pos", overwrite_a=True
        )
        self._mean = vectors.mean(0)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [N, D]."""
        return self._features.transform(texts) @ self._seen.T @ self._weights + self._mean
