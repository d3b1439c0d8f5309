"""Advances of letters by the letter that follows, learned from HarfBuzz once a pair.

For fonts of which the manifest says `pairs`: in plain words the glyph of a letter depends on that
letter alone, and its advance (kerning) on that letter and the next. Asking for each pair once is
then the same as shaping each word, at a small part of the cost.
"""

import numpy as np

from pixel_linguist.render.layout import Layout
from pixel_linguist.render.spans import Spans

# Letters of one script; tables grow with their square.
_MOST = 512
_UNKNOWN, _ODD = -2, -1


class Pairs:
    """Letters of one font and one script, by code points below 2**16."""

    def __init__(self, layout: Layout, font: int, letter: str):
        """Begin with no pair.

        Args:
            layout: that shapes.
            font: in its chain.
            letter: of the script, so that HarfBuzz knows which it is; "" for none.
        """
        self._layout, self._font, self._letter = layout, font, letter
        # Letters are numbered as they come; 0 is the end of a word, 1 those that are too many.
        self._slots = np.full(1 << 16, -1, np.int16)
        self._letters = ["", ""]
        self._numbers = np.zeros(_MOST, np.int64)
        self._distances = self._table(64)

    @staticmethod
    def _table(size: int) -> np.ndarray:
        table = np.full((size, size), _UNKNOWN, np.int32)
        table[:, 1] = table[1] = _ODD
        return table

    def shape(self, words: Spans) -> tuple[np.ndarray, np.ndarray]:
        """Shape words.

        Args:
            words: plain ones of this font and script, with n code points, their ends included.

        Returns:
            The glyph of each code point, and its advance in the font's units: below 0 where two
            letters join or move each other, so that the word must be shaped as a whole.
        """
        slots = self._slots[words.codes]
        slots[words.end] = 0
        if slots.min() < 0:
            self._meet(np.unique(words.codes[slots < 0]).tolist())
            slots = self._slots[words.codes]
            slots[words.end] = 0
        after = np.append(slots[1:], 0)
        distances = self._distances[slots, after]
        new = (distances == _UNKNOWN) & (slots > 0)
        if new.any():
            self._learn(np.unique(np.stack([slots[new], after[new]], 1), axis=0))
            distances = self._distances[slots, after]
        return self._numbers[slots], distances

    def _meet(self, codes: list[int]) -> None:
        """Give letters their numbers."""
        room = _MOST - len(self._letters)
        self._slots[codes[room:]] = 1
        self._slots[codes[:room]] = np.arange(len(codes[:room])) + len(self._letters)
        self._letters += map(chr, codes[:room])
        old = self._distances
        if len(self._letters) > len(old):
            self._distances = self._table(1 << (len(self._letters) - 1).bit_length())
            self._distances[: len(old), : len(old)] = old

    def _learn(self, pairs: np.ndarray) -> None:
        """Shape pairs, int [n, 2], each on its own line; the first line sets the script."""
        texts = [self._letters[a] + self._letters[b] for a, b in pairs.tolist()]
        text = "\n".join([self._letter, *texts, ""])
        infos, positions = self._layout.glyphs(text, self._font, False)
        glyphs = {info.cluster: i for i, info in enumerate(infos)}
        seen = np.bincount([info.cluster for info in infos], minlength=len(text))
        start = len(self._letter) + 1
        for (first, second), pair in zip(pairs.tolist(), texts, strict=True):
            letters = range(start, start + len(pair))
            start += len(pair) + 1
            distance = _ODD
            if all(seen[i] == 1 for i in letters):
                places = [positions[glyphs[i]] for i in letters]
                number = infos[glyphs[letters[0]]].codepoint
                still = not any(place.x_offset or place.y_offset for place in places)
                if number and still and self._numbers[first] in (0, number):
                    self._numbers[first] = number
                    distance = places[0].x_advance
            self._distances[first, second] = distance
