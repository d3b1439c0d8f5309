"""What DebCSE draws from the generated world, and how its benchmark counts that."""

from typing import Any

import numpy as np
import pytest

from benchmarks import method_scores
from benchmarks.method_scores import drawn_meanings
from experiments.methods.debcse_world import PAIRS, SIDES
from pixel_linguist.data.candidates import Candidates
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.toy.lexicon import concept_numbers
from tests.data.toy_text import read_concepts

SMALL = PAIRS | {"size": 300}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count in a smaller world."""
    monkeypatch.setattr(method_scores, "PAIRS", SMALL)


def by_concepts(texts: Any) -> np.ndarray:
    """Embed texts by the concepts of their words, whatever the words."""
    vectors = np.zeros((len(texts), len(concept_numbers())), np.float32)
    for row, text in enumerate(texts):
        vectors[row, [concept_numbers()[name] for name in read_concepts(text, "en")]] = 1
    return vectors


def by_letters(texts: Any) -> np.ndarray:
    """Embed texts by how often each letter occurs."""
    return np.array([[text.lower().count(chr(c)) for c in range(97, 123)] for text in texts])


def test_what_is_drawn_has_the_scores_of_the_world() -> None:
    source = make_source(".", SMALL)
    scores = np.repeat([source[i]["score"] for i in range(len(source))], 2)
    numbers, some = np.arange(len(scores)), np.arange(len(scores)) % 3 > 0
    # The relative of a text is its pair's other one; itself, it means the same.
    table = {
        "candidates": np.stack([numbers ^ 1, numbers], axis=1),
        "positive_weights": np.stack([some, np.zeros(len(scores))], axis=1),
        "negative_weights": np.tile([0.25, 0.75], (len(scores), 1)),
    }
    found = drawn_meanings(table)
    assert found["positive"] == pytest.approx(scores[some].mean(), abs=1e-3)
    assert found["positive_close"] == pytest.approx(100 * (scores[some] >= 4).mean())
    assert found["positive_without"] == pytest.approx(100 / 3)
    assert found["negative"] == pytest.approx((0.25 * scores + 0.75 * 5).mean(), abs=1e-3)
    assert found["negative_same"] == pytest.approx(25 * (scores == 5).mean() + 75)
    assert found["chance_close"] == pytest.approx(50 * (scores >= 4).mean() + 50)


def test_positives_mean_the_same_and_negatives_do_not_where_the_model_knows_concepts() -> None:
    texts: Any = make_source(".", {"name": "texts", "source": SMALL, "columns": SIDES})
    known, letters = (
        drawn_meanings(Candidates("text", count=8)(texts, range(len(texts)), embed))
        for embed in (by_concepts, by_letters)
    )
    assert known["positive"] > 2 * known["chance"]
    assert known["positive_close"] > 4 * known["chance_close"]
    assert known["negative_close"] < known["chance_close"] / 4
    # A model that knows letters alone draws others.
    assert letters["positive_close"] < known["positive_close"] / 2
