"""Words that the fast path can shape: one font, one glyph for each character, on the baseline.

These are words in Latin, Cyrillic or Han script without loose combining marks, for example. Where
nearly all words of a batch are cached, new ones take most of the time, and eligible ones can be
shaped and drawn as arrays.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import category, name, normalize

import numpy as np

from pixel_linguist.render.fallback import BOX_FONT, Chain
from pixel_linguist.render.ragged import Codes

# Scripts whose letters are not reshaped by their neighbours, by the first word of letters' names.
_SCRIPTS = {
    "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "ETHIOPIC", "CHEROKEE",
    "CJK", "HIRAGANA", "KATAKANA", "HANGUL",
}  # fmt: skip
# Letters that join to syllables, several to a cluster, and fillers, which have no picture.
_ODD = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u3164\uffa0]")
# A noncharacter, which stands for all code points beyond the basic plane too.
_LAST = 0xFFFF


class Group(NamedTuple):
    """Words of one font.

    Attributes:
        font: index into the chain.
        pairs: whether pairs of letters determine the shaping. Otherwise the first letters of all
            words have the same script, from which HarfBuzz takes the script of a text.
        numbers: int64 [n], of the words.
        words: their letters.
    """

    font: int
    pairs: bool
    numbers: np.ndarray
    words: Codes


class EligibleWords:
    """Finds eligible words. Not thread-safe."""

    def __init__(self, chain: Chain):
        self._chain = chain
        # Kind of each code point: 0 unknown, 1 not eligible, others for each font and script.
        self._kind = np.zeros(_LAST + 1, np.uint8)
        self._kind[_LAST] = 1
        self._kinds = {(BOX_FONT, "?"): 1}
        # For each kind: its font, whether that has pairs, whether it occurs beside any script.
        self._font = np.full(256, BOX_FONT, np.int16)
        self._pairs, self._neutral = np.zeros((2, 256), bool)

    def groups(self, words: Codes) -> Iterator[Group]:
        """Yield the eligible words, none empty, in groups that can be shaped together."""
        codes = np.minimum(words.codes, _LAST)
        start, end = words.start, words.end
        kind = self._kind[codes]
        if not kind.all():
            for code in np.unique(codes[kind == 0]).tolist():
                self._kind[code] = self._kind_of(chr(code))
            kind = self._kind[codes]
        kind[end] = kind[end - 1]
        common = self._common_font(kind)
        if common is not None:
            yield Group(common, True, np.arange(len(end)), words)
            return
        font, neutral = self._font[kind], self._neutral[kind]
        high = np.maximum.reduceat(np.where(neutral, 0, kind), start)
        low = np.minimum.reduceat(np.where(neutral, 255, kind), start)
        group = np.where(high, high, kind[start])
        # Words of several scripts belong to the group of their first one.
        mixed = low < high
        if mixed.any():
            place = np.where(neutral, len(codes), np.arange(len(codes)))
            group[mixed] = kind[np.minimum.reduceat(place, start)[mixed]]
        one_font = np.minimum.reduceat(font, start) == np.maximum.reduceat(font, start)
        group[~one_font] = 1
        for number in sorted({*self._font[group].tolist()} - {BOX_FONT}):
            chosen = self._pairs[group] & ~mixed & (self._font[group] == number)
            if chosen.any():
                yield Group(number, True, np.flatnonzero(chosen), words.of(chosen))
                group[chosen] = 1
        for number in sorted({*group.tolist()} - {1}):
            chosen = group == number
            yield Group(int(self._font[number]), False, np.flatnonzero(chosen), words.of(chosen))

    def _common_font(self, kind: np.ndarray) -> int | None:
        """Return the font with pairs that has all letters, if they are of at most one script."""
        found = np.flatnonzero(np.bincount(kind))
        first = int(self._font[found[0]])
        same = self._pairs[found].all() and (self._font[found] == first).all()
        return first if same and np.count_nonzero(~self._neutral[found]) < 2 else None

    def _kind_of(self, character: str) -> int:
        script = _script(character)
        font = self._chain.font_of(character) if script in _SCRIPTS or not script else BOX_FONT
        if font == BOX_FONT:
            return 1
        number = self._kinds.setdefault((font, script), len(self._kinds) + 1)
        if number > 255:
            return 1
        self._font[number], self._neutral[number] = font, not script
        self._pairs[number] = self._chain.font(font).pairs
        return number


def _script(character: str) -> str:
    """Return the script of a letter, "" for digits and signs of any script, "?" for the rest."""
    kind = category(character)
    if normalize("NFC", character) != character or _ODD.match(character):
        return "?"
    if kind[0] == "L":
        return name(character, "?").partition(" ")[0]
    return "" if kind[0] in "NPS" else "?"
