"""Indexes by faiss: the same interface, and the exact one the same hits."""

from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.search import nearest
from pixel_linguist.search.index import Index

pytest.importorskip("faiss", reason="faiss is not installed: pip install 'pixel-linguist[search]'")


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)


def test_a_flat_index_is_exact(vectors: np.ndarray) -> None:
    ours, theirs = nearest(vectors[:20] + 0.1, vectors, 7), Index(vectors, "Flat")
    found = theirs.search(vectors[:20] + 0.1, 7)
    np.testing.assert_array_equal(ours.rows, found.rows)
    np.testing.assert_allclose(ours.scores, found.scores, atol=1e-6)
    assert theirs.search(vectors[:2], 1000).rows.shape == (2, 500)


def test_a_graph_finds_nearly_all_and_is_kept(vectors: np.ndarray, tmp_path: Path) -> None:
    Index(vectors).save(tmp_path / "index")
    found = Index.load(tmp_path / "index").search(vectors, 5)
    expected = nearest(vectors, vectors, 5)
    hits = [len({*a} & {*b}) for a, b in zip(found.rows, expected.rows, strict=True)]
    assert np.mean(hits) > 4.5


def test_bad_requests_are_refused(vectors: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Falt"):
        Index(vectors, "Falt")
    with pytest.raises(ValueError, match="empty"):
        Index(vectors[:0])
    with pytest.raises(ValueError, match="finite"):
        Index(vectors * np.nan)
    with pytest.raises(FileNotFoundError, match="none"):
        Index.load(tmp_path / "none")
