"""Retrieval against trec_eval, and mistakes in a folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.similarity import cosine_matrix

NAMES = {
    "ndcg@10": "ndcg_cut_10",
    **{f"recall@{cut}": f"recall_{cut}" for cut in (1, 5, 10, 100)},
    "map": "map",
    **{f"map@{cut}": f"map_cut_{cut}" for cut in (5, 20)},
    **{f"hit@{cut}": f"success_{cut}" for cut in (1, 5, 20)},
}


def trec_eval(task: Retrieval, embed: Callable[..., Any]) -> dict[str, float]:
    """Score a task with trec_eval itself."""
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="pytrec-eval-terrier is in extra test")
    vectors = embed(task.texts())
    scores = cosine_matrix(vectors[: len(task.queries)], vectors[len(task.queries) :])
    run = {
        query: {document: float(s) for document, s in zip(task.corpus, row, strict=True)}
        for query, row in zip(task.queries, scores.astype(np.float32), strict=True)
    }
    judgements = {query: dict(grades) for query, grades in task.judgements.items()}
    each = pytrec_eval.RelevanceEvaluator(
        judgements,
        {"ndcg_cut_10", "recall_1,5,10,100", "map", "recip_rank", "map_cut_5,20", "success_1,5,20"},
    ).evaluate(run)
    found = {
        name: float(np.mean([each[query][theirs] for query in judgements]))
        for name, theirs in NAMES.items()
    }
    ranks = [each[query]["recip_rank"] for query in judgements]
    # trec_eval has no cut of the reciprocal rank.
    return found | {"mrr@10": float(np.mean([r if r >= 0.1 - 1e-9 else 0.0 for r in ranks]))}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.integers(1, 5))
def test_every_measure_equals_trec_eval(seed: int, documents: int, queries: int) -> None:
    rng = np.random.default_rng(seed)
    corpus = {str(name): f"d{name}" for name in rng.permutation(documents)}
    judged = {
        f"q{number}": {
            document: int(rng.integers(0, 4))
            for document in rng.choice(list(corpus), rng.integers(1, documents + 1), replace=False)
        }
        for number in range(queries)
    }
    task = Retrieval(corpus, {name: name for name in judged}, judged)
    # Few different vectors, so that many scores are equal.
    vectors = {text: rng.choice([0.0, 1.0], 3) for text in task.texts()}

    def embed(texts: Sequence[str]) -> np.ndarray:
        return np.array([vectors[text] for text in texts])

    expected = trec_eval(task, embed)
    scores = task.score(embed)
    assert scores == pytest.approx(expected, abs=1e-6)
    assert set(scores) == set(expected)


def beir(folder: Path, **changes: str) -> Path:
    """Write a tiny folder in BEIR's layout, with some of its files changed."""
    files = {
        "corpus": '{"_id": "1", "title": "Cats", "text": "sleep"}\n{"_id": "2", "text": "dogs"}\n',
        "queries": '{"_id": "a", "text": "cats?"}\n{"_id": "b", "text": "dogs?"}\n',
        "qrels": "query-id\tcorpus-id\tscore\na\t1\t2\n",
    } | changes
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(files["corpus"])
    (folder / "queries.jsonl").write_text(files["queries"])
    (folder / "qrels" / "test.tsv").write_text(files["qrels"])
    return folder


def test_a_folder_is_read_as_beir_reads_it(tmp_path: Path) -> None:
    corpus = (
        '{"_id": 7, "title": null, "text": "a text"}\n{"_id": "8", "title": "Cats", "text": "b"}\n'
    )
    qrels = "query-id\tcorpus-id\tscore\na\t7\t2.0\na\t8\t-1\n"
    task = Retrieval.from_folder(beir(tmp_path, corpus=corpus, qrels=qrels))
    assert task.corpus == {"7": "a text", "8": "Cats b"}
    # Queries without judgements are not scored.
    assert task.queries == {"a": "cats?"}
    assert task.judgements == {"a": {"7": 2, "8": -1}}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"corpus": ""}, "records"),
        ({"corpus": '{"_id": "1"}\n'}, "line 1.*'text'"),
        ({"corpus": json.dumps({"_id": "1", "text": ""}) + "\n{"}, "line 2.*JSON"),
        ({"corpus": '{"_id": 1, "text": ""}\n' * 2}, "line 2.*repeated"),
        ({"qrels": "query-id\tcorpus-id\tscore\n"}, "records"),
        ({"qrels": "query-id\tscore\na\t1\n"}, "corpus-id"),
        ({"qrels": "query-id\tcorpus-id\tscore\na\t3\t1\n"}, "document '3'"),
        ({"qrels": "query-id\tcorpus-id\tscore\nc\t1\t1\n"}, "query 'c'"),
        ({"qrels": "query-id\tcorpus-id\tscore\na\t1\tgood\n"}, "'good'"),
        ({"qrels": "query-id\tcorpus-id\tscore\na\t1\t0.5\n"}, "'0.5'"),
        ({"corpus": '{"_id": null, "text": "a"}\n'}, "line 1.*'_id'"),
        ({"queries": '{"_id": "a", "text": null}\n'}, "line 1.*'text'"),
        ({"corpus": '{"_id": "1", "title": ["A"], "text": "a"}\n'}, "line 1.*'title'"),
    ],
)
def test_mistakes_in_a_folder_are_named(tmp_path: Path, changes: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Retrieval.from_folder(beir(tmp_path, **changes))


def test_judged_documents_that_the_corpus_lacks_are_never_found(tmp_path: Path) -> None:
    qrels = "query-id\tcorpus-id\tscore\na\tgone\t3\na\t2\t1\na\tlost\t0\n"
    task = Retrieval.from_folder(beir(tmp_path, qrels=qrels))
    assert task.note.startswith("2 of 3")
    vectors = {"cats?": [1.0, 0.0], "Cats sleep": [0.0, 1.0], "dogs": [1.0, 0.0]}
    scores = task.score(lambda texts: np.array([vectors[text] for text in texts]))
    # The second of grades 3 and 1 is ranked first, and half of what is relevant is found.
    assert scores["ndcg@10"] == pytest.approx(1 / (3 + 1 / np.log2(3)))
    assert (scores["recall@100"], scores["map"], scores["mrr@10"]) == (0.5, 0.5, 1.0)
    assert Retrieval.from_folder(beir(tmp_path / "b")).note == ""


@pytest.mark.parametrize("title", ["", "An argument"])
def test_a_query_that_is_a_document_does_not_find_itself(title: str) -> None:
    """BEIR leaves such documents out of the ranking, but not out of the judgements."""
    texts = {"q1": "cats sleep", "q2": "dogs bark", "d": "cats doze"}
    corpus = {name: f"{title} {text}".strip() for name, text in texts.items()}
    queries = {"q1": "cats sleep", "q2": "dogs bark!"}
    judgements = {"q1": {"d": 1}, "q2": {"q2": 1, "q1": 1}}
    found = {"cats sleep": [1.0, 0.0], "dogs bark": [0.0, 1.0], "cats doze": [0.9, 0.1]}

    def embed(contents: Sequence[str]) -> np.ndarray:
        plain = [text.removeprefix(title).strip(" !").lower() for text in contents]
        return np.array([found[text] for text in plain])

    task = Retrieval(corpus, queries, judgements)
    observations = task.measure(embed).observations
    assert observations is not None
    first, second = observations.values[0]
    # Of two relevant documents the second query finds one, behind "d".
    assert first == 1.0
    assert second == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert task.attacked(lambda texts: tuple(text.upper() for text in texts)).shared_ids


def test_ids_that_are_alike_by_chance_are_different_texts(shared: Path) -> None:
    task = Retrieval.from_folder(shared / "data/retrieval/cranfield")
    assert set(task.queries) & set(task.corpus) and not task.shared_ids
