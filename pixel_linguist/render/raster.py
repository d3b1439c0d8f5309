"""Glyphs to ink: an atlas of glyph bitmaps, added up where they overlap.

FreeType fills the outlines unhinted, with exact coverage, so that a bitmap depends on the outline
and the size alone. Overlapping ink is added, up to 255, so that the order does not matter.
"""

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import freetype
import numpy as np

from pixel_linguist.render.boxes import draw_box
from pixel_linguist.render.fallback import BOX_FONT, Chain
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import ranges

_FLAGS = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP | freetype.FT_LOAD_RENDER
# Glyphs that are drawn at once, in some 10 MB of arrays.
_GLYPHS = 2048
# Bytes of a bitmap besides its ink.
_OVERHEAD = 400


class Bitmap(NamedTuple):
    """Ink uint8 [h, w]; its upper left pixel is `left` right of and `top` above the origin."""

    ink: np.ndarray
    left: int
    top: int


class Atlas:
    """Bitmaps of the glyphs of a chain of fonts, in `memory` bytes. Not thread-safe."""

    def __init__(self, chain: Chain, memory: int):
        self._chain, self.memory = chain, memory
        self._bitmaps: dict[tuple[int, int], Bitmap] = {}
        self._nbytes = 0

    def bitmap(self, font: int, index: int) -> Bitmap:
        """Return the bitmap of a glyph, or of the box of a code point."""
        bitmap = self._bitmaps.get((font, index))
        if bitmap is None:
            bitmap = self._load(font, index)
            self._nbytes += bitmap.ink.nbytes + _OVERHEAD
            if self._nbytes > self.memory:
                self._bitmaps.clear()
                self._nbytes = 0
            self._bitmaps[font, index] = bitmap
        return bitmap

    def _load(self, font: int, index: int) -> Bitmap:
        if font == BOX_FONT:
            return Bitmap(draw_box(index, self._chain.box_height), 1, self._chain.box_top)
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

    def draw(
        self,
        units: Sequence[Shaped],
        left: np.ndarray,
        right: np.ndarray,
        height: int,
        baseline: int,
    ) -> np.ndarray:
        """Draw N units side by side.

        Args:
            left: int64 [N], the first column of each picture, relative to the unit's start.
            right: int64 [N], the column behind its last; ink outside is cut.
            baseline: rows above the baseline.

        Returns:
            Ink uint8 [sum of right - left, height].
        """
        half, many = len(units) // 2, sum(len(unit.glyphs) for unit in units)
        if many > _GLYPHS and half:
            parts = slice(None, half), slice(half, None)
            return np.concatenate(
                [self.draw(units[s], left[s], right[s], height, baseline) for s in parts]
            )
        glyphs = [glyph for unit in units for glyph in unit.glyphs]
        # Each glyph is turned into columns once for each height at which it stands.
        numbers: dict[tuple[int, int, int], int] = {}
        number = np.array(
            [numbers.setdefault((g.font, g.number, g.y), len(numbers)) for g in glyphs], np.int64
        )
        bitmaps = [self.bitmap(font, index) for font, index, _ in numbers]
        width = np.array([bitmap.ink.shape[1] for bitmap in bitmaps], np.int64)
        first = width.cumsum() - width
        columns = np.zeros((int(width.sum()), height), np.uint8)
        for (_, _, y), bitmap, start in zip(numbers, bitmaps, first.tolist(), strict=True):
            row, (rows, wide) = baseline - y - bitmap.top, bitmap.ink.shape
            up, down = max(row, 0), min(row + rows, height)
            if up < down:
                columns[start : start + wide, up:down] = bitmap.ink[up - row : down - row].T
        owner = np.arange(len(units)).repeat([len(unit.glyphs) for unit in units])
        x = np.array([glyph.x for glyph in glyphs], np.int64)
        x += np.array([bitmap.left for bitmap in bitmaps], np.int64)[number]
        begin = np.maximum(x, left[owner])
        visible = np.maximum(np.minimum(x + width[number], right[owner]) - begin, 0)
        end = (right - left).cumsum()
        place = ranges((end - right)[owner] + begin, visible)
        source = columns[ranges(first[number] + begin - x, visible)]
        index = place[:, None] * height + np.arange(height)
        ink = np.bincount(index.ravel(), source.ravel(), int(end[-1]) * height)
        return np.minimum(ink, 255).astype(np.uint8).reshape(-1, height)


def add_ink(ink: np.ndarray, columns: np.ndarray, new: np.ndarray) -> None:
    """Add new ink, uint8 [n, H], to columns [n] of a strip in place; columns may repeat."""
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
