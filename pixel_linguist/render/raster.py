"""Glyphs to ink: an atlas of glyph bitmaps, added up where they meet.

FreeType fills the outlines unhinted, with exact coverage, so that a bitmap depends on the outline
and the size alone. Where glyphs overlap their ink is added, up to 255: the order does not matter.
"""

from typing import NamedTuple

import freetype
import numpy as np

from pixel_linguist.render.fonts import Font
from pixel_linguist.render.layout import BOX_FONT, Glyph, Word

_FLAGS = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP | freetype.FT_LOAD_RENDER


class Bitmap(NamedTuple):
    """Ink uint8 [h, w]; its upper left pixel lies `left` right of and `top` above the origin."""

    ink: np.ndarray
    left: int
    top: int


class Atlas:
    """Bitmaps of the glyphs of some fonts at one size. Not safe for several threads at once."""

    def __init__(self, fonts: list[Font], size: int, box_width: int):
        """Set the size, in 64ths of a pixel, and the width of the box for what is missing."""
        self._fonts = fonts
        self._bitmaps: dict[tuple[int, int], Bitmap] = {(BOX_FONT, 0): _box(size, box_width)}
        for font in fonts:
            font.outlines.set_char_size(size, size, 72, 72)

    def bitmap(self, font: int, index: int) -> Bitmap:
        """Return the bitmap of a glyph."""
        known = self._bitmaps.get((font, index))
        if known is None:
            known = self._bitmaps[font, index] = self._load(font, index)
        return known

    def _load(self, font: int, index: int) -> Bitmap:
        face = self._fonts[font].outlines
        face.load_glyph(index, _FLAGS)
        slot, bitmap = face.glyph, face.glyph.bitmap
        rows = np.array(bitmap.buffer, np.uint8).reshape(bitmap.rows, bitmap.pitch)
        return Bitmap(rows[:, : bitmap.width].copy(), slot.bitmap_left, slot.bitmap_top)

    def extent(self, word: Word) -> tuple[int, int]:
        """Return the columns [left, right) that the ink of a word takes."""
        left, right = 0, word.width
        for glyph in word.glyphs:
            bitmap = self.bitmap(glyph.font, glyph.number)
            start = glyph.x + bitmap.left
            if bitmap.ink.size:
                left, right = min(left, start), max(right, start + bitmap.ink.shape[1])
        return left, right

    def draw(self, glyphs: list[Glyph], canvas: np.ndarray, x: int, baseline: int) -> None:
        """Add the ink of glyphs to a canvas, uint8 [height, width]; cut at its edges.

        Args:
            glyphs: of one line.
            canvas: to draw on.
            x: the column of the word's start.
            baseline: the rows above the baseline.
        """
        height, width = canvas.shape
        for glyph in glyphs:
            ink, left, top = self.bitmap(glyph.font, glyph.number)
            row, column = baseline - glyph.y - top, x + glyph.x + left
            up, down = max(row, 0), min(row + ink.shape[0], height)
            start, end = max(column, 0), min(column + ink.shape[1], width)
            if up < down and start < end:
                part = canvas[up:down, start:end]
                new = ink[up - row : down - row, start - column : end - column]
                # 255 - max(255 - a, b) + b is min(a + b, 255) without a wider type.
                np.add(part, np.minimum(new, 255 - part), out=part)


def _box(size: int, width: int) -> Bitmap:
    height = max(size * 7 // 640, 3)
    ink = np.zeros((height, max(width - 2, 3)), np.uint8)
    ink[[0, -1]] = 255
    ink[:, [0, -1]] = 255
    return Bitmap(ink, 1, height)
