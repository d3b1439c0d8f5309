"""Tasks with labels: pairs, classes, clusters."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.classification import Classification
from pixel_linguist.evaluate.clustering import Clustering
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.similarity import Embed


def circle(angles: dict[str, float]) -> Embed:
    """Return an embedding of names on the unit circle."""
    return lambda texts: np.array([(np.cos(angles[t]), np.sin(angles[t])) for t in texts])


def test_average_precision_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    angles = {f"p{i}": float(a) for i, a in enumerate(rng.permutation(12) * 0.2)} | {"zero": 0.0}
    labels = tuple(int(label) for label in rng.integers(0, 2, 12))
    task = PairClassification(("zero",) * 12, tuple(angles)[:12], labels)
    scores = task.score(circle(angles))
    ranked = [labels[i] for i in sorted(range(12), key=lambda i: angles[f"p{i}"])]
    hits = [n for n, label in enumerate(ranked, start=1) if label]
    precisions = [count / place for count, place in enumerate(hits, start=1)]
    assert scores["average_precision"] == pytest.approx(np.mean(precisions), abs=1e-12)
    # The best of all thresholds, one after each place.
    right = [sum(ranked[:n]) + ranked[n:].count(0) for n in range(13)]
    assert scores["accuracy"] == pytest.approx(max(right) / 12)
    f1 = [2 * sum(ranked[:n]) / (n + sum(labels)) for n in range(1, 13)]
    assert scores["f1"] == pytest.approx(max(f1))


def test_mrpc_is_read_and_scored(shared: Path) -> None:
    source = {"name": "tsv", "path": "paraphrase/mrpc/dev.tsv"}
    task = make_task(shared / "data", {"name": "pair_classification", "source": source})
    scores = task.score(tfidf_embed(task))
    assert len(task.texts()) == 1000
    # Two in three pairs are paraphrases.
    assert 0.75 < scores["average_precision"] < 0.95 and scores["accuracy"] > 0.66


def test_a_probe_separates_what_a_line_separates() -> None:
    angles = {f"t{i}": i * 0.1 for i in range(20)}
    names = tuple(angles)
    labels = tuple("left" if i < 10 else "right" for i in range(20))
    task = Classification(names, labels, names, labels)
    assert task.score(circle(angles)) == {"accuracy": 1.0, "f1": 1.0}
    wrong = Classification(names, labels, names[:10], labels[10:])
    assert wrong.score(circle(angles))["accuracy"] == 0.0
    assert wrong.observe(circle(angles)).values[0].tolist() == [0.0] * 10


def test_v_measure_equals_its_definition_on_clusters_that_are_certain() -> None:
    angles = {f"t{i}": i // 10 * 2.0 + i * 0.001 for i in range(30)}
    clusters = [group for group in range(3) for _ in range(10)]
    labels = [str(min(group, 1)) if i % 10 else "x" for i, group in enumerate(clusters)]
    scores = Clustering(tuple(angles), tuple(labels)).score(circle(angles))

    def entropy(*keys: list[int] | list[str]) -> float:
        rows = list(zip(*keys, strict=True))
        shares = [rows.count(key) / len(rows) for key in set(rows)]
        return -sum(share * np.log(share) for share in shares)

    joint = entropy(labels, clusters)
    homogeneity = 1 - (joint - entropy(clusters)) / entropy(labels)
    completeness = 1 - (joint - entropy(labels)) / entropy(clusters)
    expected = 2 * homogeneity * completeness / (homogeneity + completeness)
    # k-means is asked for as many clusters as there are labels, three.
    assert len(set(labels)) == 3
    assert scores["v_measure"] == pytest.approx(expected, abs=1e-9)


def test_a_change_touches_what_is_asked_and_not_what_is_known() -> None:
    def shout(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(text.upper() for text in texts)

    pairs = PairClassification(("a",), ("b",), (1,)).changed(shout)
    assert (pairs.sentence1, pairs.sentence2) == (("a",), ("B",))
    classes = Classification(("a", "b"), ("0", "1"), ("c",), ("0",)).changed(shout)
    assert (classes.train_texts, classes.test_texts) == (("a", "b"), ("C",))
    assert Clustering(("a", "b"), ("0", "1")).changed(shout).texts() == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pair_classification", "label\tsentence1\tsentence2\n2\ta\tb\n", "pair 0: the label '2'"),
        ("pair_classification", "label\tsentence1\tsentence2\n1\ta\tb\n", "all 1 labels are 1"),
        ("pair_classification", "label\tsentence1\n1\ta\n", "pair 0 has no column 'sentence2'"),
        ("clustering", "label\ttext\nx\ta\nx\tb\n", "all 2 texts have the label 'x'"),
        ("clustering", "text\na\n", "record 0 has no column 'label'"),
    ],
)
def test_bad_labels_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(ValueError, match=message):
        make_task(tmp_path, {"name": name, "source": {"name": "tsv", "path": "a.tsv"}})


def test_labels_of_test_texts_must_be_known(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("label\ttext\nx\ta\ny\tb\n")
    (tmp_path / "test.tsv").write_text("label\ttext\nz\tc\n")
    spec = {key: {"name": "tsv", "path": f"{key}.tsv"} for key in ("train", "test")}
    with pytest.raises(ValueError, match="no training text has the label 'z'"):
        make_task(tmp_path, {"name": "classification", **spec})
