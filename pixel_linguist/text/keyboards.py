"""Keyboard layouts of several scripts, and the letters on adjacent keys.

Source: the national layouts of xkeyboard-config (symbols us, ru, in(deva) = InScript, gr, il, ara).
"""

import unicodedata
from functools import lru_cache

# Script (as `graphemes.script` names it) → layers (unshifted, shifted) → rows from the top. A space
# stands for a key without a letter. Marks (vowel signs, virama) have their keys, but are not drawn.
LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "LATIN": (("qwertyuiop", "asdfghjkl", "zxcvbnm"),),
    "CYRILLIC": (("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),),
    "GREEK": ((" ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),),
    "HEBREW": (("  קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),),
    "ARABIC": (("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤر ىةوزظ"),),
    "DEVANAGARI": (
        ("ौैाीूबहगदजड\u093c", "ोे\u094dिुपरकतचट", "\u0946\u0902मनवलस  य"),
        ("औऐआईऊभङघधझढञ", "ओएअइउफऱखथछठ", "ऎ\u0901णऩऴळशष \u095f"),
    ),
    "DIGIT": (("1234567890",),),
}

# Shift of each row to the right of the top row, in keys.
_ROW_OFFSETS = (0.0, 0.25, 0.75)


def _adjacent_letters() -> dict[str, tuple[str, ...]]:
    """Map each letter to the letters on keys that touch its own, in the same layer."""
    adjacent: dict[str, tuple[str, ...]] = {}
    for layers in LAYOUTS.values():
        for rows in layers:
            keys = [
                (letter, number, column + _ROW_OFFSETS[number])
                for number, row in enumerate(rows)
                for column, letter in enumerate(row)
                if letter.isalnum()
            ]
            for letter, row_number, x in keys:
                adjacent[letter] = tuple(
                    other
                    for other, other_row, other_x in keys
                    if (other_row == row_number and abs(other_x - x) == 1)
                    or (abs(other_row - row_number) == 1 and abs(other_x - x) < 1)
                )
    return adjacent


_ADJACENT = _adjacent_letters()


@lru_cache(maxsize=1 << 16)
def adjacent_letters(letter: str) -> tuple[str, ...]:
    """Return the letters on the keys that touch the key of one character, in its case.

    An accented letter without a key has the neighbours of its base letter. A character without a
    key has none.
    """
    lower = letter.lower()
    adjacent = _ADJACENT.get(lower) or _ADJACENT.get(unicodedata.normalize("NFD", lower)[0], ())
    return tuple(other.upper() for other in adjacent) if letter.isupper() else adjacent


@lru_cache(maxsize=256)
def alphabet(script: str) -> tuple[str, ...]:
    """Return the lower-case letters on the layout of a script, () for a script without a layout."""
    layers = LAYOUTS.get(script, ())
    return tuple(letter for rows in layers for row in rows for letter in row if letter.isalnum())
