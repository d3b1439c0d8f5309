"""Margins and mined pairs against loops over all pairs."""

from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.evaluate.bitext import Bitext, margins
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.mining import BitextMining


def test_margins_equal_their_definition() -> None:
    cosines = np.random.default_rng(0).uniform(0.1, 1, size=(7, 5))
    found = margins(cosines)
    for i, j in np.ndindex(7, 5):
        across = sorted(cosines[i], reverse=True)[:4]
        down = sorted(cosines[:, j], reverse=True)[:4]
        expected = cosines[i, j] / (sum(across) / 8 + sum(down) / 8)
        assert found[i, j] == pytest.approx(expected, rel=1e-12)


def test_margin_holds_down_a_sentence_that_is_near_to_everything() -> None:
    rng = np.random.default_rng(1)
    rows = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    hub = rows.mean(axis=0)
    first = {f"a{i}": row + 0.6 * hub for i, row in enumerate(rows)}
    second = {f"b{i}": row for i, row in enumerate(rows[:7])} | {"b7": 9 * hub + 0.3 * rows[7]}
    vectors = first | second
    task = Bitext(tuple(first), tuple(second))
    scores = task.score(lambda texts: np.array([vectors[text] for text in texts]))
    assert scores["margin_accuracy_forward"] >= scores["accuracy_forward"]
    assert scores["margin_accuracy"] == 1.0


def test_mined_pairs_equal_a_greedy_loop() -> None:
    rng = np.random.default_rng(2)
    shared_rows = rng.normal(size=(6, 4))
    vectors = {f"a{i}": row for i, row in enumerate([*shared_rows, *rng.normal(size=(9, 4))])}
    vectors |= {
        f"b{i}": row + 0.3 * rng.normal(size=4)
        for i, row in enumerate([*shared_rows, *rng.normal(size=(5, 4))])
    }
    first = tuple(name for name in vectors if name[0] == "a")
    second = tuple(name for name in vectors if name[0] == "b")
    gold = frozenset((i, i) for i in range(6))
    task = BitextMining(first, second, gold)
    scores = task.score(lambda texts: np.array([vectors[text] for text in texts]))

    a, b = (np.array([vectors[name] for name in side]) for side in (first, second))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    values = margins(a @ b.T)
    left = {
        (i, j)
        for i, j in np.ndindex(values.shape)
        if values[i, j] in (values[i].max(), values[:, j].max())
    }
    taken: list[tuple[int, int]] = []
    best = (0.0, 0.0, 0.0)
    while left:
        i, j = max(left, key=lambda pair: values[pair])
        taken.append((i, j))
        left = {(x, y) for x, y in left if x != i and y != j}
        right = len(gold & set(taken))
        precision, recall = right / len(taken), right / len(gold)
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        best = max(best, (f1, precision, recall), key=lambda figures: figures[0])
    assert (scores["f1"], scores["precision"], scores["recall"]) == pytest.approx(best)
    assert 0.5 < scores["f1"] <= 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "id\ttext\n1\tx\n1\ty\n", "the first collection has the id '1' twice"),
        ("b.tsv", "text\nx\n", "second collection has no column 'id'"),
        ("gold.tsv", "first\tsecond\n1\t9\n", "gold pair 0 names '9', which the second"),
    ],
)
def test_bad_collections_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "a.tsv").write_text("id\ttext\n1\tx\n")
    (tmp_path / "b.tsv").write_text("id\ttext\n2\tx\n")
    (tmp_path / "gold.tsv").write_text("first\tsecond\n1\t2\n")
    spec = {
        "name": "mining",
        **{key: {"name": "tsv", "path": f"{file}.tsv"}
           for key, file in (("first", "a"), ("second", "b"), ("gold", "gold"))},
    }  # fmt: skip
    assert make_task(tmp_path, spec).texts() == ["x", "x"]
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        make_task(tmp_path, spec)
