"""Pair classification and classification against loops and scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.neighbors import KNeighborsClassifier

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.classification import Classification
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.segmentation import Segmentation
from pixel_linguist.evaluate.similarity import Embed


def circle(angles: dict[str, float]) -> Embed:
    """Return an embedding of names on the unit circle."""
    return lambda texts: np.array([(np.cos(angles[t]), np.sin(angles[t])) for t in texts])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=3, max_size=30))
def test_measures_of_pairs_equal_scikit_learn_and_loops_with_ties(
    pairs: list[tuple[int, int]],
) -> None:
    pairs += [(0, 0), (5, 1)]
    angles = {f"p{angle}": 0.2 * angle for angle, _ in pairs} | {"zero": 0.0}
    labels = np.array([label for _, label in pairs])
    second = tuple(f"p{angle}" for angle, _ in pairs)
    scores = PairClassification(("zero",) * len(pairs), second, tuple(labels)).score(circle(angles))
    cosines = np.array([-angle for angle, _ in pairs])
    expected = metrics.average_precision_score(labels, cosines)
    assert scores["average_precision"] == pytest.approx(expected, abs=1e-12)
    taken = [cosines >= threshold for threshold in {*cosines, 1}]
    assert scores["accuracy"] == pytest.approx(max((take == labels).mean() for take in taken))
    f1 = [metrics.f1_score(labels, take, zero_division=0) for take in taken]
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
    assert task.score(circle(angles)) == {"accuracy": 1.0, "f1": 1.0, "knn_accuracy": 1.0}
    wrong = Classification(names, labels, names[:10], labels[10:])
    assert set(wrong.score(circle(angles)).values()) == {0.0}


def test_neighbours_vote_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    rows = {f"t{i}": row for i, row in enumerate(rng.normal(size=(80, 3)))}
    names = tuple(rows)
    # Of two classes five votes have no tie.
    labels = tuple(str(int(row[0] + rng.normal() > 0)) for row in rows.values())
    task = Classification(names[:50], labels[:50], names[50:], labels[50:])
    theirs = KNeighborsClassifier(5, metric="cosine").fit([*rows.values()][:50], labels[:50])
    found = task.score(lambda texts: np.array([rows[text] for text in texts]))
    assert found["knn_accuracy"] == theirs.score([*rows.values()][50:], labels[50:])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("label\tsentence1\tsentence2\n2\ta\tb\n", "pair 0"),
        ("label\tsentence1\tsentence2\n1\ta\tb\n", "label"),
        ("label\tsentence1\n1\ta\n0\ta\n", "sentence2"),
    ],
)
def test_bad_labels_of_pairs_are_refused(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "a.tsv").write_text(text)
    spec = {"name": "pair_classification", "source": {"name": "tsv", "path": "a.tsv"}}
    with pytest.raises(ValueError, match=word):
        make_task(tmp_path, spec)


@pytest.mark.parametrize(
    ("train", "test", "word"), [("xy", "z", "'z'"), ("xx", "x", "'x'"), ("", "x", "training")]
)
def test_labels_that_cannot_be_learned_are_refused(train: str, test: str, word: str) -> None:
    sources = ([{"text": "t", "label": label} for label in labels] for labels in (train, test))
    with pytest.raises(ValueError, match=word):
        Classification.from_sources(*sources)


def test_a_document_is_segmented_by_tfidf() -> None:
    topics = (("red apple", "green apple", "apple pie"), ("fast car", "slow car", "car race"))
    task = Segmentation((tuple(x for topic in topics for x in topic),), (np.arange(5) == 2,))
    assert task.score(tfidf_embed(task))["count_f1"] == 1.0
