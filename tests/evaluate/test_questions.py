"""Word order, negation, misspelled words, frozen indexes, transfer, and tables that go out."""

import csv
import io
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.baselines import encoder_embed
from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.evaluate.calibration import csls
from pixel_linguist.evaluate.catalogue import find_tasks
from pixel_linguist.evaluate.peers import SpellingEncoder, frozen_index, load_peer
from pixel_linguist.evaluate.retrieval import Retrieval
from pixel_linguist.evaluate.score_sheet import ScoreSheet
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.evaluate.transfer import languages_of, mark, relation
from pixel_linguist.evaluate.triplets import Triplets, exchange, negate
from pixel_linguist.render import Renderer


def letters(texts: Sequence[str]) -> np.ndarray:
    """Return counts of letters: a bag, in which order has no part."""
    return np.array(
        [[text.lower().count(x) for x in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
    )


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (exchange, "The old dog is slowly chasing a cat.", "A cat is slowly chasing the old dog"),
        (exchange, "A man is walking", None),
        (exchange, "A man and a woman is watching a film", None),
        (exchange, "Dogs are chasing cats", None),
        (negate, "Two dogs are running", "Two dogs are not running"),
        (negate, "No dog is running", None),
        (negate, "A dog that is wet is running", None),
    ],
)
def test_meanings_are_changed_only_where_the_grammar_is_sure(
    change: Any, text: str, expected: str | None
) -> None:
    assert change(text) == expected


def test_a_bag_of_letters_never_tells_who_chases_whom() -> None:
    pair = {
        "sentence1": "A dog is chasing a cat",
        "sentence2": "A hound is after a cat",
        "score": 5,
    }
    source = [pair, pair | {"score": 1}, pair | {"sentence1": "A dog runs"}]
    task = Triplets.from_source(source, change="exchange")
    assert task.changed == ("A cat is chasing a dog",)
    scores = task.score(letters)
    assert scores["accuracy"] == 0 and scores["changed"] == pytest.approx(1)
    assert task.score(lambda texts: np.array([[1, "A cat is" in text] for text in texts]))[
        "accuracy"
    ] == 1  # fmt: skip
    with pytest.raises(ValueError, match="score"):
        Triplets.from_source(source[1:2], change="exchange")


def test_csls_and_ranks_equal_a_loop() -> None:
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-1, 1, (12, 11))
    for i, j in ((0, 0), (7, 3)):
        density = np.sort(cosines[i])[-10:].mean() + np.sort(cosines[:, j])[-10:].mean()
        assert csls(cosines)[i, j] == pytest.approx(2 * cosines[i, j] - density)
    vectors = {x: rng.normal(size=5) for x in "abcxyz"}
    task = Bitext(("a", "b", "c"), ("x", "y", "x"))
    scores = task.score(lambda texts: np.array([vectors[text] for text in texts]))

    def cosine(a: str, b: str) -> float:
        x, y = vectors[a], vectors[b]
        return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))

    ranks = [1 + sum(cosine(a, x) > cosine(a, b) for x in "xy") for a, b in ("ax", "by", "cx")]
    assert scores["rank_forward"] == np.median(ranks)
    assert scores["mrr_forward"] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert scores["cosine"] == pytest.approx(np.mean([cosine(*x) for x in ("ax", "by", "cx")]))
    # An encoder to which all texts are alike has found nothing.
    alike = Bitext(tuple("abcde"), tuple("vwxyz")).score(lambda texts: np.ones((len(texts), 2)))
    assert alike["rank_forward"] == 3 and alike["mrr_forward"] == pytest.approx(1 / 3)


def test_queries_meet_an_index_that_another_encoder_made() -> None:
    task = Retrieval(
        {"1": "dog", "2": "cat"}, {"q": "dgo", "r": "tca"}, {"q": {"1": 1}, "r": {"2": 1}}
    )
    asked: dict[str, list[str]] = {"queries": [], "documents": []}

    def contender(name: str, width: int = 26) -> Any:
        def encode(texts: list[str]) -> np.ndarray:
            asked[name] += texts
            return letters(texts)[:, :width]

        return encoder_embed(types.SimpleNamespace(encode=encode))

    joined = frozen_index(contender("queries"), contender("documents"))
    assert task.score(joined(task))["recall@1"] == 1
    assert asked == {"queries": ["dgo", "tca"], "documents": ["dog", "cat"]}
    assert joined(STS(("a",), ("b",), (1.0,))) is None
    with pytest.raises(ValueError, match="space"):
        task.score(frozen_index(contender("queries"), contender("documents", 5))(task))


def test_spelling_is_corrected_before_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("symspellpy", reason="symspellpy (extra peers) is not installed")
    (tmp_path / "words").write_text("i 9\nbelieve 3\nthe 9\nthen 1\n")
    encoder = SpellingEncoder(types.SimpleNamespace(encode=lambda texts: texts), tmp_path / "words")
    assert encoder.encode(["I beleive Teh Xqzvbk 42!"]) == ["I believe The Xqzvbk 42!"]
    monkeypatch.setitem(__import__("sys").modules, "model2vec", None)
    with pytest.raises(ModuleNotFoundError, match="peers"):
        load_peer("model2vec:folder")


@pytest.mark.parametrize(
    ("language", "scripts", "expected"),
    [
        ("deu", {"Latn"}, "trained"),
        ("nld", {"Latn"}, "related"),
        ("yid", {"Hebr"}, "unseen"),
        ("fra", {"Latn"}, "unseen"),
        ("ukr", {"Cyrl", "Latn"}, "related"),
    ],
)
def test_languages_are_trained_related_or_unseen(
    language: str, scripts: set[str], expected: str
) -> None:
    assert relation(language, scripts, ("de-Latn", "ru-Cyrl")) == expected


def test_marks_name_the_furthest_language_and_texts_without_a_font() -> None:
    assert languages_of("stsb-en-de") == ["eng", "deu"]
    renderer = Renderer()
    task = STS(("a man", "ein Mann"), ("a man", "\U00012000"), (1.0, 2.0))
    assert mark("sts17-en-de", task, ("en-Latn",), renderer) == "related, no font 25%"
    assert mark("sts-de", task, ("en-Latn",), renderer, ("de",)) == "related, kept out, no font 25%"
    assert mark("sts-en", STS(("a",), ("b",), (1.0,)), (), renderer) == ""


def test_score_sheets_go_out_as_csv_latex_and_html() -> None:
    scores = {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6, "csls_accuracy": 0.75}
    sheet = ScoreSheet(
        {"a_model": {"tatoeba-fra": scores}, "b": {}},
        {"tatoeba-fra": "accuracy"},
        {"a_model": {"tatoeba-fra": "unseen"}},
    )
    rows = list(csv.DictReader(io.StringIO(sheet.to_csv())))
    assert [(row["metric"], float(row["score"]), row["low"], row["mark"]) for row in rows] == [
        ("accuracy", 0.5, "0.400000", "unseen"),
        ("csls_accuracy", 0.75, "", "unseen"),
    ]
    assert r"a\_model" in sheet.to_latex()
    assert r"\textbf{0.500}\textsuperscript{unseen} & -- \\" in sheet.to_latex()
    assert "<b>0.750</b> <small>unseen</small>" in sheet._repr_html_()
    assert "csls_accuracy" in str(sheet) and "tatoeba-fra unseen" in str(sheet)


def test_a_data_folder_asks_these_questions(shared: Path) -> None:
    known = find_tasks(shared / "data")
    names = ("word-order", "negation", "misspelled-words", "jfleg", "typos-cranfield")
    tasks = make_tasks(shared / "data", {name: known[name] for name in names})
    counts = [len(tasks[name].anchors) for name in names[:2]]  # type: ignore[attr-defined]
    assert counts == [252, 839]
