"""STS and bitext against slow definitions, and the contract of all tasks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse, stats

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.bitext import Bitext, margins
from pixel_linguist.evaluate.build import make_task, make_tasks
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.classification import Classification
from pixel_linguist.evaluate.pair_classification import PairClassification
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.similarity import (
    Embed,
    checked_vectors,
    cosine_matrix,
    paired_cosine,
)
from pixel_linguist.evaluate.sts import STS, STSYear
from pixel_linguist.evaluate.suite import Task, score_table, with_interval


def look_up(vectors: dict[str, Any]) -> Embed:
    """Return an embedding that looks texts up."""
    return lambda texts: np.array([vectors[text] for text in texts], np.float32)


def test_cosines_equal_a_loop_and_zero_rows_give_zero() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 7))
    a[2] = 0
    slow = np.array(
        [
            [x @ y / (np.sqrt(x @ x) * np.sqrt(y @ y)) if (x @ x) * (y @ y) else 0.0 for y in b]
            for x in a
        ]
    )
    for x, y in ((a, b), (sparse.csr_array(a), sparse.csr_array(b))):
        np.testing.assert_allclose(cosine_matrix(x, y), slow, atol=1e-12)
        np.testing.assert_allclose(paired_cosine(x, y), np.diag(slow), atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "word"), [([[1, np.nan], [1, 1]], "'a'"), ([[1, 1]], "shape"), ([1, 1], "shape")]
)
def test_embeddings_that_are_not_finite_or_not_whole_are_refused(rows: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        checked_vectors(lambda texts: np.array(rows, float), ["a", "b"])


def test_float16_embeddings_do_not_overflow() -> None:
    vectors = checked_vectors(lambda texts: np.full((2, 3), 6e4, np.float16), ["a", "b"])
    assert paired_cosine(vectors, vectors) == pytest.approx([1, 1])


def test_sts_is_the_correlation_of_ranks_with_ties_shared() -> None:
    angles = {"a": 0.0, "b": 0.3, "c": 0.9, "d": 0.9, "e": 2.0}
    vectors = {name: (np.cos(t), np.sin(t)) for name, t in angles.items()}
    task = STS(("a",) * 4, ("b", "c", "d", "e"), (5.0, 1.0, 3.0, 2.0))
    scores = task.score(look_up(vectors))
    # Cosines rank b 4, c and d 2.5 each, e 1; gold ranks are 4, 1, 3, 2.
    expected = np.corrcoef([4, 2.5, 2.5, 1], [4, 1, 3, 2])[0, 1]
    assert scores["spearman"] == pytest.approx(expected, abs=1e-6)
    cosines = [np.cos(angles[x]) for x in "bcde"]
    assert scores["pearson"] == pytest.approx(np.corrcoef(cosines, task.gold)[0, 1], abs=1e-6)
    assert set(task.score(lambda texts: np.ones((len(texts), 4))).values()) == {0.0}


def test_a_year_is_scored_set_by_set_and_concatenated(shared: Path) -> None:
    data = shared / "data"
    task = make_task(data, find_tasks(data)["sts13"])
    assert isinstance(task, STSYear) and list(task.sets) == ["FNWN", "OnWN", "headlines"]
    embed = tfidf_embed(task)
    scores = task.score(embed)
    cosines, gold, each = [], [], []
    for name, part in task.sets.items():
        cosines.append(paired_cosine(embed(part.sentence1), embed(part.sentence2)))
        gold.append(part.gold)
        each.append(stats.spearmanr(cosines[-1], part.gold).statistic)
        assert scores[f"spearman/{name}"] == pytest.approx(each[-1], abs=1e-10)
    together = stats.spearmanr(np.concatenate(cosines), np.concatenate(gold)).statistic
    assert scores["spearman_concatenated"] == pytest.approx(together, abs=1e-10)
    assert scores["spearman_mean"] == pytest.approx(np.mean(each), abs=1e-10)
    assert task.note == ""
    assert "headlines" in STSYear({"FNWN": task.sets["FNWN"]}, "sts13").note


def test_bitext_counts_both_directions_and_accepts_duplicates() -> None:
    vectors = {"a": (1, 0, 0), "b": (0, 1, 0), "c": (0.6, 0.8, 0)}
    vectors |= {"x": (1, 0.1, 0), "y": (0, 0.2, 1), "z": (0, 1, 0)}
    scores = Bitext(tuple("abc"), tuple("xyz")).score(look_up(vectors))
    # a→x is right, b→z wrong, c→z right; x→a right, y→b right, z→b wrong.
    for name in ("accuracy_forward", "accuracy_backward", "accuracy"):
        assert scores[name] == pytest.approx(2 / 3)
    twice = Bitext(("a", "a"), ("x", "x"))
    assert twice.score(look_up(vectors))["accuracy"] == 1.0


def test_margins_equal_their_definition_and_lower_hubs() -> None:
    rng = np.random.default_rng(1)
    cosines = rng.uniform(0.1, 1, size=(7, 5))
    found = margins(cosines)
    for i, j in np.ndindex(7, 5):
        across = sorted(cosines[i], reverse=True)[:4]
        down = sorted(cosines[:, j], reverse=True)[:4]
        assert found[i, j] == pytest.approx(cosines[i, j] / (sum(across) / 8 + sum(down) / 8))
    rows = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    hub = rows.sum(axis=0) / np.sqrt(8)
    first = {f"a{i}": row + 1.2 * hub for i, row in enumerate(rows)}
    second = {f"b{i}": row for i, row in enumerate(rows[:7])} | {"b7": hub}
    scores = Bitext(tuple(first), tuple(second)).score(look_up(first | second))
    assert scores["margin_accuracy"] == 1.0 > scores["accuracy"]


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


WORDS = tuple(f"w{number}" for number in range(30))
TASKS: list[Task] = [
    STS(WORDS, WORDS[::-1], tuple(map(float, range(30)))),
    STSYear({"all": STS(WORDS, WORDS[::-1], tuple(map(float, range(30))))}, "sts13"),
    Bitext(WORDS, WORDS[::-1]),
    PairClassification(WORDS, WORDS[::-1], (0, 1) * 15),
    Classification(WORDS, ("x", "y") * 15, WORDS, ("x", "y") * 15),
    Retrieval(dict.fromkeys(WORDS, "d"), {w: w for w in WORDS}, {w: {w: 1} for w in WORDS}),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_texts_are_embedded_once_for_scores_and_interval(task: Task) -> None:
    asked = 0

    def embed(texts: Sequence[str]) -> np.ndarray:
        nonlocal asked
        asked += len(texts)
        rng = np.random.default_rng(0)
        rows = {text: rng.normal(size=6) for text in ("d", *WORDS)}
        return np.array([rows[text] for text in texts])

    scores = with_interval(task, embed)
    assert asked == len(task.texts())
    low, high = (scores.pop(f"{task.metric}_{end}") for end in ("low", "high"))
    assert low <= scores[task.metric] <= high
    assert scores == task.score(embed)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_an_attack_perturbs_queries_alone(task: Task) -> None:
    attacked = task.attacked(lambda texts: tuple(text.upper() for text in texts))
    changed = [a != b for a, b in zip(task.texts(), attacked.texts(), strict=True)]
    assert sum(changed) == 30
    known = dict.fromkeys(WORDS, 0) if isinstance(task, Retrieval) else set(WORDS)
    assert sum(text in known for text in attacked.texts()) in (0, 30)


def test_a_score_that_is_not_finite_is_refused() -> None:
    class Broken(STS):
        def measure(self, embed: Embed) -> Any:
            return super().measure(embed)._replace(scores={"spearman": float("nan")})

    with pytest.raises(ValueError, match="spearman"):
        Broken(("a", "b"), ("c", "d"), (1.0, 2.0)).score(lambda texts: np.eye(len(texts)))


TSV = {"name": "tsv", "path": "a.tsv"}


@pytest.mark.parametrize(
    ("spec", "error", "word"),
    [
        ({"name": "sst", "source": TSV}, ValueError, "'sts'"),
        ({"name": "sts", "sorce": TSV}, ValueError, "'source'"),
        ({"name": "sts"}, ValueError, "'source'"),
        ({"name": "bitext", "source": TSV}, ValueError, "'first'"),
        ({"name": "sts", "source": {**TSV, "path": "none.tsv"}}, FileNotFoundError, "none"),
        ({"name": "sts", "source": {**TSV, "path": "words.tsv"}}, ValueError, "sentence2"),
        ({"name": "sts", "source": TSV}, ValueError, "record 1.*'high'"),
        ({"name": "sts", "source": {**TSV, "path": "nan.tsv"}}, ValueError, "finite"),
        ({"name": "sts", "source": {**TSV, "path": "de.tsv"}, "highest": 4}, ValueError, r"\.4"),
        ({"name": "sts", "source": TSV, "second": {**TSV, "path": "nan.tsv"}}, ValueError, "2 rec"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, spec: dict[str, Any], error: type[Exception], word: str
) -> None:
    head = "sentence1\tsentence2\tscore\n"
    (tmp_path / "a.tsv").write_text(f"{head}a\tb\t1\nc\td\thigh\n")
    (tmp_path / "nan.tsv").write_text(f"{head}a\tb\tnan\n")
    (tmp_path / "de.tsv").write_text(f"{head}Katze\tHund\t1\nA\tSonne\t5\n")
    (tmp_path / "words.tsv").write_text("sentence1\tscore\na\t1\n")
    with pytest.raises(error, match=word):
        make_tasks(tmp_path, {"mine": spec})
    across = {"source": {**TSV, "path": "de.tsv"}, "second": TSV}
    assert make_task(tmp_path, {"name": "sts", **across}).texts() == ["Katze", "A", "b", "d"]


def test_tasks_are_found_and_chosen_by_pattern(tmp_path: Path) -> None:
    for path in (
        "sts/stsb/en/test.tsv", "sts/stsb/de/test.tsv", "sts/sts12/OnWN.tsv", "sts/sickr/test.tsv",
        "bitext/tatoeba/deu-eng.tsv", "paraphrase/mrpc/dev.tsv", "retrieval/small/qrels/test.tsv",
    ):  # fmt: skip
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(
            "label\tscore\tsentence1\tsentence2\tdeu\teng\n0\t1\ta\tb\tc\td\n"
            "1\t5\tA dog is chasing a cat\tf\tg\th\n"
        )
    found = find_tasks(tmp_path)
    assert list(choose_tasks(found, ["tatoeba-*", "stsb-??"])) == [
        "tatoeba-deu", "stsb-en", "stsb-de"
    ]  # fmt: skip
    small = {"name": "retrieval", "folder": "retrieval/small"}
    assert (found.pop("small"), found.pop("typos-small")["task"]) == (small, small)
    assert set(make_tasks(tmp_path, found)) == {
        "stsb-en", "stsb-de", "stsb-en-de", "robustness-en", "robustness-de", "mrpc", "sickr",
        "robustness-curves-en", "robustness-curves-de", "geometry-stsb", "sts12", "tatoeba-deu",
            "pictures-en", "pictures-worn-en", "pictures-page-en", "word-order", "negation",
    }  # fmt: skip
    with pytest.raises(ValueError, match="'stsb-en'"):
        choose_tasks(found, ["stsb-eng"])
    with pytest.raises(FileNotFoundError, match="nothing"):
        find_tasks(tmp_path / "nothing")


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
