"""Disguises undone by Unicode's own tables, and how many letters they touch."""

import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.text.disguises import (
    LEET,
    LOOK_ALIKES,
    MARKS,
    ZERO_WIDTH,
    add_diacritics,
    full_width,
    insert_zero_width,
    leetspeak,
    look_alikes,
)

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))
SEEDS = st.integers(0, 2**32 - 1)
ALL = (look_alikes, leetspeak, add_diacritics, full_width, insert_zero_width)


@given(ASCII, SEEDS, st.floats(0, 1))
def test_full_width_is_undone_by_compatibility_normalisation(
    text: str, seed: int, rate: float
) -> None:
    changed = full_width(text, np.random.default_rng(seed), rate=rate)
    assert unicodedata.normalize("NFKC", changed) == text
    assert len(changed) == len(text)


@given(ASCII, SEEDS, st.floats(0, 1))
def test_marks_and_invisible_characters_leave_the_letters(
    text: str, seed: int, rate: float
) -> None:
    for disguise, added in ((add_diacritics, MARKS), (insert_zero_width, ZERO_WIDTH)):
        changed = disguise(text, np.random.default_rng(seed), rate=rate)
        assert changed.translate({ord(character): None for character in added}) == text


def test_invisible_characters_are_of_no_width_and_no_space() -> None:
    assert all(unicodedata.category(character) == "Cf" for character in ZERO_WIDTH)
    assert all(unicodedata.combining(character) for character in MARKS)


def test_look_alikes_are_other_letters_of_the_same_case_in_another_alphabet() -> None:
    for letter, others in LOOK_ALIKES.items():
        for other in others:
            assert letter in LOOK_ALIKES[other]
            assert other.isupper() == letter.isupper()
            names = [unicodedata.name(character).split()[0] for character in (letter, other)]
            assert set(names) <= {"LATIN", "CYRILLIC", "GREEK"}
    assert set("aceijopsxyABCEHIKMNOPSTXYZ") <= set(LOOK_ALIKES)


@given(SEEDS)
def test_everything_is_replaced_at_rate_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    text = "copies oxa"
    changed = look_alikes(text, rng, rate=1.0)
    assert all((a == " ") == (a == b) for a, b in zip(text, changed, strict=True))
    leet = leetspeak("Testable gizmo", rng, rate=1.0)
    assert not set(leet.lower()) & set(LEET)


@pytest.mark.parametrize("disguise", ALL)
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_share_that_takes_part_is_the_rate(disguise: Callable[..., str], rate: float) -> None:
    text = "a" * 5000
    changed = disguise(text, np.random.default_rng(0), rate=rate)
    deviation = (5000 * rate * (1 - rate)) ** 0.5
    assert len(changed) - changed.count("a") == pytest.approx(5000 * rate, abs=5 * deviation)
