"""A cache of units as pieces of glyph bitmaps, from which `GlyphRuns` are assembled."""

from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np

from pixel_linguist.render.cache.unit_cache import OVERHEAD, Full, UnitCache
from pixel_linguist.render.glyphs import GlyphRuns, glyph_type, power_of_two
from pixel_linguist.render.grid import Grid, Placed
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import longer, ranges


class RunCache(UnitCache):
    """Units as pieces of glyph bitmaps that are no larger than a patch."""

    def __init__(self, grid: Grid, lock: Lock, memory: int, aligned: bool):
        """Begin empty.

        Args:
            grid: of the units.
            lock: for additions.
            memory: bytes; at least the units of one text fit.
            aligned: units start at patches, and are cut at the edges of those they take.
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
        self.first, self.pieces = np.zeros((2, 1024), np.int64)
        # By piece: its tile, and its upper left corner from the unit's start and the top row.
        self.tile, self.x, self.y = np.zeros((3, 4096), np.int64)

    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        for i, unit in enumerate(shaped):
            self._keep_one(number + i, unit)

    def _keep_one(self, number: int, shaped: Shaped) -> None:
        found = [*self._cut_up(shaped)]
        # Units without a picture are free, so that one text may have any number of them.
        self._left -= OVERHEAD + 24 * len(found) if found else 0
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
        """Cut the glyphs of a unit into pieces that fit in a tile: tile, column, row."""
        grid = self.grid
        left, right = -(1 << 14), grid.max_patches * grid.width
        if self._aligned:
            taken = -(-(grid.margin + shaped.width + grid.gap) // grid.width) * grid.width
            left, right = -grid.margin, min(taken, right) - grid.margin
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
        number = self._tiles.get(key)
        if number is None:
            number = len(self._tiles) + 2
            self._left -= 2 * tile.nbytes + OVERHEAD
            self.tiles = longer(self.tiles, number + 1)
            self.tiles[number] = tile
            self._tiles[key] = number
        return number

    def _crop(
        self, x: np.ndarray, tile: np.ndarray, end: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut pieces at column 0 and at the `end` of their text; returns their x and tiles."""
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
        """Assemble a batch of B texts, `length` patches long."""
        grid = self.grid
        pieces = self.pieces[placed.ids]
        index = ranges(self.first[placed.ids], pieces)
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
        row = np.arange(power_of_two(int(many.max(initial=1)))) < many[:, None]

        def filled(values: np.ndarray, kind: type[np.generic]) -> np.ndarray:
            array = np.zeros(row.shape, kind)
            array[row] = values
            return array

        tiles = np.zeros((power_of_two(len(used) + 1), grid.height, grid.width), np.uint8)
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
