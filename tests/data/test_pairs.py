"""Pair makers: which texts they put together."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from pixel_linguist.data.example import Example
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.recipe import columns

RNG = np.random.default_rng
NO_GROUP = {"group": (-1,)}


def examples(spec: dict[str, Any], record: dict[str, Any], draws: int = 200) -> list[Example]:
    maker, rng = make_pair_maker(spec), RNG(0)
    return [maker(record, rng) for _ in range(draws)]


def pair(anchor: str, positive: str, **more: str) -> dict[str, str]:
    return {"anchor": anchor, "positive": positive, **more}


def test_identity_is_the_text_and_itself() -> None:
    spec = {"name": "identity", "text": "text"}
    assert examples(spec, {"text": "a|b", "group": 4}, 1) == [Example(pair("a|b", "a|b"))]


def test_columns_are_taken_by_name_with_the_record_s_group() -> None:
    record = {"premise": "p", "entailment": "e", "contradiction": "c", "group": 7}
    spec = columns("premise", "entailment", "contradiction")
    expected = Example(pair("p", "e", negative="c"), {"group": (7,)})
    assert examples(spec, record, 1) == [expected]
    # A bar is a character as any.
    english, german = "Home | About us", "Startseite | Über uns"
    (example,) = examples(columns("en", "de"), {"en": english, "de": german}, 1)
    assert example == Example(pair(english, german), NO_GROUP)


def test_one_of_the_alternatives_of_a_cell_is_drawn_evenly() -> None:
    spec = columns("entries", "definition", alternatives=True)
    found = examples(spec, {"entries": "a|b|c|d", "definition": "e|f"}, 4000)
    counts = Counter(tuple(example.views.values()) for example in found)
    assert set(counts) == {(a, p) for a in "abcd" for p in "ef"}
    expected, deviation = 500, (4000 * 7 / 64) ** 0.5
    assert all(abs(count - expected) < 5 * deviation for count in counts.values())


def test_two_different_alternatives_are_drawn_in_either_order() -> None:
    spec = {"name": "alternatives", "text": "entries"}
    found = {tuple(example.views.values()) for example in examples(spec, {"entries": "a|b|c"})}
    assert found == {(a, b) for a in "abc" for b in "abc" if a != b}
    assert examples(spec, {"entries": "a"}, 1) == [Example(pair("a", "a"))]


def test_spans_are_of_the_text_and_carry_its_group() -> None:
    words = [f"w{i}" for i in range(30)]
    spec = {"name": "spans", "text": "text", "shortest": 3, "longest": 6}
    for example in examples(spec, {"text": " ".join(words), "group": 7}):
        positions = []
        for span in example.views.values():
            found = [words.index(word) for word in str(span).split()]
            assert found == list(range(found[0], found[0] + len(found)))
            assert 3 <= len(found) <= 6
            positions.append(set(found))
        assert len(positions) == 2 and not positions[0] & positions[1]
        assert example.facts == {"group": (7,)}
    assert examples(spec, {"text": "one two three"}, 1)[0].facts == NO_GROUP


def test_a_teacher_s_vector_and_a_score_are_facts() -> None:
    spec = {"name": "teacher_target", "text": "text", "target": "vector"}
    (example,) = examples(spec, {"text": "Ein Hund", "vector": [1.0, -2.0]}, 1)
    assert example.views == pair("Ein Hund", "Ein Hund")
    assert example.facts["target"].dtype == np.float32
    assert example.facts["target"].tolist() == [1.0, -2.0]
    spec = {"name": "scored_pair", "anchor": "a", "positive": "b", "score": "score"}
    record = {"a": "A dog.", "b": "A cat.", "score": "2.5"}
    assert examples(spec, record, 1) == [Example(pair("A dog.", "A cat."), {"score": 2.5})]
    for wrong in ("n/a", "nan", None):
        with pytest.raises(ValueError, match="score"):
            examples(spec, record | {"score": wrong}, 1)


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"name": "colums"}, "'columns'"),
        ({}, "name"),
        ({"name": "identity", "txt": "a"}, "'text'"),
        ({"name": "columns", "anchor": "a"}, "positive"),
    ],
)
def test_mistakes_are_named(spec: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make_pair_maker(spec)


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "identity", "text": "body"},
        columns("text", "body"),
        columns("text", "text", "body"),
        {"name": "alternatives", "text": "body"},
        {"name": "spans", "text": "body", "shortest": 1, "longest": 2},
        {"name": "teacher_target", "text": "text", "target": "body"},
        {"name": "scored_pair", "anchor": "text", "positive": "text", "score": "body"},
    ],
)
def test_a_missing_column_is_named(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="body"):
        make_pair_maker(spec)({"text": "a", "score": 1}, RNG(0))


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="None"):
        examples({"name": "identity", "text": "a"}, {"a": None}, 1)


def test_a_part_may_note_facts_of_all_its_examples() -> None:
    spec = {"name": "with_facts", "pairs": {"name": "identity", "text": "text"}, "facts": {"x": 3}}
    example = make_pair_maker(spec)({"text": "a"}, np.random.default_rng(0))
    assert example.facts == {"x": 3} and example.views["anchor"] == "a"
