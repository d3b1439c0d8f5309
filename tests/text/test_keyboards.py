"""Keyboard layouts and adjacent keys."""

import pytest

from pixel_linguist.text.keyboards import LAYOUTS, adjacent_letters, alphabet


@pytest.mark.parametrize(
    ("letter", "adjacent"),
    [
        *[("g", "ftyhvb"), ("q", "wa"), ("Q", "WA"), ("p", "ol"), ("m", "njk"), ("é", "wrsd")],
        *[("й", "цф"), ("а", "кевпсм"), ("क", "रतगदस"), ("थ", "खछधझष"), ("5", "46")],
        *[("!", ""), ("한", ""), ("\ud800", "")],
    ],
)
def test_known_neighbours(letter: str, adjacent: str) -> None:
    assert set(adjacent_letters(letter)) == set(adjacent)


@pytest.mark.parametrize("script", LAYOUTS)
def test_neighbours_are_mutual_and_of_the_same_layout(script: str) -> None:
    letters = alphabet(script)
    assert len(set(letters)) == len(letters)
    for letter in letters:
        assert adjacent_letters(letter)
        assert letter not in adjacent_letters(letter)
        for other in adjacent_letters(letter):
            assert other in letters
            assert letter in adjacent_letters(other)


def test_alphabets_are_whole() -> None:
    assert sorted(alphabet("LATIN")) == [chr(code) for code in range(ord("a"), ord("z") + 1)]
    assert sorted(alphabet("CYRILLIC")) == [chr(code) for code in range(ord("а"), ord("я") + 1)]
    assert set(alphabet("HEBREW")) == {chr(code) for code in range(ord("א"), ord("ת") + 1)}
    assert set(alphabet("GREEK")) == {chr(code) for code in range(ord("α"), ord("ω") + 1)}
    assert alphabet("HANGUL") == ()
