"""Bags of words hold what the pictures show, and nothing else."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.bags import NO_WORD, bags_of_words
from pixel_linguist.data.draw import Draw, OneStyle
from pixel_linguist.data.loader import make_batches, make_examples, preview
from pixel_linguist.render import Renderer
from pixel_linguist.text.word_buckets import word_bucket

BUCKETS = 1 << 20


class Letters:
    """One patch for each so many characters."""

    def __init__(self, size: int):
        self.size = size

    def count_patches(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([max(-(-len(text) // self.size), 1) for text in texts], np.int32)


def bags(texts: list[str], length: int, size: int = 2) -> list[list[int]]:
    found = bags_of_words(texts, Letters(size), buckets=BUCKETS, length=length)
    assert found.dtype == np.int32 and found.shape == (len(texts), length)
    for row in found:
        assert (row[(row != NO_WORD).sum() :] == NO_WORD).all()
    return [[word for word in row if word != NO_WORD] for row in found.tolist()]


def numbers(words: str) -> list[int]:
    return [word_bucket(word, BUCKETS) for word in words.split()]


def test_each_word_is_there_once() -> None:
    assert bags(["The cat, the CAT sat.", "", "?!"], 12) == [numbers("the cat sat"), [], []]


def test_words_that_are_cut_off_are_left_out() -> None:
    # Of 14 characters 8 are drawn: "cc" is whole, "dd" is not.
    assert bags(["aa bb cc dd ee"], 4) == [numbers("aa bb cc")]
    assert bags(["aaaa bbbb"], 1) == [[]]


def test_no_more_words_than_patches_are_taken() -> None:
    assert bags(["a b c d e f"], 3, size=100) == [numbers("a b c")]


def test_of_a_cut_text_the_words_are_those_of_the_longest_part_that_fits() -> None:
    renderer = Renderer(max_patches=12)
    text = "A man is playing a very large guitar in the street"
    words = text.split()
    parts = [" ".join(words[:number]) for number in range(len(words) + 1)]
    for length in (1, 4, 6, 12):
        fitting = [part for part in parts if renderer.count_patches([part])[0] <= length]
        (bag,) = bags_of_words([text], renderer, buckets=BUCKETS, length=length)
        expected = list(dict.fromkeys(numbers(fitting[-1])))
        assert bag[bag != NO_WORD].tolist() == expected[:length]
    assert 0 < len(expected) < len(set(numbers(text)))


def test_a_batch_brings_the_words_of_its_anchors_before_they_were_perturbed(tmp_path: Path) -> None:
    rows = [f"anchor {i} of some words\tpositive {i}\n" for i in range(20)]
    (tmp_path / "data.tsv").write_text("".join(["a\tb\n", *rows]))
    source = {"name": "tsv", "path": "data.tsv", "skip_bad_lines": False}
    pairs = {
        "name": "columns",
        "anchor": "a",
        "positive": "b",
        "negative": None,
        "alternatives": False,
    }
    stage = {
        "data": {"all": {"source": source, "pairs": pairs, "weight": 1.0}},
        "mixture_temperature": 0.0,
        "perturb": {"delete_characters": {"rate": 0.5}},
        "perturb_probability": 1.0,
        "perturb_each": 1.0,
        "batch_size": 8,
    }
    examples = make_examples(tmp_path, stage, seed=0)
    draw = Draw(OneStyle(Renderer(max_patches=16)), ("anchor",))

    def words(**hosts: int) -> np.ndarray:
        options: dict[str, Any] = {"batch_size": 8, "length": 16, "workers": 0, "seed": 0}
        data = iter(make_batches(examples, draw, **options, word_buckets=BUCKETS, **hosts))
        found = [batch["words"] for batch in itertools.islice(data, 2)]
        data.close()
        return np.stack(found)

    alone = words()
    assert alone.shape == (2, 8, 16) and alone.dtype == np.int32
    shown = list(preview(examples, 16))
    assert any(clean.anchor != seen.anchor for clean, seen in shown)
    for row, (clean, _) in zip(alone.reshape(16, 16), shown, strict=True):
        assert row[row != NO_WORD].tolist() == numbers(clean.anchor)
    # Row by row, two hosts have what one alone has.
    hosts = [words(process=host, processes=2) for host in range(2)]
    assert np.array_equal(np.concatenate(hosts, axis=1), alone)
