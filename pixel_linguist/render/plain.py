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
from pixel_linguist.render.spans import Spans

# Scripts by the first word of their letters' names: such letters are not reshaped by neighbours.
_PLAIN = {
    "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "ETHIOPIC", "CHEROKEE",
    "CJK", "HIRAGANA", "KATAKANA", "HANGUL",
}  # fmt: skip
# Letters that join to syllables, each several letters to a cluster.
_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
# No character; those beyond the basic plane count as it does.
_LAST = 0xFFFF


class Group(NamedTuple):
    """Words of one font, and of one script unless the font has `pairs`.

    Attributes:
        font: an index into the chain.
        numbers: int64 [n], of the words.
        words: their letters.
    """

    font: int
    numbers: np.ndarray
    words: Spans


class Plain:
    """Finds plain words. Not safe for several threads at once."""

    def __init__(self, chain: Chain):
        self._chain = chain
        # By code point its kind: 0 not met yet, 1 not plain, others by font and script, or for a
        # font with `pairs` by font alone.
        self._kind = np.zeros(_LAST + 1, np.uint8)
        self._kind[_LAST] = 1
        self._kinds = {(BOX_FONT, "?"): 1}
        # By kind: its font, and whether it stands beside any script.
        self._font = np.full(256, BOX_FONT, np.int16)
        self._neutral = np.zeros(256, bool)

    def groups(self, words: Spans) -> Iterator[Group]:
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
        font = self._font[kind]
        lowest, highest = np.minimum.reduceat(font, start), np.maximum.reduceat(font, start)
        # The first letter that has a script, or the first of any.
        place = np.arange(len(codes))
        first = np.minimum.reduceat(np.where(self._neutral[kind], len(codes), place), start)
        first = np.where(first < len(codes), first, start)
        group = kind[first]
        group[(lowest != highest) | (lowest == BOX_FONT)] = 1
        keys = [*self._kinds]
        for number in np.unique(group[group > 1]).tolist():
            chosen = group == number
            yield Group(keys[number - 1][0], np.flatnonzero(chosen), words.of(chosen))

    def _kind_of(self, character: str) -> int:
        script = _script(character)
        plain = script in _PLAIN or not script
        font = self._chain.font_of(character) if plain else BOX_FONT
        if font == BOX_FONT or self._chain.font(font).pairs:
            script = "?"
        number = self._kinds.setdefault((font, script), len(self._kinds) + 1)
        if number > 255:
            return 1
        self._font[number], self._neutral[number] = font, not script
        return number


def _script(character: str) -> str:
    """Return the script of a letter, "" for what stands beside any script, "?" for the rest."""
    kind = category(character)
    if normalize("NFC", character) != character or _JAMO.match(character):
        return "?"
    if kind[0] == "L":
        return name(character, "?").partition(" ")[0]
    return "" if kind[0] in "NPS" else "?"
