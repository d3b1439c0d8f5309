"""Geometry against closed forms and loops."""

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.evaluate.embedding_geometry import Geometry, effective_rank
from pixel_linguist.evaluate.robustness import Robustness


def test_effective_rank_of_orthogonal_and_of_parallel_rows() -> None:
    assert effective_rank(np.eye(6)) == pytest.approx(6)
    assert effective_rank(np.outer(np.arange(1, 5), np.arange(1, 4))) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(30, 5), (5, 30), (900, 40)])
def test_effective_rank_equals_that_of_singular_values(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(2).normal(size=shape) * np.linspace(3, 0.1, shape[1])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.svd(rows, compute_uv=False)
    shares = values / values.sum()
    expected = np.exp(-(shares * np.log(shares)).sum())
    for given in (rows, sparse.csr_array(rows), (5 * rows).astype(np.float32)):
        assert effective_rank(given) == pytest.approx(expected, rel=1e-5)


def test_geometry_equals_loops_over_pairs() -> None:
    rng = np.random.default_rng(0)
    names = {code: tuple(f"{code}{i}" for i in range(5)) for code in ("en", "de", "fr")}
    vectors = {text: rng.normal(size=4) for side in names.values() for text in side}
    unit = {text: row / np.linalg.norm(row) for text, row in vectors.items()}
    scores = Geometry(names).score(lambda texts: np.array([vectors[text] for text in texts]))
    aligned, spread, cosines = [], [], []
    for a, b in (("en", "de"), ("en", "fr"), ("de", "fr")):
        pairs = [(unit[x], unit[y]) for x, y in zip(names[a], names[b], strict=True)]
        aligned.append(np.mean([((x - y) ** 2).sum() for x, y in pairs]))
        assert scores[f"distance/{a}/{b}"] == pytest.approx(
            np.mean([1 - x @ y for x, y in pairs]), abs=1e-6
        )
        apart = [
            (unit[x], unit[y])
            for i, x in enumerate(names[a])
            for j, y in enumerate(names[b])
            if i != j
        ]
        spread.append(np.log(np.mean([np.exp(-2 * ((x - y) ** 2).sum()) for x, y in apart])))
        cosines.append(np.mean([x @ y for x, y in apart]))
    assert scores["alignment"] == pytest.approx(np.mean(aligned), abs=1e-5)
    assert scores["uniformity"] == pytest.approx(np.mean(spread), abs=1e-5)
    assert scores["anisotropy"] == pytest.approx(np.mean(cosines), abs=1e-6)
    assert 1 < scores["effective_rank"] <= 4


def test_bad_geometry_is_refused() -> None:
    rows = [{"text": "a"}] * 3
    with pytest.raises(ValueError, match="two languages"):
        Geometry.from_sources({"en": rows})
    with pytest.raises(ValueError, match="'de': 2"):
        Geometry.from_sources({"en": rows, "de": rows[:2]})
    with pytest.raises(ValueError, match="attacked"):
        Robustness(Geometry.from_sources({"en": rows, "de": rows}))
