"""Tasks against slow definitions, in every order and with ties and duplicates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.build import make_task, make_tasks
from pixel_linguist.evaluate.similarity import cosine_matrix, paired_cosine
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.suite import evaluate_tasks, score_table


def table(vectors: dict[str, Any]) -> Any:
    """Return an embedding that looks texts up."""
    return lambda texts: np.array([vectors[text] for text in texts], np.float32)


def test_cosines_equal_a_loop_and_zero_rows_give_zero() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 7)), rng.normal(size=(5, 7))
    a[2] = 0
    slow = np.array(
        [
            [x @ y / (np.sqrt(x @ x) * np.sqrt(y @ y)) if (x @ x) * (y @ y) else 0.0 for y in b]
            for x in a
        ]
    )
    np.testing.assert_allclose(cosine_matrix(a, b), slow, atol=1e-12)
    np.testing.assert_allclose(paired_cosine(a, b), np.diag(slow), atol=1e-12)
    sparse_a, sparse_b = sparse.csr_array(a), sparse.csr_array(b)
    np.testing.assert_allclose(cosine_matrix(sparse_a, sparse_b), slow, atol=1e-12)
    np.testing.assert_allclose(paired_cosine(sparse_a, sparse_b), np.diag(slow), atol=1e-12)


def test_sts_is_the_correlation_of_ranks_with_ties_shared() -> None:
    angles = {"a": 0.0, "b": 0.3, "c": 0.9, "d": 0.9, "e": 2.0}
    vectors = {name: (np.cos(t), np.sin(t)) for name, t in angles.items()}
    task = STS(("a",) * 4, ("b", "c", "d", "e"), (5.0, 1.0, 3.0, 2.0))
    scores = task.score(table(vectors))
    # Cosines rank b 4, c and d 2.5 each, e 1; gold ranks are 4, 1, 3, 2.
    expected = np.corrcoef([4, 2.5, 2.5, 1], [4, 1, 3, 2])[0, 1]
    assert scores["spearman"] == pytest.approx(expected, abs=1e-6)
    cosines = [np.cos(angles[x]) for x in "bcde"]
    assert scores["pearson"] == pytest.approx(np.corrcoef(cosines, task.gold)[0, 1], abs=1e-6)


def test_sts_of_vectors_all_alike_is_zero() -> None:
    task = STS(("a", "b", "c"), ("b", "c", "a"), (1.0, 2.0, 3.0))
    scores = task.score(lambda texts: np.ones((len(texts), 4)))
    assert scores == {"spearman": 0.0, "pearson": 0.0}


def test_bitext_counts_both_directions_and_accepts_duplicates() -> None:
    vectors = {"a": (1, 0, 0), "b": (0, 1, 0), "c": (0.6, 0.8, 0)}
    vectors |= {"x": (1, 0.1, 0), "y": (0, 0.2, 1), "z": (0, 1, 0)}
    task = Bitext(("a", "b", "c"), ("x", "y", "z"))
    scores = task.score(table(vectors))
    # a→x is right, b→z wrong, c→z right; x→a right, y→b right, z→b wrong.
    assert scores["accuracy_forward"] == pytest.approx(2 / 3)
    assert scores["accuracy_backward"] == pytest.approx(2 / 3)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    twice = Bitext(("a", "a"), ("x", "x"))
    assert twice.score(table(vectors))["accuracy"] == 1.0


def test_bitext_reversed_exchanges_the_directions() -> None:
    rng = np.random.default_rng(1)
    vectors = {name: rng.normal(size=4) for name in "abcdefgh"}
    first, second = tuple("abcd"), tuple("efgh")
    scores = Bitext(first, second).score(table(vectors))
    back = Bitext(second, first).score(table(vectors))
    assert scores["accuracy_forward"] == back["accuracy_backward"]
    assert scores["accuracy_backward"] == back["accuracy_forward"]


def test_tfidf_equals_its_definition() -> None:
    texts = ("ab", "abc")
    vectors = tfidf_embed(Bitext(texts, texts))(texts).toarray()
    grams = [{" a", "ab", "b ", " ab", "ab ", " ab "}]
    grams.append({" a", "ab", "bc", "c ", " ab", "abc", "bc ", " abc", "abc "})
    vocabulary = sorted(grams[0] | grams[1])
    # Both texts occur twice in the task: idf = ln((1 + 4) / (1 + df)) + 1.
    df = {gram: 2 * sum(gram in g for g in grams) for gram in vocabulary}
    slow = np.array(
        [[(np.log(5 / (1 + df[w])) + 1) if w in g else 0.0 for w in vocabulary] for g in grams]
    )
    slow /= np.linalg.norm(slow, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, slow @ slow.T, atol=1e-12)


def test_world_tasks_by_name() -> None:
    source = {"name": "toy", "split": "dev", "size": 40, "seed": 0}
    specs = {
        "sts": {"name": "sts", "source": {**source, "task": "similarity", "languages": ("en",)}},
        "pairs": {
            "name": "bitext",
            "source": {**source, "task": "parallel", "languages": ("en", "vel")},
            "first": "sentence1",
            "second": "sentence2",
        },
    }
    tasks = make_tasks("", specs)
    rng = np.random.default_rng(0)

    def embed(texts: Sequence[str]) -> np.ndarray:
        assert len(texts) == 80
        return rng.normal(size=(len(texts), 8))

    scores = evaluate_tasks(tasks, embed)
    assert set(scores) == {"sts", "pairs"}
    assert abs(scores["sts"]["spearman"]) < 0.6 and scores["pairs"]["accuracy"] < 0.3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"name": "sst", "source": {"name": "tsv", "path": "a.tsv"}},
            "no task 'sst'.*sts, sts_year, bitext",
        ),
        ({"name": "sts", "source": {"name": "tsv", "path": "b.tsv"}}, "no file"),
        ({"name": "sts", "source": {"name": "tsv", "path": "words.tsv"}}, "column 'sentence2'"),
        ({"name": "sts", "source": {"name": "tsv", "path": "a.tsv"}}, "record 1.*'high'"),
        ({"name": "sts", "source": {"name": "tsv", "path": "nan.tsv"}}, "record 0.*finite"),
        ({"name": "bitext", "source": {"name": "tsv", "path": "a.tsv"}}, "first.*second"),
    ],
)
def test_bad_tasks_are_refused(tmp_path: Any, spec: dict[str, Any], message: str) -> None:
    (tmp_path / "a.tsv").write_text("sentence1\tsentence2\tscore\na\tb\t1\nc\td\thigh\n")
    (tmp_path / "nan.tsv").write_text("sentence1\tsentence2\tscore\na\tb\tnan\n")
    (tmp_path / "words.tsv").write_text("sentence1\tscore\na\t1\n")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        make_task(tmp_path, spec)


def test_score_table_shows_every_value_and_breaks_wide_tables() -> None:
    names = [f"sts-{code}" for code in ("en", "de", "fr", "it", "zh")]
    rows = {
        "untrained": {name: {"spearman": 0.1 * i} for i, name in enumerate(names)},
        "nli": {name: {"spearman": -0.25} for name in names[:-1]},
    }
    text = score_table(rows, dict.fromkeys(names, "spearman") | {"en-de": "accuracy"}, width=40)
    assert max(map(len, text.splitlines())) <= 40
    for shown in ("spearman", "accuracy", *names, "en-de", "untrained", "0.400", "-0.250", " -"):
        assert shown in text
    lines = text.splitlines()
    row = next(line for line in lines if line.startswith("untrained"))
    head = lines[lines.index(row) - 1]
    assert head.index("sts-de") + len("sts-de") == row.index("0.100") + len("0.100")
