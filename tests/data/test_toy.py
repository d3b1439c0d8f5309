"""The generated world as a source: columns, determinism, random access, errors, speed."""

import json
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pixel_linguist.data.toy import LANGUAGES, ToySource
from pixel_linguist.data.toy.languages import read_concepts
from pixel_linguist.data.toy.lexicon import concepts

ALL = tuple(LANGUAGES)
COLUMNS = {
    "sentences": {"text": str, "language": str},
    "documents": {"text": str, "language": str, "group": int},
    "nli": {"premise": str, "entailment": str, "contradiction": str, "language": str},
    "similarity": {"score": float, "sentence1": str, "sentence2": str, "language": str},
    "words": {
        "word1": str,
        "word2": str,
        "language1": str,
        "language2": str,
        "group": int,
    },
    "parallel": {"sentence1": str, "sentence2": str, "language1": str, "language2": str},
    "translations": {"text": str, "language": str},
}
DUMP = """
import json
from pixel_linguist.data.toy import LANGUAGES, ToySource
for task in ("sentences", "documents", "nli", "similarity", "words", "parallel", "translations"):
    source = ToySource(task, split="dev", size=20, languages=tuple(LANGUAGES), seed=3)
    print(json.dumps([source[i] for i in range(20)]))
"""


@pytest.mark.parametrize("task", COLUMNS)
def test_columns_and_random_access(task: str) -> None:
    source = ToySource(task, split="train", size=60, languages=ALL)
    records = [source[i] for i in range(len(source))]
    for record in records:
        assert {name: type(value) for name, value in record.items()} == COLUMNS[task]
    assert [source[i] for i in reversed(range(60))] == records[::-1]
    longer = ToySource(task, split="train", size=10**9, languages=ALL)
    assert [longer[i] for i in range(60)] == records
    assert longer[10**9 - 1] != longer[10**9 - 2]
    other = ToySource(task, split="train", size=60, languages=ALL, seed=1)
    assert other[0] != records[0]


@pytest.mark.parametrize("task", COLUMNS)
def test_pickled_source_gives_the_same_records(task: str) -> None:
    source = ToySource(task, split="test", size=5, languages=ALL, seed=2)
    copy = pickle.loads(pickle.dumps(source))
    assert [copy[i] for i in range(5)] == [source[i] for i in range(5)]


def test_other_processes_give_the_same_records() -> None:
    outputs = []
    for hash_seed in ("0", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", DUMP], env=environment, capture_output=True, check=True
        )
        outputs.append(run.stdout.decode().splitlines())
    here = []
    for task in COLUMNS:
        source = ToySource(task, split="dev", size=20, languages=ALL, seed=3)
        here.append(json.dumps([source[i] for i in range(20)]))
    assert outputs[0] == outputs[1] == here


def test_index_beyond_the_end() -> None:
    source = ToySource("nli", split="train", size=3)
    for index in (3, -1, 100):
        with pytest.raises(IndexError, match="of a source of 3"):
            source[index]
    assert len(list(source)) == 3  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "sentence"}, "no task 'sentence'.*sentences"),
        ({"split": "validation"}, "no split 'validation'.*dev"),
        ({"languages": ("en", "de")}, "no language 'de'.*vel"),
        ({"languages": "en"}, "list of codes"),
        ({"languages": ()}, "1 or more"),
        ({"languages": ("en", "en")}, "different"),
        ({"task": "parallel"}, "2 or more"),
        ({"size": -1}, "size"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "task": "sentences",
        "split": "train",
        "size": 3,
        "languages": ("en",),
    } | change
    with pytest.raises(ValueError, match=message):
        ToySource(**arguments)


def test_two_words_are_forms_of_the_concept_that_their_group_names() -> None:
    names = list(concepts())
    for languages in (("en",), ("en", "dor"), ALL):
        source = ToySource("words", split="train", size=300, languages=languages)
        records = [source[i] for i in range(300)]
        for record in records:
            (first,) = read_concepts(str(record["word1"]), str(record["language1"]))
            (second,) = read_concepts(str(record["word2"]), str(record["language2"]))
            assert first == second == names[int(record["group"])]
        assert {record["language1"] for record in records} == {"en"}
        others = set(languages[1:]) or {"en"}
        assert {record["language2"] for record in records} == others
        assert sum(record["word1"] != record["word2"] for record in records) > 150


def test_parallel_languages() -> None:
    source = ToySource("parallel", split="train", size=2000, languages=ALL)
    pairs = [
        (record["language1"], record["language2"])
        for record in map(source.__getitem__, range(2000))
    ]
    assert all(first != second for first, second in pairs)
    assert sum(first == "en" for first, _ in pairs) >= 1000
    assert {second for first, second in pairs if first == "en"} == {"vel", "dor", "ash"}
    assert len(set(pairs)) == 3 + 6
    source = ToySource("parallel", split="train", size=50, languages=("en", "dor"))
    assert {(source[i]["language1"], source[i]["language2"]) for i in range(50)} == {("en", "dor")}


def test_translations_say_the_same_in_every_language() -> None:
    sources = [ToySource("translations", split="test", size=100, languages=(code,)) for code in ALL]
    for i in range(100):
        texts = {str(source[i]["text"]) for source in sources}
        assert len(texts) == len(ALL)
        said = [
            read_concepts(str(source[i]["text"]), code)
            for source, code in zip(sources, ALL, strict=True)
        ]
        assert all(sorted(names) == sorted(said[0]) for names in said)
        assert all(source.meaning(i) == sources[0].meaning(i) for source in sources)
    assert len({str(sources[0].meaning(i)) for i in range(100)}) > 90


def test_documents_are_sentences_of_one_scene() -> None:
    source = ToySource("documents", split="train", size=200)
    for i in range(200):
        record, (meaning,) = source[i], source.meaning(i).values()
        text = record["text"]
        assert isinstance(text, str) and text.endswith(".") and record["group"] == i
        assert text.count(".") == len(text.rstrip(".").split(". ")) == len(meaning)
        assert 6 <= len(meaning) <= 12
        assert len({proposition.agent for proposition in meaning}) <= 3
        assert len({proposition.place for proposition in meaning} - {None}) <= 1


def test_importing_the_world_does_not_load_jax() -> None:
    program = "import sys, pixel_linguist.data.toy; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def _cpu_seconds(work: Callable[[int], object], numbers: range) -> float:
    start = time.process_time()
    for number in numbers:
        work(number)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("task", COLUMNS)
def test_speed(task: str) -> None:
    """A record costs less than 60 of NumPy's generators, of which each takes one.

    A document of this code costs 40, where a machine that makes 80,000 generators a second has
    reached 2,000 documents a second. Seconds alone would judge what else the machine does.
    """
    source = ToySource(task, split="train", size=600, languages=ALL)
    assert source[0]
    costs = []
    for first in range(0, 600, 50):
        part = range(first, first + 50)
        yardstick = _cpu_seconds(np.random.default_rng, range(1000))
        costs.append(_cpu_seconds(source.__getitem__, part) / 50 / (yardstick / 1000))
    assert statistics.median(costs) < 60, costs
