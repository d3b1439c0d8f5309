"""Invariants of every perturbation, in several scripts."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.text import PERTURBATIONS
from pixel_linguist.text.character_noise import (
    delete_characters,
    insert_characters,
    repeat_characters,
    scramble_inner_letters,
    transpose_characters,
)
from pixel_linguist.text.word_noise import (
    change_case,
    change_whitespace,
    drop_words,
    repeat_words,
    shuffle_words_within_window,
)

CLUSTERS = {
    "Latin": [*"abcdefgXYZéß", "e\u0301", "q\u0323\u0307"],
    "Cyrillic": [*"абвгдеёжЯЮ", "и\u0301"],
    "Devanagari": ["क", "कि", "क्ष", "त्रि", "हीं", "श्री", "त्", "अ", "ड़"],
    "Arabic": ["س", "لَ", "ة", "ع", "شّ"],
    "Hangul": ["한", "글", "각", "\u1112\u1161\u11ab"],
    "Han": [*"敏捷的狐狸"],
    "": ["👩‍👩‍👧", "👍🏽", "🇩🇪", "🇫🇷", "☺️", "!", "。", "…"],
}
SPACES = st.sampled_from([" ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000"])
RATES = st.floats(0.0, 1.0)
SEEDS = st.integers(0, 2**32 - 1)
NAMES = st.sampled_from(list(PERTURBATIONS))
REARRANGING = [
    "shuffle_words",
    "shuffle_words_within_window",
    "scramble_inner_letters",
    "transpose_characters",
]
SENTENCE = "Quick brown foxes jump over seventeen sleeping dogs near another river bank."


@st.composite
def texts(draw: st.DrawFn, scripts: tuple[str, ...] = tuple(CLUSTERS)) -> str:
    """Words, each in one of the scripts, with any whitespace around and between."""
    count = draw(st.integers(1, 8))
    pieces = [draw(st.sampled_from(["", " ", "\n"]))]
    for _ in range(count):
        clusters = st.sampled_from(CLUSTERS[draw(st.sampled_from(scripts))])
        pieces += [*draw(st.lists(clusters, min_size=1, max_size=8)), draw(SPACES)]
    return "".join(pieces[: -1 if draw(st.booleans()) else None])


def perturb(name: str, text: str, seed: int, **keywords: Any) -> str:
    if name == "shuffle_words_within_window":
        keywords.setdefault("window", 2)
    return PERTURBATIONS[name](text, np.random.default_rng(seed), **keywords)


def clusters_of(text: str) -> list[str]:
    return regex.findall(r"\X", text)


def is_subsequence(part: Iterable[str], whole: Iterable[str]) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


@given(NAMES, texts(), SEEDS, RATES)
def test_output_is_not_blank_and_repeats_by_seed(
    name: str, text: str, seed: int, rate: float
) -> None:
    output = perturb(name, text, seed, rate=rate)
    assert output.strip()
    assert output == perturb(name, text, seed, rate=rate)
    assert perturb(name, text, seed, rate=0.0) == text


@given(NAMES, st.text(st.characters(exclude_categories=())), SEEDS, RATES)
def test_any_code_points_are_taken(name: str, text: str, seed: int, rate: float) -> None:
    output = perturb(name, text, seed, rate=rate)
    assert bool(output.strip()) == bool(text.strip())
    if name in REARRANGING:
        assert sorted(output) == sorted(text)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_edge_cases_of_every_perturbation(name: str) -> None:
    for blank in ("", " ", "\t\n\u3000"):
        assert perturb(name, blank, 0, rate=1.0) == blank
    rates: tuple[Any, ...] = (-0.1, 1.5, float("nan"), "0.5", None)
    for rate in rates:
        with pytest.raises(ValueError, match="rate"):
            perturb(name, SENTENCE, 0, rate=rate)
    # Of one span a text, few places; of tags, there is none.
    if name not in ("mask_span", "hide_tags"):
        assert len({perturb(name, SENTENCE, seed, rate=0.8) for seed in range(20)}) > 15
    for long in ("👍🏽" * 10_000, "狐狸 " * 5_000):
        assert perturb(name, long, 0, rate=0.3)


@given(st.sampled_from(REARRANGING), texts(), SEEDS, RATES)
def test_rearranging_keeps_every_cluster(name: str, text: str, seed: int, rate: float) -> None:
    output = perturb(name, text, seed, rate=rate)
    assert Counter(clusters_of(output)) == Counter(clusters_of(text))
    assert re.findall(r"\s+", output) == re.findall(r"\s+", text)
    if "shuffle" in name:
        assert Counter(output.split()) == Counter(text.split())


@given(st.integers(1, 30), st.integers(1, 6), SEEDS, RATES, st.booleans(), st.booleans())
def test_no_word_moves_further_than_the_window(
    count: int, window: int, seed: int, rate: float, keep_first: bool, keep_last: bool
) -> None:
    output = shuffle_words_within_window(
        " ".join(map(str, range(count))),
        np.random.default_rng(seed),
        rate=rate,
        window=window,
        keep_first=keep_first,
        keep_last=keep_last,
    )
    order = [int(word) for word in output.split()]
    assert all(abs(slot - word) <= window for slot, word in enumerate(order))
    assert not keep_first or order[0] == 0
    assert not keep_last or order[-1] == count - 1


@pytest.mark.parametrize("window", [0, -1, 1.5, "2"])
def test_window_out_of_range_is_refused(window: Any) -> None:
    with pytest.raises(ValueError, match="window"):
        perturb("shuffle_words_within_window", SENTENCE, 0, rate=0.5, window=window)


@given(texts(), SEEDS, RATES)
def test_deleting_only_removes(text: str, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    assert is_subsequence(delete_characters(text, rng, rate=rate), text)
    assert is_subsequence(drop_words(text, rng, rate=rate).split(), text.split())


@given(texts(), SEEDS, RATES)
def test_inserting_and_repeating_only_add(text: str, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    assert is_subsequence(text, insert_characters(text, rng, rate=rate))
    repeated = repeat_characters(text, rng, rate=rate)
    each_once_or_twice = (
        f"(?:{re.escape(cluster)}){{1,{1 if cluster.isspace() else 2}}}"
        for cluster in clusters_of(text)
    )
    assert re.fullmatch("".join(each_once_or_twice), repeated)
    words = (f"{re.escape(word)}(?: {re.escape(word)})?" for word in text.split())
    written = repeat_words(text, rng, rate=rate)
    assert re.fullmatch(r"\s*" + r"\s+".join(words) + r"\s*", written)


@given(
    st.sampled_from(["insert_characters", "substitute_characters", "keyboard_neighbours"]),
    st.sampled_from([script for script in CLUSTERS if script]),
    st.data(),
    SEEDS,
)
def test_new_letters_are_of_the_script_around(
    name: str, script: str, data: st.DataObject, seed: int
) -> None:
    text = data.draw(texts((script, "")))
    output = perturb(name, text, seed, rate=1.0)
    if regex.search(rf"\p{{Script={script}}}", text):
        assert regex.search(rf"\p{{Script={script}}}", output)
        assert not regex.search(rf"[\p{{Letter}}--\p{{Script={script}}}]", output, regex.V1)


@given(texts(tuple(CLUSTERS)), SEEDS, RATES)
def test_transposing_swaps_neighbours_within_words(text: str, seed: int, rate: float) -> None:
    before = clusters_of(text)
    after = clusters_of(transpose_characters(text, np.random.default_rng(seed), rate=rate))
    index = 0
    while index < len(before):
        if before[index] == after[index]:
            index += 1
        else:
            pair = before[index : index + 2]
            assert after[index : index + 2] == pair[::-1]
            assert not any(cluster.isspace() for cluster in pair)
            index += 2


@given(texts(), SEEDS, RATES)
def test_scrambling_keeps_both_ends_of_each_word(text: str, seed: int, rate: float) -> None:
    output = scramble_inner_letters(text, np.random.default_rng(seed), rate=rate)
    for before, after in zip(text.split(), output.split(), strict=True):
        old, new = clusters_of(before), clusters_of(after)
        assert (new[0], new[-1]) == (old[0], old[-1])
        assert Counter(new) == Counter(old)


@given(SEEDS)
def test_scrambling_leaves_punctuation_around_a_word(seed: int) -> None:
    output = scramble_inner_letters('"(handsome),!"', np.random.default_rng(seed), rate=1.0)
    assert re.fullmatch(r'"\(h[andsome]{6}e\),?!"', output)


@given(texts(), SEEDS, RATES)
def test_case_and_whitespace_keep_the_letters(text: str, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    assert change_case(text, rng, rate=rate).casefold() == text.casefold()
    respaced = change_whitespace(text, rng, rate=rate)
    assert "".join(respaced.split()) == "".join(text.split())
