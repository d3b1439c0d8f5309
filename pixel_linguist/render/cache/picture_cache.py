"""The two caches of units, and the drawing of batches from them."""

import mmap
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from pixel_linguist.render.cache.shape import Drawn, add_overhang
from pixel_linguist.render.cache.unit_cache import OVERHEAD, Full, UnitCache
from pixel_linguist.render.grid import Grid, Placed
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import longer, ranges


class PatchCache(UnitCache):
    """Rows of patches in one array, for units that start at patches: a batch is one gather."""

    aligned = True

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: Any = None):
        """Begin empty."""
        size = grid.height * grid.width
        # The units of one text fit in any case.
        least = 4 * grid.max_patches * (size + OVERHEAD)
        super().__init__(grid, lock, max(memory, least), previous)
        # Patch 0 is blank.
        self.patches = _unclaimed(self._left // size, size)
        self._used = 1
        self.first = np.zeros(1024, np.int64)

    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        grid = self.grid
        drawn = self._drawn(np.array([unit.width for unit in shaped]))
        left, right = np.full(len(drawn), -grid.margin), drawn * grid.width - grid.margin
        ink = grid.atlas.draw(shaped, left, right, grid.height, grid.baseline)
        _to_patches(ink, self._room(number, drawn), grid.width)

    def _drawn(self, width: np.ndarray) -> np.ndarray:
        """Return the patches that are kept of units, by their widths."""
        return np.minimum(self.grid.unit_patches(width), self.grid.max_patches)

    def _room(self, number: int, drawn: np.ndarray) -> np.ndarray:
        """Claim patches of units; returns them, uint8 [sum of drawn, H * W]."""
        many = int(drawn.sum())
        start, stop = self._used, self._used + many
        if stop > len(self.patches):
            raise Full
        # Units without a picture are free, so that one text may have any number of them.
        self._spend(OVERHEAD * np.count_nonzero(drawn) + many * self.patches.shape[1])
        self.first = longer(self.first, number + len(drawn))
        self.first[number : number + len(drawn)] = start + drawn.cumsum() - drawn
        self._used = stop
        return self.patches[start:stop]

    def _copy(self, number: int, old: "PatchCache", numbers: np.ndarray) -> None:
        drawn = self._drawn(old.width[numbers])
        room = self._room(number, drawn)
        old.patches.take(ranges(old.first[numbers], drawn), axis=0, out=room, mode="clip")

    def _keep_words(self, number: int, words: Drawn) -> None:
        grid = self.grid
        taken = (words.right - words.left) // grid.width
        drawn, ink = np.minimum(taken, grid.max_patches), words.ink
        if (drawn < taken).any():
            start = (taken.cumsum() - taken) * grid.width
            ink = ink.take(ranges(start, drawn * grid.width), axis=0)
        _to_patches(ink, self._room(number, drawn), grid.width)

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid = self.grid
        taken = grid.unit_patches(self.width[placed.ids])
        source, ends = ranges(self.first[placed.ids], taken), np.cumsum(taken)
        # The patches of a text follow one another without a gap.
        filled = np.diff(np.concatenate(([0], ends))[placed.bounds])
        drawn = _spread(self.patches, source, filled, length)
        return drawn.reshape(-1, length, grid.height, grid.width)


class ColumnCache(UnitCache):
    """Columns of pixels in one array: a batch of texts is one gather of columns."""

    aligned = False

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: Any = None):
        """Begin empty."""
        # The units of one text fit in any case.
        width = grid.max_patches * grid.width
        units = width // grid.layout.space + 2
        least = 16 * width * grid.height + units * 4 * OVERHEAD
        super().__init__(grid, lock, max(memory, least), previous)
        # Column 0 is blank.
        self.columns = _unclaimed(self._left // grid.height, grid.height)
        self._used = 1
        # By unit: the column of its start, and columns of ink before the start and after the end.
        self.first, self.before, self.after = np.zeros((3, 1024), np.int64)

    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        grid = self.grid
        most = grid.max_patches * grid.width
        edges = [grid.atlas.extent(unit) for unit in shaped]
        left, right = np.array(edges, np.int64).T
        right = np.maximum(np.minimum(right, most), left)
        ink = grid.atlas.draw(shaped, left, right, grid.height, grid.baseline)
        width = np.array([unit.width for unit in shaped])
        self._append(number, ink, left, right, width)

    def _keep_words(self, number: int, words: Drawn) -> None:
        edges = words.left, words.right, words.width
        self._append(number, words.ink, *edges)

    def _copy(self, number: int, old: "ColumnCache", numbers: np.ndarray) -> None:
        width, before = old.width[numbers], old.before[numbers]
        right = np.minimum(width, self.grid.max_patches * self.grid.width) + old.after[numbers]
        ink = old.columns.take(ranges(old.first[numbers] - before, before + right), axis=0)
        self._append(number, ink, -before, right, width)

    def _append(
        self,
        number: int,
        ink: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        width: np.ndarray,
    ) -> None:
        """Keep the ink of units side by side, uint8 [columns, H], each from `left` to `right`."""
        start, end = self._used, number + len(left)
        if start + len(ink) > len(self.columns):
            raise Full
        self._spend(OVERHEAD * len(left) + ink.size)
        self.columns[start : start + len(ink)] = ink
        self._used += len(ink)
        behind = np.cumsum(right - left)
        self.first, self.before, self.after = (
            longer(array, end) for array in (self.first, self.before, self.after)
        )
        self.first[number:end] = start + behind - right
        self.before[number:end] = -left
        self.after[number:end] = np.maximum(right - width, 0)

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid, ids = self.grid, placed.ids
        # All texts side by side on one strip, behind a blank patch.
        stop = np.cumsum(placed.count * grid.width) + grid.width
        begin = stop - placed.count * grid.width
        many = np.diff(placed.bounds)
        x, width, first = placed.x + begin.repeat(many), self.width[ids], self.first[ids]
        # Units, and the blanks before, between and behind them, for which column 0 is repeated.
        pieces = np.zeros(2 * len(ids) + 1, np.int64)
        pieces[1::2], pieces[2::2] = width, -(x + width)
        pieces[:-1:2] += x
        pieces[-1] += stop[-1] if len(stop) else grid.width
        shift = np.full(len(pieces), -int(pieces.sum()))
        shift[1::2] = first - x
        index = shift.repeat(pieces)
        index += np.arange(len(index))
        ink = self.columns.take(index, axis=0, mode="clip")
        edges = begin.repeat(many), stop.repeat(many)
        before, after = self.before[ids], self.after[ids]
        add_overhang(ink, self.columns, x, first, width, before, after, edges)
        patches = np.empty((len(ink) // grid.width, grid.height * grid.width), np.uint8)
        _to_patches(ink, patches, grid.width)
        drawn = _spread(patches, np.arange(1, len(patches)), placed.count, length)
        return drawn.reshape(-1, length, grid.height, grid.width)


def _unclaimed(rows: int, size: int) -> np.ndarray:
    """Return zeros, uint8 [rows, size], that take memory as they are written, in small pages.

    For large arrays of its own NumPy asks for huge pages. If free memory is fragmented, the system
    stops to gather each of them, for longer than a batch takes.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return np.frombuffer(mmap.mmap(-1, rows * size, flags=flags), np.uint8).reshape(rows, size)


def _to_patches(ink: np.ndarray, patches: np.ndarray, width: int) -> None:
    """Write columns of ink, uint8 [n * W, H], as patches, uint8 [n, H * W]."""
    # Columns to rows, then the row of a patch as one value, which is less to move.
    row = np.dtype((np.void, width))
    patches.view(row)[:] = np.ascontiguousarray(ink.T).view(row).T


def _spread(patches: np.ndarray, source: np.ndarray, filled: np.ndarray, length: int) -> np.ndarray:
    """Gather patches, uint8 [n, H * W], into texts of `length`, of which `filled` are not blank."""
    index = np.zeros((len(filled), length), np.int64)
    index[np.arange(length) < filled[:, None]] = source
    return patches.take(index.ravel(), axis=0)


def draw_parts(cache: PatchCache | ColumnCache, placed: Placed, length: int) -> np.ndarray:
    """Draw a batch of texts, uint8 [B, length, H, W], from all their parts."""
    rows = placed.rows
    if rows is None:
        return cache.draw(placed, length)
    longest = int(placed.count.max(initial=1))
    parts = cache.draw(placed, longest)
    patches = np.zeros((len(rows.count), length, *parts.shape[2:]), np.uint8)
    part, step = np.nonzero(np.arange(longest) < placed.count[:, None])
    patches[rows.text[part], rows.offset[part] + step] = parts[part, step]
    patches[rows.black[:, 0], rows.black[:, 1]] = 255
    return patches
