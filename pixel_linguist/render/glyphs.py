"""Glyph runs: a batch of texts as glyphs on the patch grid, to be drawn later, here or elsewhere.

What is sent to an accelerator is the runs and the few bitmaps they use, not the pixels.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import numpy as np

from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.placement import Placed
from pixel_linguist.render.store import OVERHEAD, Full, Store
from pixel_linguist.render.vocabulary import longer


@dataclasses.dataclass(frozen=True, eq=False)
class GlyphRuns:
    """B texts as up to G pieces of glyph bitmaps each, in any order.

    The patches of a text stand side by side as one strip, `height` rows and `length` * `width`
    columns. A piece is a bitmap `tiles[glyphs[b, g]]` whose upper left pixel lies at row `y[b, g]`
    and column `x[b, g]` of the strip; what of it lies outside the strip is not drawn. Where pieces
    overlap their ink is added, up to 255.

    Attributes:
        glyphs: uint16 [B, G] (uint32 where there are more tiles); 0 is the blank tile, with which
            rows are filled up.
        x: int16 [B, G].
        y: int16 [B, G].
        count: int32 [B], patches of each text, at least 1.
        tiles: uint8 [T, h, w], the bitmaps of this batch; tile 0 is blank. G and T are powers of
            two, so that few shapes occur.
        length: patches S.
        patch: their height and width.
    """

    glyphs: np.ndarray
    x: np.ndarray
    y: np.ndarray
    count: np.ndarray
    tiles: np.ndarray
    length: int
    patch: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(a.nbytes for a in (self.glyphs, self.x, self.y, self.count, self.tiles))


def rasterise(runs: GlyphRuns) -> np.ndarray:
    """Draw glyph runs, uint8 [B, S, H, W]."""
    height, width = runs.patch
    rows, columns = runs.tiles.shape[1:]
    # A border as wide as a tile takes up what lies outside.
    canvas = np.zeros(
        (len(runs.glyphs), height + 2 * rows, runs.length * width + 2 * columns), np.int32
    )
    text, piece = np.nonzero(runs.glyphs)
    y = np.clip(runs.y[text, piece].astype(np.int64), -rows, height) + rows
    x = np.clip(runs.x[text, piece].astype(np.int64), -columns, runs.length * width) + columns
    index = (
        text[:, None, None],
        y[:, None, None] + np.arange(rows)[:, None],
        x[:, None, None] + np.arange(columns),
    )
    np.add.at(canvas, index, runs.tiles[runs.glyphs[text, piece]])
    strips = np.minimum(canvas[:, rows : rows + height, columns:-columns], 255).astype(np.uint8)
    patches = strips.reshape(len(strips), height, runs.length, width).swapaxes(1, 2)
    return np.ascontiguousarray(patches)


class RunStore(Store):
    """Units as pieces of glyph bitmaps, no larger than a patch."""

    def __init__(self, grid: Grid, lock: Lock, memory: int, aligned: bool):
        """Make room for `memory` bytes, at the least for what one text shows.

        Args:
            grid: to stand on.
            lock: for what is added.
            memory: in bytes.
            aligned: units start at patches and are cut at the edges of those they take.
        """
        super().__init__(grid, lock)
        self._aligned = aligned
        self._left = max(memory, 64 * grid.max_patches * grid.width * (grid.height + OVERHEAD))
        # Tile 0 is blank, tile 1 is black.
        self.tiles = np.zeros((256, grid.height, grid.width), np.uint8)
        self.tiles[1] = 255
        self._tiles: dict[bytes, int] = {}
        # Tiles by font, glyph, and the edges of the part of it that they hold.
        self._cuts: dict[tuple[int, ...], int] = {}
        self._used = 0
        self.first = np.zeros(1024, np.int64)
        self.pieces = np.zeros(1024, np.int64)
        # By piece: its tile, and its upper left corner from the unit's start and the top row.
        self.tile = np.zeros(4096, np.int64)
        self.x = np.zeros(4096, np.int64)
        self.y = np.zeros(4096, np.int64)

    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        for i, unit in enumerate(shaped):
            self._keep_one(number + i, unit)

    def _keep_one(self, number: int, shaped: Shaped) -> None:
        found = [*self._cut_up(shaped)]
        self._left -= OVERHEAD + 24 * len(found)
        if number and self._left < 0:
            raise Full
        start, end = self._used, self._used + len(found)
        self.first, self.pieces = longer(self.first, number + 1), longer(self.pieces, number + 1)
        self.first[number], self.pieces[number] = start, len(found)
        self.tile, self.x, self.y = (longer(a, end) for a in (self.tile, self.x, self.y))
        if found:
            self.tile[start:end], self.x[start:end], self.y[start:end] = zip(*found, strict=True)
        self._used = end

    def _cut_up(self, shaped: Shaped) -> Iterator[tuple[int, int, int]]:
        """Cut the glyphs of a unit into pieces that a tile can hold: tile, column, row."""
        grid = self.grid
        left = -grid.margin if self._aligned else -(1 << 14)
        taken = -(-(grid.margin + shaped.width + grid.gap) // grid.width) * grid.width
        right = min(taken, grid.max_patches * grid.width) - grid.margin
        if not self._aligned:
            right = grid.max_patches * grid.width
        for glyph in shaped.glyphs:
            ink, x, above = grid.atlas.bitmap(glyph.font, glyph.number)
            x, y = x + glyph.x, grid.baseline - glyph.y - above
            top, bottom = max(-y, 0), min(grid.height - y, ink.shape[0])
            start, end = max(left - x, 0), min(right - x, ink.shape[1])
            for row in range(top, bottom, grid.height):
                for column in range(start, end, grid.width):
                    below = min(row + grid.height, bottom)
                    behind = min(column + grid.width, end)
                    key = glyph.font, glyph.number, row, below, column, behind
                    tile = self._cuts.get(key)
                    if tile is None:
                        tile = self._cuts[key] = self._tile(ink[row:below, column:behind])
                        self._left -= OVERHEAD
                    yield tile, x + column, y + row

    def _tile(self, ink: np.ndarray) -> int:
        tile = np.zeros(self.tiles.shape[1:], np.uint8)
        tile[: ink.shape[0], : ink.shape[1]] = ink
        key = tile.tobytes()
        known = self._tiles.get(key)
        if known is None:
            known = len(self._tiles) + 2
            self._left -= 2 * tile.nbytes + OVERHEAD
            self.tiles = longer(self.tiles, known + 1)
            self.tiles[known] = tile
            self._tiles[key] = known
        return known

    def _crop(
        self, x: np.ndarray, tile: np.ndarray, end: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut what of pieces lies outside columns 0 to `end` of their text."""
        width = self.grid.width
        for i in np.flatnonzero((x < 0) | (x + width > end)):
            start, stop = max(-x[i], 0), min(end[i] - x[i], width)
            ink = self.tiles[tile[i]]
            if ink[:, :start].any() or ink[:, max(stop, 0) :].any():
                with self._lock:
                    tile[i] = self._tile(ink[:, start : max(stop, start)])
                x[i] += start
        return x, tile

    def draw(self, placed: Placed, length: int) -> GlyphRuns:
        """Put together a batch of B texts, `length` patches long."""
        grid = self.grid
        pieces = self.pieces[placed.ids]
        before = np.cumsum(pieces) - pieces
        index = np.repeat(self.first[placed.ids] - before, pieces) + np.arange(pieces.sum())
        x = np.repeat(placed.x, pieces) + self.x[index]
        y, tile = self.y[index], self.tile[index]
        ends = np.concatenate([[0], np.cumsum(pieces)])[placed.bounds]
        text = np.repeat(np.arange(len(placed.count)), np.diff(ends))
        x, tile = self._crop(x, tile, placed.count[text] * grid.width)
        count, rows = placed.count, placed.rows
        if rows is not None:
            x = x + rows.offset[text] * grid.width
            text = np.concatenate([rows.text[text], rows.black[:, 0]])
            order = np.argsort(text, kind="stable")
            black = np.ones(len(rows.black), np.int64)
            text, tile = text[order], np.concatenate([tile, black])[order]
            x = np.concatenate([x, rows.black[:, 1] * grid.width])[order]
            y = np.concatenate([y, 0 * black])[order]
            count = rows.count
        many = np.bincount(text, minlength=len(count))
        used, number = np.unique(tile, return_inverse=True)
        row = np.arange(_power(int(many.max(initial=1)))) < many[:, None]

        def filled(values: np.ndarray, kind: type[np.generic]) -> np.ndarray:
            array = np.zeros(row.shape, kind)
            array[row] = values
            return array

        tiles = np.zeros((_power(len(used) + 1), grid.height, grid.width), np.uint8)
        tiles[1 : len(used) + 1] = self.tiles[used]
        return GlyphRuns(
            glyphs=filled(number + 1, glyph_type(len(tiles))),
            x=filled(x, np.int16),
            y=filled(y, np.int16),
            count=count.astype(np.int32),
            tiles=tiles,
            length=length,
            patch=(grid.height, grid.width),
        )


def join_runs(parts: Sequence[GlyphRuns]) -> GlyphRuns:
    """Put batches of one length together."""
    if len(parts) == 1:
        return parts[0]
    pieces = max(part.glyphs.shape[1] for part in parts)
    tiles = np.concatenate([part.tiles[1:] for part in parts])
    used = len(tiles) + 1
    first = np.cumsum([0, *(len(part.tiles) - 1 for part in parts)])
    glyphs = [
        np.where(part.glyphs, part.glyphs.astype(np.int64) + start, 0).astype(glyph_type(used))
        for part, start in zip(parts, first[:-1], strict=True)
    ]

    def stacked(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(
            [np.pad(array, ((0, 0), (0, pieces - array.shape[1]))) for array in arrays]
        )

    return dataclasses.replace(
        parts[0],
        glyphs=stacked(glyphs),
        x=stacked([part.x for part in parts]),
        y=stacked([part.y for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        tiles=np.pad(tiles, ((1, _power(used) - used), (0, 0), (0, 0))),
    )


def renumber(runs: GlyphRuns) -> GlyphRuns:
    """Number tiles in the order in which texts show them, and equal ones alike.

    A renderer numbers tiles as it comes to know them; after this, the arrays of the same texts are
    the same whatever was laid out before, on whichever host.
    """
    blank = runs.tiles[0].tobytes()
    numbers: dict[bytes, int] = {blank: 0}
    alike = np.array([numbers.setdefault(tile.tobytes(), len(numbers)) for tile in runs.tiles])
    glyphs = alike[runs.glyphs]
    shown, first = np.unique(glyphs, return_index=True)
    order = shown[np.argsort(np.where(shown, first, -1))]
    order = order if len(order) and order[0] == 0 else np.concatenate([[0], order])
    rank = np.zeros(len(numbers), np.int64)
    rank[order] = np.arange(len(order))
    tiles = np.zeros((_power(len(order)), *runs.tiles.shape[1:]), np.uint8)
    tiles[: len(order)] = runs.tiles[np.unique(alike, return_index=True)[1]][order]
    return dataclasses.replace(
        runs, glyphs=rank[glyphs].astype(glyph_type(len(tiles))), tiles=tiles
    )


def glyph_type(tiles: int) -> type[np.unsignedinteger[Any]]:
    """Return the type that counts so many tiles."""
    return np.uint16 if tiles <= 1 << 16 else np.uint32


def _power(number: int) -> int:
    """Return the smallest power of two that is at least 32 and at least a number."""
    return max(1 << (number - 1).bit_length(), 32)
