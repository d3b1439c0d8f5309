"""Which words are plain: each character one glyph of one font, on the baseline, not reshaped.

So it is in Latin, Cyrillic or Han without loose marks. New words are most of the work where nearly
all are known, and plain ones can be shaped and drawn as arrays.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import category, name, normalize

import numpy as np

from pixel_linguist.render.fonts import BOX_FONT, Chain
from pixel_linguist.render.ragged import Codes

# Scripts by the first word of their letters' names: such letters are not reshaped by neighbours.
_PLAIN = {
    "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "ETHIOPIC", "CHEROKEE",
    "CJK", "HIRAGANA", "KATAKANA", "HANGUL",
}  # fmt: skip
# Letters that join to syllables, each several letters to a cluster, and fillers, which have no
# picture though they are letters.
_ODD = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u3164\uffa0]")
# No character; those beyond the basic plane count as it does.
_LAST = 0xFFFF


class Group(NamedTuple):
    """Words of one font.

    Attributes:
        font: an index into the chain.
        pairs: whether their pairs of letters say how they are shaped. Other groups are those whose
            first letter is of the same script, by which HarfBuzz goes.
        numbers: int64 [n], of the words.
        words: their letters.
    """

    font: int
    pairs: bool
    numbers: np.ndarray
    words: Codes


class Plain:
    """Finds plain words. Not safe for several threads at once."""

    def __init__(self, chain: Chain):
        self._chain = chain
        # By code point its kind: 0 not met yet, 1 not plain, others by font and script.
        self._kind = np.zeros(_LAST + 1, np.uint8)
        self._kind[_LAST] = 1
        self._kinds = {(BOX_FONT, "?"): 1}
        # By kind: its font, whether that has pairs, and whether it stands beside any script.
        self._font = np.full(256, BOX_FONT, np.int16)
        self._pairs, self._neutral = np.zeros((2, 256), bool)

    def groups(self, words: Codes) -> Iterator[Group]:
        """Group those words that are plain, by what shapes them together.

        Args:
            words: none of them empty.
        """
        codes = np.minimum(words.codes, _LAST)
        start, end = words.start, words.end
        kind = self._kind[codes]
        if not kind.all():
            for code in np.unique(codes[kind == 0]).tolist():
                self._kind[code] = self._kind_of(chr(code))
            kind = self._kind[codes]
        kind[end] = kind[end - 1]
        one = self._one(kind)
        if one is not None:
            yield Group(one, True, np.arange(len(end)), words)
            return
        font, neutral = self._font[kind], self._neutral[kind]
        high = np.maximum.reduceat(np.where(neutral, 0, kind), start)
        low = np.minimum.reduceat(np.where(neutral, 255, kind), start)
        group = np.where(high, high, kind[start])
        mixed = low < high
        if mixed.any():
            place = np.where(neutral, len(codes), np.arange(len(codes)))
            group[mixed] = kind[np.minimum.reduceat(place, start)[mixed]]
        one = np.minimum.reduceat(font, start) == np.maximum.reduceat(font, start)
        group[~one] = 1
        for number in sorted({*self._font[group].tolist()}):
            chosen = self._pairs[group] & ~mixed & (self._font[group] == number)
            if number != BOX_FONT and chosen.any():
                yield Group(number, True, np.flatnonzero(chosen), words.of(chosen))
                group[chosen] = 1
        for number in sorted({*group.tolist()} - {1}):
            chosen = group == number
            yield Group(int(self._font[number]), False, np.flatnonzero(chosen), words.of(chosen))

    def _one(self, kind: np.ndarray) -> int | None:
        """Return the font with pairs that has all letters, at most one script among them."""
        found = np.flatnonzero(np.bincount(kind))
        first = int(self._font[found[0]])
        same = self._pairs[found].all() and (self._font[found] == first).all()
        return first if same and np.count_nonzero(~self._neutral[found]) < 2 else None

    def _kind_of(self, character: str) -> int:
        script = _script(character)
        plain = script in _PLAIN or not script
        font = self._chain.font_of(character) if plain else BOX_FONT
        if font == BOX_FONT:
            return 1
        number = self._kinds.setdefault((font, script), len(self._kinds) + 1)
        if number > 255:
            return 1
        self._font[number], self._neutral[number] = font, not script
        self._pairs[number] = self._chain.font(font).pairs
        return number


def _script(character: str) -> str:
    """Return the script of a letter, "" for what stands beside any script, "?" for the rest."""
    kind = category(character)
    if normalize("NFC", character) != character or _ODD.match(character):
        return "?"
    if kind[0] == "L":
        return name(character, "?").partition(" ")[0]
    return "" if kind[0] in "NPS" else "?"
