"""Spans of a document."""

from collections import Counter
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.text import crop, two_spans

SEEDS = st.integers(0, 2**32 - 1)
RANGES = st.tuples(st.integers(1, 12), st.integers(0, 12)).map(lambda r: (r[0], r[0] + r[1]))
SENTENCE_LENGTHS = st.lists(st.integers(1, 15), min_size=1, max_size=12)


def document(lengths: list[int]) -> tuple[str, list[int]]:
    """Sentences of numbered words, and the number that begins each."""
    starts = np.cumsum([0, *lengths]).tolist()
    ends = {start - 1: ".!?।。"[start % 5] for start in starts}
    return " ".join(f"{n}{ends.get(n, '')}" for n in range(starts[-1])), starts[:-1]


def numbers(span: str) -> list[int]:
    return [int(word.rstrip(".!?।。")) for word in span.split()]


@given(SENTENCE_LENGTHS, RANGES, SEEDS)
def test_two_spans_of_a_long_document(
    lengths: list[int], words: tuple[int, int], seed: int
) -> None:
    text, starts = document(lengths)
    count = sum(lengths)
    spans = [numbers(span) for span in two_spans(text, np.random.default_rng(seed), words=words)]
    if count < max(2 * words[0], 2):
        return
    for span in spans:
        assert span == list(range(span[0], span[-1] + 1))
        assert len(span) <= min(words[1], count // 2)
    assert not set(spans[0]) & set(spans[1])
    if len(starts) > 1:
        assert {span[0] for span in spans} <= set(starts)
    fits = any(
        first + words[0] <= second <= count - words[0] for first in starts for second in starts
    )
    if fits or len(starts) == 1:
        assert min(map(len, spans)) >= words[0]


@given(SENTENCE_LENGTHS, SEEDS)
def test_two_spans_of_a_short_document_are_its_halves(lengths: list[int], seed: int) -> None:
    text, _ = document(lengths)
    words = text.split()
    first, second = two_spans(text, np.random.default_rng(seed), words=(100, 200))
    if len(words) == 1:
        assert first == second == text
    else:
        assert f"{first} {second}" == text
        assert abs(len(first.split()) - len(second.split())) <= 1


def test_text_without_a_word_is_returned() -> None:
    rng = np.random.default_rng(0)
    for text in ("", " \n"):
        assert (*two_spans(text, rng, words=(1, 2)), crop(text, rng, words=(1, 2))) == (text,) * 3


def test_pairs_of_sentences_are_equally_likely_in_both_orders() -> None:
    text, starts = document([4] * 5)
    rng = np.random.default_rng(0)
    counts: Counter[tuple[int, ...]] = Counter()
    for _ in range(8000):
        counts[tuple(numbers(span)[0] for span in two_spans(text, rng, words=(4, 4)))] += 1
    assert set(counts) == {(a, b) for a in starts for b in starts if a != b}
    assert all(abs(count - 400) < 5 * sqrt(400) for count in counts.values())


def test_lengths_and_starts_are_uniform() -> None:
    rng = np.random.default_rng(0)
    text = " ".join(map(str, range(40)))
    pairs = [two_spans(text, rng, words=(2, 5)) for _ in range(2000)]
    lengths = Counter(len(span.split()) for pair in pairs for span in pair)
    crops = Counter(crop("a b c d e", rng, words=(3, 3)) for _ in range(3000))
    assert set(lengths) == {2, 3, 4, 5} and set(crops) == {"a b c", "b c d", "c d e"}
    for count in (*lengths.values(), *crops.values()):
        assert abs(count - 1000) < 5 * sqrt(1000)


@given(SENTENCE_LENGTHS, RANGES, SEEDS)
def test_crop_is_one_run_of_words(lengths: list[int], words: tuple[int, int], seed: int) -> None:
    text, _ = document(lengths)
    span = numbers(crop(text, np.random.default_rng(seed), words=words))
    assert span == list(range(span[0], span[-1] + 1))
    count = sum(lengths)
    assert min(words[0], count) <= len(span) <= min(words[1], count)


@pytest.mark.parametrize("words", [(0, 3), (5, 4), (-1, -1)])
@pytest.mark.parametrize("draw", [two_spans, crop])
def test_a_bad_range_is_refused(draw: Any, words: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="words"):
        draw("a b c", np.random.default_rng(0), words=words)
