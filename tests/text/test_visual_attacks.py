"""Visual attacks undone by Unicode's own tables."""

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.text.visual_attacks import (
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


@given(ASCII, SEEDS, st.floats(0, 1))
def test_attacks_are_undone_by_tables_of_unicode(text: str, seed: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    wide = full_width(text, rng, rate=rate)
    assert unicodedata.normalize("NFKC", wide) == text and len(wide) == len(text)
    for attack, added in ((add_diacritics, MARKS), (insert_zero_width, ZERO_WIDTH)):
        changed = attack(text, rng, rate=rate)
        assert changed.translate({ord(character): None for character in added}) == text


def test_tables_hold_what_their_names_say() -> None:
    assert all(unicodedata.category(character) == "Cf" for character in ZERO_WIDTH)
    assert all(unicodedata.combining(character) for character in MARKS)
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
    assert not set(leetspeak("Testable gizmo", rng, rate=1.0).lower()) & set(LEET)
