"""Codes of rows: what they keep of rows, and of texts that have several."""

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.model.windows import decode_rows
from pixel_linguist.train.coding import code_rows


def code_alone(rows: np.ndarray, codes: int, fine_codes: int) -> dict[str, np.ndarray]:
    """Code rows of which each text has one, so that none can make up for another."""
    texts = sparse.eye_array(len(rows), dtype=np.float32, format="csr")
    return code_rows(texts, rows, np.ones(len(rows)), codes, fine_codes, 0.1, seed=0)


@pytest.mark.slow
def test_rows_of_few_kinds_are_coded_without_loss() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(300, 12)).astype(np.float32)
    kinds /= np.linalg.norm(kinds, axis=1, keepdims=True)
    lengths = rng.random(2000).astype(np.float32) + 0.5
    rows = kinds[rng.integers(0, 40, 2000)] * lengths[:, None]
    coded = code_alone(rows, 4, 6)
    assert {name: array.shape for name, array in coded.items()} == {
        "codes": (2000, 4),
        "fine_codes": (1000, 6),
        "scales": (2000,),
        "book": (4, 256, 3),
        "fine_book": (6, 256, 2),
    }
    np.testing.assert_allclose(decode_rows(coded, np.arange(2000)), rows, atol=1e-4)
    # Of many kinds something is lost, less with more codes, and of the first half of each eight.
    rows = rng.normal(size=(2000, 12)).astype(np.float32)
    first = np.arange(2000) % 8 < 4
    lost = []
    for codes in (2, 4, 6):
        found = decode_rows(code_alone(rows, codes, 6), np.arange(2000))
        error = np.square(rows - found).mean(axis=1)
        assert error[first].mean() < error[~first].mean() / 3
        lost.append(error[~first].mean())
    assert 0 < lost[2] < lost[1] / 2 < lost[0] / 4


def test_what_codes_lose_is_made_up_for() -> None:
    """Texts have words and words have windows, some of each place in a bucket."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(320, 24)).astype(np.float32)
    words = (rng.random((100, 320)) < 0.03).astype(np.float32)
    texts = sparse.csr_array((rng.random((1000, 100)) < 0.05).astype(np.float32) @ words)
    read, held_out = texts[:500], texts[500:]
    together = decode_rows(code_rows(read, rows, np.ones(320), 2, 6, 0.1, seed=0), np.arange(320))
    alone = decode_rows(code_alone(rows, 2, 6), np.arange(320))
    lost = [np.square(held_out @ (rows - found)).sum() for found in (together, alone)]
    assert lost[0] < 0.65 * lost[1]
