"""Stores of pictures, and how a batch is put together from them."""

from abc import abstractmethod
from collections.abc import Sequence
from threading import Lock

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

    def __init__(self, grid: Grid, lock: Lock):
        super().__init__(grid, lock)
        self._bulk = Bulk(grid)

    def _add_all(self, units: Sequence[Unit]) -> None:
        drawn, others = self._bulk.draw(units, self.aligned) if len(units) > 3 else ([], units)
        for words in drawn:
            number = len(self.ids)
            self._keep_words(number, words)
            last = number + len(words.units) - 1
            self.width, self.missing = grown(self.width, last), grown(self.missing, last)
            self.width[number : last + 1] = words.width
            self.ids.update(zip(words.units, range(number, last + 1), strict=True))
        for unit in others:
            self._add(unit, self.grid.layout.shape(unit))

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

    def __init__(self, grid: Grid, lock: Lock, memory: int):
        """Make room for `memory` bytes, at the least for what one text shows.

        The memory is claimed from the system page by page, as it is written.
        """
        super().__init__(grid, lock)
        size = grid.height * grid.width
        self._slots = max(memory // (size + OVERHEAD), 4 * grid.max_patches)
        # Patch 0 is blank.
        self.patches = np.zeros((self._slots, size), np.uint8)
        self._used = 1
        self.first = np.zeros(1024, np.int64)

    def _keep(self, number: int, shaped: Shaped) -> None:
        grid = self.grid
        taken = grid.margin + shaped.width + grid.gap if shaped.width else 0
        drawn = min(-(-taken // grid.width), grid.max_patches)
        # A unit without a picture takes a slot too, so that the number of units is bounded.
        if self._used + max(drawn, 1) > self._slots:
            raise Full
        canvas = np.zeros((grid.height, drawn * grid.width), np.uint8)
        grid.atlas.draw(shaped.glyphs, canvas, grid.margin, grid.baseline)
        patches = canvas.reshape(grid.height, drawn, grid.width).swapaxes(0, 1)
        self.patches[self._used : self._used + drawn] = patches.reshape(
            drawn, grid.height * grid.width
        )
        self.first = grown(self.first, number)
        self.first[number] = self._used
        self._used += max(drawn, 1)

    def _keep_words(self, number: int, words: Words) -> None:
        grid = self.grid
        taken = (words.right - words.left) // grid.width
        drawn = np.minimum(taken, grid.max_patches)
        if self._used + int(drawn.sum()) > self._slots:
            raise Full
        patches = words.ink.reshape(-1, grid.width, grid.height).swapaxes(1, 2)
        step = np.arange(drawn.sum()) - np.repeat(np.cumsum(drawn) - drawn, drawn)
        first = np.repeat((words.start + words.left) // grid.width, drawn)
        seen = patches if len(step) == len(patches) else patches[first + step]
        self.patches[self._used : self._used + len(step)] = seen.reshape(len(step), -1)
        self.first = grown(self.first, number + len(drawn))
        self.first[number : number + len(drawn)] = self._used + np.cumsum(drawn) - drawn
        self._used += len(step)

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid = self.grid
        width = self.width[placed.ids]
        taken = np.where(width > 0, -(-(width + grid.margin + grid.gap) // grid.width), 0)
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

    def __init__(self, grid: Grid, lock: Lock, memory: int):
        """Make room for `memory` bytes, at the least for what one text shows."""
        super().__init__(grid, lock)
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
