"""Geometry against closed forms and loops, and agreement with human judgements."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.embedding_geometry import Geometry, effective_rank
from pixel_linguist.evaluate.human import HumanSimilarity, stacked
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


def judged(folder: Path, text: str) -> Any:
    """Make the task of a table of judgements."""
    (folder / "judged.tsv").write_text(f"first\tsecond\tscore\n{text}")
    spec = {"name": "human_similarity", "source": {"name": "tsv", "path": "judged.tsv"}}
    return make_task(folder, spec)


def test_judgements_of_a_pair_are_averaged_in_either_order(tmp_path: Path) -> None:
    task = judged(tmp_path, "a\tb\t1\nb\ta\t3\na\tc\t5\nb\tc\t0\n")
    assert isinstance(task, HumanSimilarity)
    assert task.texts() == ["a", "b", "c"]
    assert dict(zip(map(tuple, task.pairs.tolist()), task.judged, strict=True)) == {
        (0, 1): 2.0, (0, 2): 5.0, (1, 2): 0.0
    }  # fmt: skip
    rows = {"a": (1.0, 0.0), "b": (0.6, 0.8), "c": (0.8, -0.6)}
    scores = task.score(lambda texts: np.array([rows[text] for text in texts]))
    assert scores["pearson"] == pytest.approx(np.corrcoef([0.6, 0.8, 0.0], [2, 5, 0])[0, 1])
    assert scores["spearman"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "word"), [("a\ta\t1\n", "itself"), ("a\tb\thigh\n", "'high'"), ("a\tb\t1\n", "two")]
)
def test_bad_judgements_are_refused(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        judged(tmp_path, text)


def test_the_cosine_of_stacked_vectors_is_the_mean_of_cosines() -> None:
    rng = np.random.default_rng(1)
    pairs = [scale * rng.normal(size=(2, size)) for scale, size in ((1, 3), (50, 7), (0.01, 2))]
    a, b = stacked([lambda texts, pair=pair: pair for pair in pairs])(["a", "b"])  # type: ignore[misc]
    cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in pairs]
    assert a @ b / (a @ a) == pytest.approx(np.mean(cosines))
    with pytest.raises(ValueError, match="one encoder"):
        stacked([])
