"""The generated world as a source: columns, determinism, random access, errors."""

import hashlib
import json
import pickle
from typing import Any

import pytest

from pixel_linguist.data.toy import LANGUAGES, ToySource
from pixel_linguist.data.toy.lexicon import concepts
from tests.data.toy_text import read_concepts

ALL = tuple(LANGUAGES)
COLUMNS = {
    "sentences": {"text": str, "language": str},
    "documents": {"text": str, "language": str, "group": int},
    "nli": {"premise": str, "entailment": str, "contradiction": str, "language": str},
    "similarity": {"score": float, "sentence1": str, "sentence2": str, "language": str},
    "misspelled": {"score": float, "sentence1": str, "sentence2": str, "original2": str}
    | {"language": str},
    "words": {"word1": str, "word2": str, "language1": str, "language2": str, "group": int},
    "parallel": {"sentence1": str, "sentence2": str, "language1": str, "language2": str},
    "translations": {"text": str, "language": str},
}
# README's figures of the quickstart are of these records.
GOLDEN = """
documents 0c2a7f54ab5fb9c0
misspelled 48439e68e3ae8dba
nli f5017b4c4279b87d
parallel 76cf16b8723294bd
sentences f9f2cad90940bc03
similarity 9e0a1845cefa2d96
translations 0c265cb9fb9743fa
words f17f9a7651503a74
"""


def records(task: str, size: int, **settings: Any) -> list[dict[str, Any]]:
    arguments: dict[str, Any] = {"split": "train", "size": size, "languages": ALL}
    source = ToySource(task, **arguments | settings)
    return [source[i] for i in range(size)]


@pytest.mark.parametrize("task", COLUMNS)
def test_columns_and_random_access(task: str) -> None:
    found = records(task, 60)
    for record in found:
        assert {name: type(value) for name, value in record.items()} == COLUMNS[task]
    longer = ToySource(task, split="train", size=10**9, languages=ALL)
    copy = pickle.loads(pickle.dumps(longer))
    assert [copy[i] for i in reversed(range(60))] == found[::-1]
    assert longer[10**9 - 1] != longer[10**9 - 2]
    assert records(task, 1, seed=1) != found[:1]


def test_records_are_those_of_earlier_versions() -> None:
    found = []
    for task in sorted(COLUMNS):
        text = json.dumps(records(task, 20, split="dev", seed=3), sort_keys=True)
        found.append(f"{task} {hashlib.sha256(text.encode()).hexdigest()[:16]}")
    assert found == GOLDEN.split("\n")[1:-1]


def test_indices_are_checked() -> None:
    source = ToySource("nli", split="train", size=3)
    for index in (3, -1, 100):
        with pytest.raises(IndexError, match="3"):
            source[index]
    assert len(list(source)) == 3  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "sentence"}, "sentences"),
        ({"split": "validation"}, "dev"),
        ({"languages": ("en", "de")}, "vel"),
        ({"languages": "en"}, "list"),
        ({"languages": ()}, "1 or more"),
        ({"languages": ("en", "en")}, "different"),
        ({"task": "parallel", "languages": ("en",)}, "2 or more"),
        ({"size": -1}, "size"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"task": "sentences", "split": "train", "size": 3}
    with pytest.raises(ValueError, match=message):
        ToySource(**arguments | change)


@pytest.mark.parametrize("languages", [("en",), ("en", "vel"), ALL])
def test_two_words_are_forms_of_the_concept_of_their_group(languages: tuple[str, ...]) -> None:
    names, found = list(concepts()), records("words", 300, languages=languages)
    for record in found:
        for side in "12":
            read = read_concepts(record[f"word{side}"], record[f"language{side}"])
            assert read == [names[record["group"]]]
    assert {record["language1"] for record in found} == {"en"}
    assert {record["language2"] for record in found} == (set(languages[1:]) or {"en"})
    assert sum(record["word1"] != record["word2"] for record in found) > 150


def test_parallel_languages() -> None:
    pairs = [(record["language1"], record["language2"]) for record in records("parallel", 2000)]
    assert all(first != second for first, second in pairs)
    assert 1400 <= sum(first == "en" for first, _ in pairs) <= 1600
    assert len(set(pairs)) == 4 + 12
    two = records("parallel", 50, languages=("en", "vel"))
    assert {(record["language1"], record["language2"]) for record in two} == {("en", "vel")}


def test_translations_say_the_same_in_every_language() -> None:
    texts = {
        code: [record["text"] for record in records("translations", 100, languages=(code,))]
        for code in ALL
    }
    for same in zip(*texts.values(), strict=True):
        # A sister may say a short sentence as its parent does.
        assert len(set(same)) >= len(ALL) - 1
        said = [sorted(read_concepts(text, code)) for text, code in zip(same, ALL, strict=True)]
        assert all(names == said[0] for names in said)
    assert len(set(texts["en"])) > 90


def test_documents_are_sentences_of_one_scene() -> None:
    source = ToySource("documents", split="train", size=200)
    for i in range(200):
        record, (meaning,) = source[i], source.meaning(i).values()
        assert record["text"].endswith(".") and record["group"] == i
        assert 6 <= record["text"].count(".") == len(meaning) <= 12
        assert len({proposition.agent for proposition in meaning}) <= 3
        assert len({proposition.place for proposition in meaning} - {None}) <= 1
