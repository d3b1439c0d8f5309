"""scikit-learn's own checks of estimators on ours, and ours in its pipelines."""

from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.sklearn_encoder import SentenceVectorizer

TEXTS = ["a good film", "a bad film", "good", "bad", "very good", "very bad", "so good", "so bad"]
LABELS = [1, 0] * 4


class OfNumbers(SentenceVectorizer):
    """Reads numbers as texts, as scikit-learn's checks have tables of numbers alone."""

    def fit(self, X: Any, y: Any = None) -> Self:
        return super().fit(self.texts(X, reset=True), y)

    def transform(self, X: Any) -> np.ndarray:
        return super().transform(self.texts(X, reset=False))

    def texts(self, X: Any, reset: bool) -> list[str]:
        rows = validate_data(self, X, reset=reset, dtype=np.float64)
        return [" ".join(f"{number:.3g}" for number in row) for row in rows]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


# Checks that do not run, with the reason.
SKIPPED = {"check_array_api_input": "texts are no arrays of another library"}
# Checks that may fail, with the reason.
FAILED = {
    "check_methods_sample_order_invariance": "it allows 1e-9, and float32 sums of another order "
    "differ by 3e-8"
}


@pytest.mark.slow
def test_checks_of_scikit_learn() -> None:
    results = check_estimator(
        OfNumbers(), on_skip=None, on_fail=None, expected_failed_checks=FAILED
    )
    by_status: dict[str, set[str]] = {}
    for result in results:
        by_status.setdefault(result["status"], set()).add(result["check_name"])
    assert by_status.pop("skipped") == SKIPPED.keys()
    assert by_status.pop("xfail", set()) <= FAILED.keys()
    assert set(by_status) == {"passed"} and len(by_status["passed"]) > 40
    # Of inputs that are no tables it checks but that they can be cloned.
    check_estimator(SentenceVectorizer(), on_skip=None)


def test_vectors_are_the_encoders_for_any_container() -> None:
    encoder = SentenceEncoder.load("tiny")
    fitted = SentenceVectorizer(truncate_dim=5).fit(TEXTS)
    expected = encoder.encode(TEXTS, truncate_dim=5)
    assert [*fitted.get_feature_names_out()][-1] == "sentencevectorizer4"
    frame = pd.DataFrame({"text": TEXTS}, index=[*range(8, 0, -1)])
    for texts in (TEXTS, iter(TEXTS), np.array(TEXTS), frame["text"], frame, pyarrow.array(TEXTS)):
        np.testing.assert_allclose(fitted.transform(texts), expected, atol=1e-6)
    table = fitted.set_output(transform="pandas").transform(frame["text"])
    assert [*table.index] == [*frame.index] and [*table] == [*fitted.get_feature_names_out()]
    given = clone(SentenceVectorizer(encoder)).fit_transform(text for text in TEXTS)
    np.testing.assert_allclose(given, encoder.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("texts", "error", "word"),
    [
        ("text", TypeError, "str"),
        ({"text": TEXTS}, TypeError, "values"),
        (None, TypeError, "None"),
        (pd.DataFrame({"a": TEXTS, "b": TEXTS}), ValueError, "columns"),
    ],
)
def test_what_is_no_column_of_texts_is_refused(
    texts: Any, error: type[Exception], word: str
) -> None:
    for call in (SentenceVectorizer().fit, SentenceVectorizer().fit(TEXTS).transform):
        with pytest.raises(error, match=word):
            call(texts)


@pytest.mark.slow
def test_pipelines_and_searches_take_it() -> None:
    pipeline = make_pipeline(SentenceVectorizer(), LogisticRegression())
    grid = {"sentencevectorizer__truncate_dim": [1, None]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(np.array(TEXTS), LABELS)
    assert search.best_params_ == {"sentencevectorizer__truncate_dim": None}
    assert search.predict(["a good book", "a bad book"]).tolist() == [1, 0]
    frame = pd.DataFrame({"text": TEXTS, "length": [*map(len, TEXTS)]})
    columns = make_column_transformer(
        (SentenceVectorizer(truncate_dim=16), "text"), (StandardScaler(), ["length"])
    )
    both = make_pipeline(columns, LogisticRegression()).fit(frame, LABELS)
    assert (
        columns.fit_transform(frame).shape == (8, 17) == (8, len(columns.get_feature_names_out()))
    )
    assert both.score(frame, LABELS) == 1
