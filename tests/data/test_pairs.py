"""Pair makers: which texts they put together."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist.data.pairs import Example, make_pair_maker

RNG = np.random.default_rng


def examples(spec: dict[str, Any], record: dict[str, Any], draws: int = 200) -> list[Example]:
    maker, rng = make_pair_maker(spec), RNG(0)
    return [maker(record, rng) for _ in range(draws)]


def test_identity_is_the_text_and_itself() -> None:
    spec = {"name": "identity", "text": "text"}
    assert examples(spec, {"text": "a|b", "group": 4}, 1) == [Example("a|b", "a|b", "", -1)]


def test_columns_are_taken_by_name() -> None:
    record = {"premise": "p", "entailment": "e", "contradiction": "c", "other": "o"}
    spec = {
        "name": "columns",
        "anchor": "premise",
        "positive": "entailment",
        "negative": None,
        "alternatives": True,
    }
    assert examples(spec, record, 1) == [Example("p", "e", "")]
    spec["negative"] = "contradiction"
    assert examples(spec, record, 1) == [Example("p", "e", "c")]


def test_a_bar_of_a_sentence_is_a_character_as_any() -> None:
    spec: dict[str, Any] = {"name": "columns", "anchor": "en", "positive": "de"}
    spec |= {"negative": None, "alternatives": False}
    record = {"en": "Home | About us", "de": "Startseite | Über uns"}
    assert examples(spec, record, 1) == [Example("Home | About us", "Startseite | Über uns")]


def test_a_score_that_is_no_number_is_shown_with_its_record() -> None:
    spec = {"name": "graded", "anchor": "a", "positive": "b", "score": "score"}
    with pytest.raises(ValueError, match=r"'score' is 'n/a', no number, in .*'a': 'x'"):
        examples(spec, {"a": "x", "b": "y", "score": "n/a"}, 1)


def test_one_of_the_alternatives_of_a_cell_is_drawn_evenly() -> None:
    spec = {
        "name": "columns",
        "anchor": "entries",
        "positive": "definition",
        "negative": None,
        "alternatives": True,
    }
    found = examples(spec, {"entries": "a|b|c|d", "definition": "e|f"}, 4000)
    counts = Counter(found)
    assert set(counts) == {Example(a, p) for a in "abcd" for p in "ef"}
    expected, deviation = 500, (4000 * 7 / 64) ** 0.5
    assert all(abs(count - expected) < 5 * deviation for count in counts.values())


def test_two_different_alternatives_are_drawn_in_either_order() -> None:
    found = Counter(examples({"name": "alternatives", "text": "entries"}, {"entries": "a|b|c"}))
    assert set(found) == {Example(a, b) for a in "abc" for b in "abc" if a != b}
    alone = examples({"name": "alternatives", "text": "entries"}, {"entries": "a"}, 1)
    assert alone == [Example("a", "a")]


def test_spans_are_of_the_text_and_carry_its_group() -> None:
    words = [f"w{i}" for i in range(30)]
    spec = {"name": "spans", "text": "text", "shortest": 3, "longest": 6}
    for example in examples(spec, {"text": " ".join(words), "group": 7}):
        positions = []
        for span in (example.anchor, example.positive):
            found = [words.index(word) for word in span.split()]
            assert found == list(range(found[0], found[0] + len(found)))
            assert 3 <= len(found) <= 6
            positions.append(set(found))
        assert not positions[0] & positions[1]
        assert (example.negative, example.group) == ("", 7)
    assert examples(spec, {"text": "one two three"}, 1)[0].group == -1


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "columns", "anchor": "t", "positive": "t", "negative": "t", "alternatives": True},
        {"name": "alternatives", "text": "t"},
        {"name": "spans", "text": "t", "shortest": 1, "longest": 3},
    ],
)
def test_the_generator_alone_decides(spec: dict[str, Any]) -> None:
    record = {"t": "|".join(f"text {i}" for i in range(50))}
    maker = make_pair_maker(ConfigDict(spec))
    assert maker(record, RNG(1)) == maker(record, RNG(1))
    assert len({maker(record, RNG(seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "same"}, r"no pair maker 'same'; there are identity, columns"),
        ({}, r"no pair maker None"),
        ({"name": "identity", "txt": "a"}, r"'identity' takes text; unknown or missing: text, txt"),
        (
            {"name": "columns", "anchor": "a", "positive": "b"},
            r"unknown or missing: alternatives, negative",
        ),
    ],
)
def test_mistakes_are_named(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_pair_maker(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "identity", "text": "body"},
        {
            "name": "columns",
            "anchor": "text",
            "positive": "body",
            "negative": None,
            "alternatives": False,
        },
        {
            "name": "columns",
            "anchor": "text",
            "positive": "text",
            "negative": "body",
            "alternatives": False,
        },
        {"name": "alternatives", "text": "body"},
        {"name": "spans", "text": "body", "shortest": 1, "longest": 2},
    ],
)
def test_a_missing_column_is_named(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"the record has no column 'body'; it has text, score"):
        make_pair_maker(spec)({"text": "a", "score": 1}, RNG(0))


def test_a_taught_text_brings_its_teachers_vector() -> None:
    maker = make_pair_maker({"name": "taught", "text": "text", "target": "vector"})
    example = maker({"text": "Ein Hund", "vector": [1.0, -2.0]}, np.random.default_rng(0))
    assert example.anchor == "Ein Hund" and example.target is not None
    assert example.target.dtype == np.float32 and example.target.tolist() == [1.0, -2.0]


def test_a_graded_pair_brings_its_score() -> None:
    spec = {"name": "graded", "anchor": "a", "positive": "b", "score": "score"}
    record = {"a": "A dog.", "b": "A cat.", "score": "2.5"}
    example = make_pair_maker(spec)(record, np.random.default_rng(0))
    assert (example.anchor, example.positive, example.score) == ("A dog.", "A cat.", 2.5)
