"""The linear student against ridge regression with a weight for every n-gram."""

from pathlib import Path

import numpy as np
import pytest

from experiments.shipped import teach
from experiments.shipped.student import RIDGE, LinearStudent, lessons
from experiments.small import LANGUAGES

ENGLISH = ["a man plays", "a dog runs", "two men play", "the dog ran", "a man plays"]
OTHERS = ["a house stands", "the sea is wide"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    teach.write(tmp_path / "stsb.parquet", ENGLISH, rng.normal(size=(5, 3)))
    teach.write(tmp_path / "sentences.parquet", OTHERS, rng.normal(size=(2, 3)))
    translated = [f"{language} {text}" for language in LANGUAGES for text in ENGLISH]
    teach.write(tmp_path / "translations.parquet", translated, rng.normal(size=(40, 3)))
    return tmp_path


def test_lessons_are_distinct_and_of_the_language(folder: Path) -> None:
    assert lessons(folder, "en")[0] == [*ENGLISH[:4], *OTHERS]
    texts, vectors = lessons(folder, "ru")
    assert texts == [*ENGLISH[:4], *(f"ru {text}" for text in ENGLISH[:4])]
    assert vectors.shape == (8, 3)


def test_student_is_ridge_regression(folder: Path) -> None:
    student = LinearStudent(folder, "en")
    texts, vectors = lessons(folder, "en")
    x = student._features.transform(texts).toarray()
    # As least squares with rows more.
    rows = np.vstack([x, np.sqrt(RIDGE) * np.eye(x.shape[1])])
    wanted = np.vstack([vectors - vectors.mean(0), np.zeros((x.shape[1], 3))])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    new = ["a dog plays", "the man ran"]
    expected = student._features.transform(new) @ weights + vectors.mean(0)
    np.testing.assert_allclose(student.encode(new), expected, atol=1e-4)
