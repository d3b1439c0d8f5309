"""The loss of predicted words against a slow computation."""

import math
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.objective.bag_of_words import bag_of_words_loss

LOSS: Any = bag_of_words_loss
WORDS = np.array([[3, 0, -1], [6, 2, 5], [-1, -1, -1], [1, -1, -1]], np.int32)


def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (4, 7)).astype(np.float32)


def slow(rows: np.ndarray, words: np.ndarray) -> float:
    total = 0.0
    for row, bag in zip(rows.tolist(), words.tolist(), strict=True):
        partition = sum(math.exp(value) for value in row)
        own = [-math.log(math.exp(row[word]) / partition) for word in bag if word >= 0]
        total += sum(own) / len(own) if own else 0
    return total / len(rows)


def test_the_loss_is_the_mean_cross_entropy_of_the_words() -> None:
    assert float(LOSS(logits(), WORDS)) == pytest.approx(slow(logits(), WORDS))


def test_the_gradient_is_the_softmax_less_the_words() -> None:
    found = jax.grad(lambda x: LOSS(x, WORDS))(logits())
    for row, bag, gradient in zip(logits(), WORDS, np.asarray(found), strict=True):
        own = [word for word in bag if word >= 0]
        expected = np.exp(row) / np.exp(row).sum()
        expected[own] -= 1 / max(len(own), 1)
        np.testing.assert_allclose(gradient, (expected if own else 0 * expected) / 4, atol=1e-6)


def test_texts_without_words_and_places_without_words_count_for_nothing() -> None:
    assert float(LOSS(logits(), np.full((4, 3), -1, np.int32))) == 0
    wider = np.pad(WORDS, ((0, 0), (0, 5)), constant_values=-7)
    assert float(LOSS(logits(), wider)) == float(LOSS(logits(), WORDS))


def test_a_vocabulary_of_one_is_always_right() -> None:
    assert float(LOSS(np.ones((2, 1), np.float32), np.zeros((2, 1), np.int32))) == 0
