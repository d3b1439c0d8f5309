"""Facts have one type and shape; bags of words hold what the pictures show, and nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.data.example import Example, content_id, stack_facts
from pixel_linguist.data.facts import NO_WORD, BagOfWords, make_fact_maker, word_bucket, word_spans
from pixel_linguist.data.loader import make_batches, make_examples, preview
from pixel_linguist.data.views import OneStyle, ViewPipeline
from pixel_linguist.render import Renderer
from tests.data.pipeline import settings, take, tsv

BUCKETS = 1 << 20
LARGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("values", "dtype", "shape"),
    [
        ([1, -2, LARGEST], np.int32, (3,)),
        ([np.uint8(1), 2], np.int32, (2,)),
        ([0.5, 2], np.float32, (2,)),
        ([True, False], np.bool_, (2,)),
        ([(1, 2), (3, -1)], np.int32, (2, 2)),
        ([np.zeros(4), np.ones(4)], np.float32, (2, 4)),
    ],
)
def test_facts_are_int32_float32_or_bool(values: list[Any], dtype: type, shape: Any) -> None:
    found = stack_facts("fact", values)
    assert (found.dtype, found.shape) == (dtype, shape)
    np.testing.assert_array_equal(found, np.array(values))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([LARGEST + 1], "32"),
        ([-LARGEST - 2], "32"),
        ([(1, 2), (1,)], "shapes"),
        (["a"], "number"),
        ([None], "number"),
    ],
)
def test_other_facts_are_refused(values: list[Any], word: str) -> None:
    with pytest.raises(ValueError, match=f"'fact'.*{word}"):
        stack_facts("fact", values)


def test_equal_contents_have_equal_numbers_and_others_differ() -> None:
    contents: list[Any] = ["", "a", "b", "ab", "ba", "é", "e\u0301", "\ud800"]
    contents += [("a", "b"), Path("c.png")]
    contents += [np.zeros((2, 2, 1), np.uint8), np.ones((2, 2, 1), np.uint8)]
    ids = [content_id(content) for content in contents]
    assert len(set(ids)) == len(contents)
    assert all(0 <= number <= LARGEST for number in ids)
    assert content_id("a b") == content_id(" ".join("ab"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Can't stop: a café-au-lait, 3.14!", ["Can't", "stop", "a", "café", "au", "lait", "3.14"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שלום, עולם", ["שלום", "עולם"]),
        ("我喜欢。", ["我", "喜", "欢"]),
        ("a\u0301b \ud800 👍\nc", ["a\u0301b", "c"]),
        ("", []),
        (" ,. ", []),
    ],
)
def test_words_are_found_where_they_stand(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == words


def test_spellings_of_one_word_share_a_bucket() -> None:
    for one, other in (("Guitar", "GUITAR"), ("caf\u00e9", "cafe\u0301"), ("Straße", "STRASSE")):
        assert word_bucket(one, 1 << 30) == word_bucket(other, 1 << 30)
    assert word_bucket("guitar", 1 << 30) != word_bucket("guitars", 1 << 30)


class Letters:
    """One patch for each so many characters."""

    def __init__(self, size: int):
        self.size = size

    def count_patches(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([max(-(-len(text) // self.size), 1) for text in texts], np.int32)


def bags(texts: list[str], length: int, renderer: Any) -> list[list[int]]:
    examples = [Example({"anchor": text}) for text in texts]
    found = BagOfWords("anchor", BUCKETS)(examples, renderer, length)
    assert found.dtype == np.int32 and found.shape == (len(texts), length)
    for row in found:
        assert (row[(row != NO_WORD).sum() :] == NO_WORD).all()
    return [[word for word in row if word != NO_WORD] for row in found.tolist()]


def numbers(words: str) -> list[int]:
    return [word_bucket(word, BUCKETS) for word in words.split()]


@pytest.mark.parametrize(
    ("text", "length", "size", "words"),
    [
        ("The cat, the CAT sat.", 12, 2, "the cat sat"),
        ("", 12, 2, ""),
        ("?!", 12, 2, ""),
        # Of 14 characters 8 are drawn: "cc" is whole, "dd" is not.
        ("aa bb cc dd ee", 4, 2, "aa bb cc"),
        ("aaaa bbbb", 1, 2, ""),
        # No more words than patches.
        ("a b c d e f", 3, 100, "a b c"),
    ],
)
def test_a_bag_has_the_distinct_words_that_are_drawn(
    text: str, length: int, size: int, words: str
) -> None:
    assert bags([text], length, Letters(size)) == [numbers(words)]


def test_of_a_cut_text_the_words_are_those_of_the_longest_part_that_fits() -> None:
    renderer = Renderer(max_patches=12)
    text = "A man is playing a very large guitar in the street"
    words = text.split()
    parts = [" ".join(words[:number]) for number in range(len(words) + 1)]
    for length in (1, 4, 6, 12):
        fitting = [part for part in parts if renderer.count_patches([part])[0] <= length]
        (bag,) = bags([text], length, renderer)
        expected = list(dict.fromkeys(numbers(fitting[-1])))
        assert bag == expected[:length]
    assert 0 < len(expected) < len(set(numbers(text)))


def test_a_view_that_an_example_lacks_has_no_words() -> None:
    renderer: Any = Letters(2)
    found = BagOfWords("anchor", BUCKETS)([Example({"positive": "a word"})], renderer, 4)
    assert found.tolist() == [[NO_WORD] * 4]


@pytest.mark.usefixtures("parsed_flags")
def test_a_batch_brings_the_words_of_its_anchors_before_they_were_perturbed(tmp_path: Path) -> None:
    rows = [f"anchor {i} of some words\tpositive {i}\n" for i in range(20)]
    (tmp_path / "data.tsv").write_text("".join(["a\tb\n", *rows]))
    perturb = {"delete_characters": {"rate": 0.5}}
    examples = make_examples(tmp_path, settings({"all": tsv("data.tsv")}, perturb=perturb), seed=0)
    words = make_fact_maker({"name": "bag_of_words", "view": "anchor", "buckets": BUCKETS})
    views = ViewPipeline(OneStyle(Renderer(max_patches=16)), ("anchor",), {"words": words})

    def read(**hosts: int) -> np.ndarray:
        options = {"batch_size": 8, "length": 16, "workers": 0, "seed": 0}
        found = take(make_batches(examples, views, **options, **hosts), 2)
        return np.stack([batch.facts["words"] for batch in found])

    alone = read()
    assert alone.shape == (2, 8, 16) and alone.dtype == np.int32
    pairs = list(preview(examples, 16))
    assert any(original.views["anchor"] != view.views["anchor"] for original, view in pairs)
    for row, (original, _) in zip(alone.reshape(16, 16), pairs, strict=True):
        assert row[row != NO_WORD].tolist() == numbers(str(original.views["anchor"]))
    # Row by row, two hosts have what one alone has.
    hosts = [read(process=host, processes=2) for host in range(2)]
    assert np.array_equal(np.concatenate(hosts, axis=1), alone)
