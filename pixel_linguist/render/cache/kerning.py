"""Advances of letters by the following letter, learned from HarfBuzz once for each pair.

For fonts with `pairs` in the manifest: in eligible words the glyph of a letter depends on that
letter alone, and its advance (kerning) on that letter and the next. Asking once for each pair is
equivalent to shaping each word, at a small fraction of the cost.
"""

import numpy as np

from pixel_linguist.render.layout import Layout
from pixel_linguist.render.ragged import Codes

# Letters in a table; its size grows with their square.
_MOST = 512
_UNKNOWN, _ODD = -2, -1


class KerningTable:
    """Letters of one font, with code points below 2**16."""

    def __init__(self, layout: Layout, font: int):
        """Begin with no pair of the font, an index into the layout's chain."""
        self._layout, self._font = layout, font
        # Letters are numbered as they come; 0 is the end of a word, 1 a letter that has no place.
        self._slots = np.full(1 << 16, -1, np.int16)
        self._letters = ["", ""]
        self._glyphs = np.zeros(_MOST, np.int64)
        # By letter and next letter: pixels of the advance, and of the shift within it.
        self._advances, self._shifts = _table(64), _table(64)

    def shape(self, words: Codes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shape words.

        Args:
            words: eligible ones of this font, with n code points, their ends included.

        Returns:
            For each code point int64 [n]: the glyph, its advance in pixels, and pixels by which it
            moves right within that. The advance is 0 at the ends of words, and negative where
            letters join or move one another, so that the word must be shaped as a whole.
        """
        slots = self._slots[words.codes]
        slots[words.end] = 0
        if slots.min() < 0:
            self._add(np.unique(words.codes[slots < 0]).tolist())
            slots = self._slots[words.codes]
            slots[words.end] = 0
        pairs = slots.astype(np.int64) * len(self._advances)
        pairs[:-1] += slots[1:]
        advances = self._advances.take(pairs)
        new = advances == _UNKNOWN
        if new.any():
            self._learn(*np.divmod(np.unique(pairs[new]), len(self._advances)))
            advances = self._advances.take(pairs)
        return self._glyphs[slots], advances, self._shifts.take(pairs)

    def _add(self, codes: list[int]) -> None:
        """Number new letters."""
        room = _MOST - len(self._letters)
        self._slots[codes[room:]] = 1
        self._slots[codes[:room]] = np.arange(len(codes[:room])) + len(self._letters)
        self._letters += map(chr, codes[:room])
        old = len(self._advances)
        if len(self._letters) > old:
            for name in ("_advances", "_shifts"):
                larger = _table(1 << (len(self._letters) - 1).bit_length())
                larger[:old, :old] = getattr(self, name)
                setattr(self, name, larger)

    def _learn(self, first: np.ndarray, second: np.ndarray) -> None:
        """Shape pairs of letters; the second is empty at the end of a word."""
        numbers = zip(first.tolist(), second.tolist(), strict=True)
        distances = np.array([self._distance(a, b) for a, b in numbers])
        advances, shifts = self._layout.advances(distances, self._font)
        self._advances[first, second] = np.where(advances > 0, advances, _ODD)
        self._shifts[first, second] = shifts

    def _distance(self, first: int, second: int) -> int:
        """Return the advance of a letter in font units, 0 if it does not stand alone."""
        text = self._letters[first] + self._letters[second]
        infos, places = self._layout.glyphs(text, self._font, False)
        glyph = infos[0].codepoint
        apart = [info.cluster for info in infos] == [*range(len(text))]
        still = not any(place.x_offset or place.y_offset for place in places)
        if not (glyph and apart and still and self._glyphs[first] in (0, glyph)):
            return 0
        self._glyphs[first] = glyph
        return int(places[0].x_advance)


def _table(size: int) -> np.ndarray:
    table = np.full((size, size), _UNKNOWN, np.int64)
    table[:, 1] = table[1] = _ODD
    table[0] = 0
    return table
