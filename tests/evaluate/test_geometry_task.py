"""Geometry against closed forms, and agreement with people."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.geometry import Geometry, effective_rank
from pixel_linguist.evaluate.human import HumanSimilarity, stacked


def test_effective_rank_of_equal_and_of_one_direction() -> None:
    assert effective_rank(np.eye(6)) == pytest.approx(6)
    assert effective_rank(np.outer(np.arange(1, 5), np.arange(1, 4))) == pytest.approx(1)


def test_effective_rank_equals_that_of_singular_values() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 5)) * [3, 2, 1, 1, 0.1]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.svd(rows, compute_uv=False)
    shares = values / values.sum()
    assert effective_rank(rows) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert effective_rank(sparse.csr_array(rows)) == pytest.approx(effective_rank(rows))


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


def test_judgements_of_a_pair_are_averaged_whichever_way_it_was_shown(tmp_path: Path) -> None:
    (tmp_path / "judged.tsv").write_text(
        "first\tsecond\tscore\na\tb\t1\nb\ta\t3\na\tc\t5\nb\tc\t0\n"
    )
    source = {"name": "tsv", "path": "judged.tsv"}
    task = make_task(tmp_path, {"name": "human_similarity", "source": source})
    assert isinstance(task, HumanSimilarity)
    assert task.texts() == ["a", "b", "c"]
    assert dict(zip(map(tuple, task.pairs.tolist()), task.judged, strict=True)) == {
        (0, 1): 2.0, (0, 2): 5.0, (1, 2): 0.0
    }  # fmt: skip
    rows = {"a": (1.0, 0.0), "b": (0.6, 0.8), "c": (0.8, -0.6)}
    scores = task.score(lambda texts: np.array([rows[text] for text in texts]))
    assert scores["pearson"] == pytest.approx(np.corrcoef([0.6, 0.8, 0.0], [2, 5, 0])[0, 1])
    assert scores["spearman"] == pytest.approx(1.0)


def test_the_cosine_of_stacked_vectors_is_the_mean_of_cosines() -> None:
    rng = np.random.default_rng(1)
    tables = [
        {name: scale * rng.normal(size=size) for name in "ab"}
        for scale, size in ((1, 3), (50, 7), (0.01, 2))
    ]

    def look_up(table: dict[str, np.ndarray]) -> object:
        return lambda texts: np.array([table[text] for text in texts])

    a, b = stacked([look_up(table) for table in tables])(["a", "b"])  # type: ignore[misc]
    cosines = [
        table["a"] @ table["b"] / np.linalg.norm(table["a"]) / np.linalg.norm(table["b"])
        for table in tables
    ]
    assert a @ b / (a @ a) == pytest.approx(np.mean(cosines))
    with pytest.raises(ValueError, match="at least one encoder"):
        stacked([])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("first\tsecond\tscore\na\ta\t1\n", "judgement 0 compares 'a' with itself"),
        ("first\tsecond\tscore\na\tb\thigh\n", "judgement 0: the score 'high'"),
        ("first\tsecond\tscore\na\tb\t1\n", "two pairs at least"),
    ],
)
def test_bad_judgements_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "judged.tsv").write_text(text)
    spec = {"name": "human_similarity", "source": {"name": "tsv", "path": "judged.tsv"}}
    with pytest.raises(ValueError, match=message):
        make_task(tmp_path, spec)


def test_geometry_needs_translations() -> None:
    with pytest.raises(ValueError, match="two languages at least"):
        Geometry.from_sources({"en": [{"text": "a"}] * 3})
    with pytest.raises(ValueError, match=r"as many texts of each.*'de': 2"):
        Geometry.from_sources({"en": [{"text": "a"}] * 3, "de": [{"text": "a"}] * 2})
