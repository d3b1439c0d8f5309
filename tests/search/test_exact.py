"""Exact search beside the plain definition: all scores, sorted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.search import ExactIndex, exact, nearest, nearest_pairs


def plain(queries: np.ndarray, corpus: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort all cosines; equal ones go by row."""
    scores = exact.unit(queries) @ exact.unit(corpus).T
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, rows, axis=1), rows


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "CORPUS_BLOCK", 256)
    monkeypatch.setattr(exact, "QUERY_BLOCK", 7)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("size", [1, 63, 64, 65, 256, 700])
@pytest.mark.parametrize("k", [1, 5, 100])
def test_hits_are_those_of_a_full_sort(size: int, k: int) -> None:
    rng = np.random.default_rng(size)
    corpus, queries = rng.normal(size=(size, 12)), rng.normal(size=(9, 12))
    scores, rows = plain(queries, corpus, k)
    for hits in (nearest(queries, corpus, k), ExactIndex(corpus).search(queries, k)):
        assert hits.scores.dtype == np.float32 and hits.scores.shape == (9, min(k, size))
        np.testing.assert_allclose(hits.scores, scores, atol=1e-6)
        np.testing.assert_array_equal(hits.rows, rows)


@given(
    values=st.lists(st.integers(-2, 2), min_size=1, max_size=300),
    k=st.integers(1, 20),
)
@settings(deadline=None, max_examples=30)
def test_equal_scores_go_by_row(values: list[int], k: int) -> None:
    # Cosines with (1, 0) are exactly -1, 0 or 1.
    corpus = np.array([(np.sign(v), v == 0) for v in values], np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "CORPUS_BLOCK", 128)
        hits = nearest(np.array([[1.0, 0.0]]), corpus, k)
    np.testing.assert_array_equal(hits.rows, plain(np.array([[1.0, 0.0]]), corpus, k)[1])


@pytest.mark.usefixtures("small_blocks")
def test_a_corpus_on_disk_is_searched(tmp_path: Path) -> None:
    corpus = np.random.default_rng(0).normal(size=(1000, 8)).astype(np.float32)
    np.save(tmp_path / "c.npy", corpus)
    hits = nearest(corpus[:3], np.load(tmp_path / "c.npy", mmap_mode="r"), 1)
    np.testing.assert_array_equal(hits.rows[:, 0], [0, 1, 2])


def test_pairs_are_those_of_the_upper_triangle() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6))
    pairs = nearest_pairs(vectors, 39)
    first, second = np.triu_indices(40, 1)
    scores = (exact.unit(vectors) @ exact.unit(vectors).T)[first, second]
    assert {*zip(pairs.first, pairs.second, strict=True)} == {*zip(first, second, strict=True)}
    np.testing.assert_allclose(pairs.scores, np.sort(scores)[::-1], atol=1e-6)
    best = nearest_pairs(np.concatenate([vectors, vectors[[5, 9]]]), 3)
    assert {*zip(best.first[:2], best.second[:2], strict=True)} == {(5, 40), (9, 41)}
    assert (best.first < best.second).all()


@pytest.mark.parametrize(
    ("queries", "corpus", "k", "word"),
    [
        (np.ones((2, 3)), np.ones((0, 3)), 1, "corpus"),
        (np.ones((2, 3)), np.ones((4, 5)), 1, r"\(4, 5\)"),
        (np.ones((2, 3)), np.ones((4, 3)), 0, "k is 0"),
        (np.ones(3), np.ones((4, 3)), 1, "queries"),
        (np.full((2, 3), np.nan), np.ones((4, 3)), 1, "queries: 2 .*finite, row 0"),
        (np.ones((2, 3)), np.full((4, 3), np.inf), 1, "corpus .*finite"),
    ],
)
def test_bad_vectors_are_refused(
    queries: np.ndarray, corpus: np.ndarray, k: int, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        nearest(queries, corpus, k)
