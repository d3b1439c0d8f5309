"""Glyphs to ink: an atlas of glyph bitmaps, added up where they meet.

FreeType fills the outlines unhinted, with exact coverage, so that a bitmap depends on the outline
and the size alone. Where glyphs overlap their ink is added, up to 255: the order does not matter.
"""

import ctypes
from typing import NamedTuple

import freetype
import numpy as np

from pixel_linguist.render.fonts import BOX_FONT, Chain
from pixel_linguist.render.layout import Glyph, Shaped

_FLAGS = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP | freetype.FT_LOAD_RENDER

# What a bitmap costs in memory beside its ink.
_OVERHEAD = 400


class Bitmap(NamedTuple):
    """Ink uint8 [h, w]; its upper left pixel lies `left` right of and `top` above the origin."""

    ink: np.ndarray
    left: int
    top: int


class Atlas:
    """Bitmaps of the glyphs of a chain of fonts. Not safe for several threads at once."""

    def __init__(self, chain: Chain, box_width: int, memory: int):
        """Set the fonts.

        Args:
            chain: of fonts, at a size.
            box_width: pixels of the box for what is missing.
            memory: bytes that bitmaps may take.
        """
        self._chain, self.memory = chain, memory
        self._box = _box(chain.size, box_width)
        self._bitmaps: dict[tuple[int, int], Bitmap] = {}
        self.nbytes = 0

    def bitmap(self, font: int, index: int) -> Bitmap:
        """Return the bitmap of a glyph."""
        if font == BOX_FONT:
            return self._box
        known = self._bitmaps.get((font, index))
        if known is None:
            known = self._load(font, index)
            self.nbytes += known.ink.nbytes + _OVERHEAD
            if self.nbytes > self.memory:
                self._bitmaps.clear()
                self.nbytes = 0
            self._bitmaps[font, index] = known
        return known

    def _load(self, font: int, index: int) -> Bitmap:
        face = self._chain.font(font).outlines
        face.load_glyph(index, _FLAGS)
        slot, bitmap = face.glyph, face.glyph.bitmap
        # `bitmap.buffer` would be a list with an object for each byte.
        ink = ctypes.string_at(bitmap._FT_Bitmap.buffer, bitmap.rows * bitmap.pitch)
        rows = np.frombuffer(ink, np.uint8).reshape(bitmap.rows, bitmap.pitch)
        return Bitmap(rows[:, : bitmap.width].copy(), slot.bitmap_left, slot.bitmap_top)

    def extent(self, shaped: Shaped) -> tuple[int, int]:
        """Return the columns [left, right) that the ink of a unit takes."""
        left, right = 0, shaped.width
        for glyph in shaped.glyphs:
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
            x: the column of the unit's start.
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


def add_ink(ink: np.ndarray, columns: np.ndarray, new: np.ndarray) -> None:
    """Add columns of ink, uint8 [n, H], to some of a strip; the same may be among them again."""
    whole = np.dtype((np.void, ink.shape[1]))
    while len(columns):
        once, first = columns, np.arange(len(columns))
        if not (columns[1:] > columns[:-1]).all():
            once, first = np.unique(columns, return_index=True)
        below = ink.take(once, axis=0)
        below += np.minimum(new.take(first, axis=0), 255 - below)
        # A column as one value is written much faster than its rows.
        ink.view(whole)[once] = below.view(whole)
        if len(once) == len(columns):
            return
        columns, new = np.delete(columns, first), np.delete(new, first, axis=0)


def _box(size: int, width: int) -> Bitmap:
    height = max(size * 7 // 640, 3)
    ink = np.zeros((height, max(width - 2, 3)), np.uint8)
    ink[[0, -1]] = 255
    ink[:, [0, -1]] = 255
    return Bitmap(ink, 1, height)
