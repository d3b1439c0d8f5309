"""Our models as a transformer of scikit-learn, for pipelines and searches over settings.

Needs scikit-learn, which the extra `sklearn` brings.
"""

from pathlib import Path
from typing import Any, Self

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.text.containers import as_texts

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "this needs scikit-learn: pip install 'pixel-linguist[sklearn]'"
    ) from error


class SentenceVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """From texts to vectors of length 1, float32 [N, D]. Fitting loads the model, trains nothing.

    >>> make_pipeline(SentenceVectorizer(), LogisticRegression()).fit(texts, labels)

    Args:
        model: what `SentenceEncoder.load` takes, or a `SentenceEncoder`.
        truncate_dim: D, the first numbers that are kept of each vector; None: all.

    Attributes:
        encoder_: the loaded model.
    """

    def __init__(
        self,
        model: str | Path | SentenceEncoder = "tiny",
        *,
        batch_size: int = 64,
        truncate_dim: int | None = None,
    ):
        self.model = model
        self.batch_size = batch_size
        self.truncate_dim = truncate_dim

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the model.

        Args:
            X: N texts in any container, or a table of one column.

        Raises:
            TypeError: X is no container of texts.
            ValueError: X has several columns; or as `SentenceEncoder.load`.
        """
        _column(X)
        given = self.model
        encoder = given if isinstance(given, SentenceEncoder) else SentenceEncoder.load(given)
        self.encoder_ = SentenceEncoder(encoder.model, self.truncate_dim or encoder.truncate_dim)
        self._n_features_out = self.encoder_.dimension
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the vectors float32 [N, D] of N texts; errors are those of `fit` and `encode`."""
        check_is_fitted(self)
        return self.encoder_.encode(_column(X), batch_size=self.batch_size)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _column(given: Any) -> Any:
    """Return the texts of a container, or of a table with one column, as ColumnTransformer gives.

    Raises:
        TypeError, ValueError: as `fit`.
    """
    if getattr(given, "ndim", 1) != 2:
        return as_texts(given)
    if given.shape[1] != 1:
        raise ValueError(f"texts are one column; this table has {given.shape[1]} columns")
    return np.asarray(given, object)[:, 0]
