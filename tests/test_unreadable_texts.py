"""Every text has a vector of length 1, also one whose letters no font has."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model

# Private use, unassigned, scripts without fonts, blanks, controls, lone surrogates.
TEXTS = [
    "\ue000", "\ue001", "\ue000\ue001", "\U000f0000 \U000f0001", "\U0001e6c0", "\U00016ea0\u0301",
    "\u0378", "\U000e0100", "", "   ", "\u200b", "\x00\x1b", "\ud800",
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tiny_model: Callable[..., Model]) -> SentenceEncoder:
    return SentenceEncoder(tiny_model(max_patches=16, depth=1))


def test_vectors_have_length_1_in_any_batch(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS[:3]])
    np.testing.assert_allclose(alone, vectors[:3], atol=1e-5)


def test_an_unreadable_text_finds_itself(encoder: SentenceEncoder) -> None:
    letters = [chr(code) for code in range(0xE100, 0xE110)]
    corpus = ["a dog", *letters, *(a + b for a, b in itertools.pairwise(letters))]
    hits = encoder.semantic_search(corpus, corpus, k=2)
    assert hits.rows[:, 0].tolist() == [*range(len(corpus))]
    assert (hits.scores[:, 0] > hits.scores[:, 1]).all()
