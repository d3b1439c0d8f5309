"""Stores of pictures, and how a batch is put together from them."""

from abc import abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from pixel_linguist.render.bulk import Bulk, Words
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.placement import Placed
from pixel_linguist.render.store import OVERHEAD, Full, Store, grown
from pixel_linguist.render.units import Unit


class PictureStore(Store):
    """Keeps units as pictures; plain words are drawn many at once."""

    # Whether units start at patches, and are cut at the edges of those they take.
    aligned: bool

    def __init__(self, grid: Grid, lock: Lock, previous: "PictureStore | None" = None):
        super().__init__(grid, lock, previous)
        self._bulk: Bulk = previous._bulk if previous else Bulk(grid)

    def _add_all(self, units: Sequence[Unit]) -> None:
        old = self._previous
        if old is not None:
            again = [unit for unit in units if unit in old.ids]
            if again:
                units = [unit for unit in units if unit not in old.ids]
                numbers = np.array([old.ids[unit] for unit in again])
                number = len(self.ids)
                self._take_over(number, old, numbers)
                self._number(again, old.width[numbers], old.missing[numbers])
        drawn, others = self._bulk.draw(units, self.aligned) if len(units) > 3 else ([], units)
        for words in drawn:
            self._keep_words(len(self.ids), words)
            self._number(words.units, words.width, 0)
        for unit in others:
            self._add(unit, self.grid.layout.shape(unit))

    def _number(self, units: Sequence[Unit], width: np.ndarray, missing: np.ndarray | int) -> None:
        number, end = len(self.ids), len(self.ids) + len(units)
        self.width, self.missing = grown(self.width, end), grown(self.missing, end)
        self.width[number:end], self.missing[number:end] = width, missing
        # Last: a thread that finds them here reads the rest without a lock.
        self.ids.update(zip(units, range(number, end), strict=True))

    @abstractmethod
    def _take_over(self, number: int, old: Any, numbers: np.ndarray) -> None:
        """Keep units of another store of this kind, as `number` and those that follow.

        Raises:
            Full: there is no room.
        """

    @abstractmethod
    def _keep_words(self, number: int, words: Words) -> None:
        """Keep words that are drawn already, as `number` and those that follow.

        Raises:
            Full: there is no room.
        """


class PatchStore(PictureStore):
    """Units as rows of patches in one array: a batch of them is one gather.

    For units that start at patches.
    """

    aligned = True

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: Any = None):
        """Make room for `memory` bytes, at the least for what one text shows.

        The memory is claimed from the system page by page, as it is written.
        """
        super().__init__(grid, lock, previous)
        size = grid.height * grid.width
        self._left = max(memory, 4 * grid.max_patches * (size + OVERHEAD))
        # Patch 0 is blank.
        self.patches = np.zeros((self._left // size, size), np.uint8)
        self._used = 1
        self.first = np.zeros(1024, np.int64)

    def _keep(self, number: int, shaped: Shaped) -> None:
        grid = self.grid
        taken = grid.margin + shaped.width + grid.gap if shaped.width else 0
        drawn = min(-(-taken // grid.width), grid.max_patches)
        self._take(1, drawn)
        canvas = np.zeros((grid.height, drawn * grid.width), np.uint8)
        grid.atlas.draw(shaped.glyphs, canvas, grid.margin, grid.baseline)
        patches = canvas.reshape(grid.height, drawn, grid.width).swapaxes(0, 1)
        self.patches[self._used : self._used + drawn] = patches.reshape(
            drawn, grid.height * grid.width
        )
        self.first = grown(self.first, number)
        self.first[number] = self._used
        self._used += drawn

    def _take_over(self, number: int, old: "PatchStore", numbers: np.ndarray) -> None:
        drawn = np.minimum(self._taken(old.width[numbers]), self.grid.max_patches)
        self._take(len(numbers), int(drawn.sum()))
        step = np.arange(drawn.sum())
        before = np.cumsum(drawn) - drawn
        slots = np.repeat(old.first[numbers] - before, drawn) + step
        self.patches[self._used : self._used + len(step)] = old.patches[slots]
        self.first = grown(self.first, number + len(numbers))
        self.first[number : number + len(numbers)] = self._used + before
        self._used += len(step)

    def _taken(self, width: np.ndarray) -> np.ndarray:
        """Return the patches of units by their widths; what has no picture takes none."""
        grid = self.grid
        return np.where(width > 0, -(-(width + grid.margin + grid.gap) // grid.width), 0)

    def _take(self, units: int, patches: int) -> None:
        """Claim room for units and their patches."""
        cost = units * OVERHEAD + patches * self.patches.shape[1]
        if cost > self._left or self._used + patches > len(self.patches):
            raise Full
        self._left -= cost

    def _keep_words(self, number: int, words: Words) -> None:
        grid = self.grid
        taken = (words.right - words.left) // grid.width
        drawn = np.minimum(taken, grid.max_patches)
        self._take(len(drawn), int(drawn.sum()))
        patches = words.ink.reshape(-1, grid.width, grid.height).swapaxes(1, 2)
        step = np.arange(drawn.sum()) - np.repeat(np.cumsum(drawn) - drawn, drawn)
        first = np.repeat((words.start + words.left) // grid.width, drawn)
        seen = patches if len(step) == len(patches) else patches[first + step]
        self.patches[self._used : self._used + len(step)] = seen.reshape(
            len(step), grid.height * grid.width
        )
        self.first = grown(self.first, number + len(drawn))
        self.first[number : number + len(drawn)] = self._used + np.cumsum(drawn) - drawn
        self._used += len(step)

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid = self.grid
        taken = self._taken(self.width[placed.ids])
        before = np.cumsum(taken) - taken
        text = np.repeat(np.arange(len(placed.count)), np.diff(placed.bounds))
        place = text * length + placed.x // grid.width
        step = np.arange(taken.sum())
        index = np.zeros(len(placed.count) * length, np.int64)
        index[np.repeat(place - before, taken) + step] = (
            np.repeat(self.first[placed.ids] - before, taken) + step
        )
        patches = self.patches.take(index, axis=0)
        return patches.reshape(-1, length, grid.height, grid.width)


class StripStore(PictureStore):
    """Units as strips of pixels, uint8 [H, columns], to be set side by side."""

    aligned = False

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: Any = None):
        """Make room for `memory` bytes, at the least for what one text shows."""
        super().__init__(grid, lock, previous)
        columns = grid.max_patches * grid.width
        units = columns // grid.layout.space + 2
        self._left = max(memory, 4 * columns * grid.height + 4 * units * OVERHEAD)
        self.strips: list[np.ndarray] = []
        # Columns by which ink begins before a unit's start, and goes on after its end.
        self.before = np.zeros(1024, np.int64)
        self.after = np.zeros(1024, np.int64)
        # Whether that is so far that it may meet the ink of a neighbour.
        self.meets: list[bool] = []

    def _keep(self, number: int, shaped: Shaped) -> None:
        grid = self.grid
        left, right = grid.atlas.extent(shaped)
        right = max(min(right, grid.max_patches * grid.width), left)
        cost = (right - left) * grid.height + 2 * OVERHEAD
        if self.ids and cost > self._left:
            raise Full
        self._left -= cost
        strip = np.zeros((grid.height, right - left), np.uint8)
        grid.atlas.draw(shaped.glyphs, strip, -left, grid.baseline)
        self.before, self.after = grown(self.before, number), grown(self.after, number)
        self.before[number], self.after[number] = -left, max(right - shaped.width, 0)
        reach = grid.layout.space // 2
        self.strips.append(strip)
        self.meets.append(-left > reach or right - shaped.width > reach)

    def _take_over(self, number: int, old: "StripStore", numbers: np.ndarray) -> None:
        strips = [old.strips[i] for i in numbers.tolist()]
        cost = sum(strip.nbytes for strip in strips) + 2 * OVERHEAD * len(strips)
        if cost > self._left:
            raise Full
        self._left -= cost
        end = number + len(strips)
        self.before, self.after = grown(self.before, end), grown(self.after, end)
        self.before[number:end], self.after[number:end] = old.before[numbers], old.after[numbers]
        self.meets += [old.meets[i] for i in numbers.tolist()]
        self.strips += strips

    def _keep_words(self, number: int, words: Words) -> None:
        grid = self.grid
        left, right = words.left, np.minimum(words.right, grid.max_patches * grid.width)
        cost = int((right - left).sum()) * grid.height + 2 * OVERHEAD * len(left)
        if cost > self._left:
            raise Full
        self._left -= cost
        end = number + len(left)
        self.before, self.after = grown(self.before, end), grown(self.after, end)
        self.before[number:end] = -left
        self.after[number:end] = np.maximum(right - words.width, 0)
        reach = grid.layout.space // 2
        self.meets += ((-left > reach) | (right - words.width > reach)).tolist()
        edges = zip((words.start + left).tolist(), (words.start + right).tolist(), strict=True)
        self.strips += [words.ink[start:stop].T.copy() for start, stop in edges]

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid, unit = self.grid, self.grid.width
        before = self.before[placed.ids]
        # Ink may reach out of the text on both sides; whole patches, so that rows stay aligned.
        reach = int(max(before.max(initial=0), self.after[placed.ids].max(initial=0)))
        lead = -(-reach // unit)
        canvas = np.zeros((len(placed.count), grid.height, (length + 2 * lead) * unit), np.uint8)
        places = (placed.x - before + lead * unit).tolist()
        ids, bounds = placed.ids.tolist(), placed.bounds.tolist()
        for row, start, stop in zip(canvas, bounds, bounds[1:], strict=False):
            self._draw_text(row, ids[start:stop], places[start:stop])
        seen = canvas[:, :, lead * unit : (lead + length) * unit]
        if reach > grid.gap:
            seen[
                np.broadcast_to(
                    (np.arange(length * unit) >= placed.count[:, None] * unit)[:, None], seen.shape
                )
            ] = 0
        patches = seen.reshape(len(seen), grid.height, length, unit).swapaxes(1, 2)
        return np.ascontiguousarray(patches)

    def _draw_text(self, row: np.ndarray, ids: list[int], places: list[int]) -> None:
        strips, meets = self.strips, self.meets
        # From the first ink on that may lie where a later unit stands, all of it is added.
        met = False
        for i, place in zip(ids, places, strict=True):
            strip = strips[i]
            part = row[:, place : place + strip.shape[1]]
            met = met or meets[i]
            if met:
                part += np.minimum(strip, 255 - part)
            else:
                part[:] = strip


def put_together(store: PatchStore | StripStore, placed: Placed, length: int) -> np.ndarray:
    """Draw a batch of texts, uint8 [B, length, H, W], from all their parts."""
    rows = placed.rows
    if rows is None:
        return store.draw(placed, length)
    longest = int(placed.count.max(initial=1))
    parts = store.draw(placed, longest)
    patches = np.zeros((len(rows.count), length, *parts.shape[2:]), np.uint8)
    part, step = np.nonzero(np.arange(longest) < placed.count[:, None])
    patches[rows.text[part], rows.offset[part] + step] = parts[part, step]
    patches[rows.black[:, 0], rows.black[:, 1]] = 255
    return patches
