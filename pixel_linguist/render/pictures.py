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
from pixel_linguist.render.spans import Spans, spans_of
from pixel_linguist.render.store import OVERHEAD, Full, Store
from pixel_linguist.render.units import Unit
from pixel_linguist.render.vocabulary import WORD_OVERHEAD, longer


class PictureStore(Store):
    """Keeps units as pictures; plain words are drawn many at once."""

    # Whether units start at patches, and are cut at the edges of those they take.
    aligned: bool

    def __init__(self, grid: Grid, lock: Lock, previous: "PictureStore | None" = None):
        super().__init__(grid, lock, previous)
        self._bulk: Bulk = previous._bulk if previous else Bulk(grid)

    def _add_words(self, words: Spans, hashes: np.ndarray) -> np.ndarray:
        numbers = np.full(len(hashes), -1)
        old = self._previous
        if old is not None:
            known = old.vocabulary.find(words, hashes)
            numbers[known >= 0] = self._again(old, known[known >= 0])
        new = np.flatnonzero(numbers < 0)
        numbers[new] = self._draw_words(words.of(numbers < 0))
        return numbers

    def _draw_words(self, words: Spans) -> np.ndarray:
        """Draw words, all different, and return their numbers."""
        numbers = np.full(len(words.end), -1)
        drawn = self._bulk.draw(words, self.aligned)
        if drawn is not None:
            self._keep_words(self.size, drawn)
            numbers[drawn.numbers] = self._number(drawn.width, 0)
        for i in np.flatnonzero(numbers < 0).tolist():
            numbers[i] = self._add(self.grid.layout.shape(words.text(i)))
        return numbers

    def _add_others(self, units: Sequence[Unit]) -> None:
        old = self._previous
        if old is not None:
            known = [unit for unit in units if unit in old.ids]
            numbers = self._again(old, np.array([old.ids[unit] for unit in known], np.int64))
            self.ids.update(zip(known, numbers.tolist(), strict=True))
        straight = [unit for unit in units if isinstance(unit, str) and unit not in self.ids]
        numbers = self._draw_words(spans_of(straight))
        self.ids.update(zip(straight, numbers.tolist(), strict=True))
        super()._add_others([unit for unit in units if unit not in self.ids])

    def _again(self, old: Store, numbers: np.ndarray) -> np.ndarray:
        """Take units over from another store; returns their numbers in this one."""
        self._take_over(self.size, old, numbers)
        return self._number(old.width[numbers], old.missing[numbers])

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
        self._take(OVERHEAD, drawn)
        canvas = np.zeros((grid.height, drawn * grid.width), np.uint8)
        grid.atlas.draw(shaped.glyphs, canvas, grid.margin, grid.baseline)
        patches = canvas.reshape(grid.height, drawn, grid.width).swapaxes(0, 1)
        self.patches[self._used : self._used + drawn] = patches.reshape(
            drawn, grid.height * grid.width
        )
        self.first = longer(self.first, number + 1)
        self.first[number] = self._used
        self._used += drawn

    def _take_over(self, number: int, old: "PatchStore", numbers: np.ndarray) -> None:
        drawn = np.minimum(self._taken(old.width[numbers]), self.grid.max_patches)
        self._take(WORD_OVERHEAD * len(numbers), int(drawn.sum()))
        step = np.arange(drawn.sum())
        before = np.cumsum(drawn) - drawn
        slots = np.repeat(old.first[numbers] - before, drawn) + step
        self.patches[self._used : self._used + len(step)] = old.patches[slots]
        self.first = longer(self.first, number + len(numbers))
        self.first[number : number + len(numbers)] = self._used + before
        self._used += len(step)

    def _taken(self, width: np.ndarray) -> np.ndarray:
        """Return the patches of units by their widths; what has no picture takes none."""
        grid = self.grid
        return np.where(width > 0, -(-(width + grid.margin + grid.gap) // grid.width), 0)

    def _take(self, overhead: int, patches: int) -> None:
        """Claim room for patches, and for what there is beside them."""
        cost = overhead + patches * self.patches.shape[1]
        if cost > self._left or self._used + patches > len(self.patches):
            raise Full
        self._left -= cost

    def _keep_words(self, number: int, words: Words) -> None:
        grid = self.grid
        taken = (words.right - words.left) // grid.width
        drawn = np.minimum(taken, grid.max_patches)
        before, total = np.cumsum(drawn) - drawn, int(drawn.sum())
        self._take(WORD_OVERHEAD * len(drawn), total)
        patches = words.ink.reshape(-1, grid.width, grid.height).swapaxes(1, 2)
        if total < len(patches):
            first = np.cumsum(taken) - taken
            patches = patches[np.repeat(first - before, drawn) + np.arange(total)]
        room = self.patches[self._used : self._used + total]
        room.reshape(total, grid.height, grid.width)[:] = patches
        self.first = longer(self.first, number + len(drawn))
        self.first[number : number + len(drawn)] = self._used + before
        self._used += total

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W]."""
        grid = self.grid
        taken = self._taken(self.width[placed.ids])
        ends = np.cumsum(taken)
        source = np.repeat(self.first[placed.ids] - (ends - taken), taken)
        source += np.arange(len(source))
        # The patches of a text follow each other without a gap.
        filled = np.diff(np.concatenate(([0], ends))[placed.bounds])
        index = np.zeros((len(filled), length), np.int64)
        index[np.arange(length) < filled[:, None]] = source
        patches = self.patches.take(index.ravel(), axis=0)
        return patches.reshape(-1, length, grid.height, grid.width)


class StripStore(PictureStore):
    """Units as columns of pixels, and as patches once for each column at which they began so far.

    A text is a gather of such patches; where units share a patch, their ink is added.
    """

    aligned = False

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: Any = None):
        """Make room for `memory` bytes, at the least for what one text shows.

        The memory is claimed from the system page by page, as it is written.
        """
        super().__init__(grid, lock, previous)
        size, width = grid.height * grid.width, grid.max_patches * grid.width
        units = width // grid.layout.space + 2
        self._left = max(memory, 16 * width * grid.height + units * (4 * OVERHEAD + 8 * size))
        self.columns = np.zeros((self._left // grid.height, grid.height), np.uint8)
        # Patch 0 is blank.
        self.patches = np.zeros((self._left // size, size), np.uint8)
        self._columns_used, self._used = 0, 1
        # By unit: first of its columns and how many; by how many ink begins before its start, and
        # goes on after its end.
        self.first, self.span, self.before, self.after = np.zeros((4, 1024), np.int64)
        # By unit and column of a patch at which it begins: the first of its patches, 0 for none.
        self.shifted = np.zeros((1024, grid.width), np.int32)

    def _keep(self, number: int, shaped: Shaped) -> None:
        grid = self.grid
        left, right = grid.atlas.extent(shaped)
        right = max(min(right, grid.max_patches * grid.width), left)
        strip = np.zeros((grid.height, right - left), np.uint8)
        grid.atlas.draw(shaped.glyphs, strip, -left, grid.baseline)
        edges = np.array([left]), np.array([right]), np.array([shaped.width])
        self._append(number, strip.T, *edges)

    def _keep_words(self, number: int, words: Words) -> None:
        self._append(number, words.ink, words.left, words.right, words.width)

    def _take_over(self, number: int, old: "StripStore", numbers: np.ndarray) -> None:
        span = old.span[numbers]
        before = np.cumsum(span) - span
        source = np.repeat(old.first[numbers] - before, span) + np.arange(span.sum())
        left = -old.before[numbers]
        self._append(number, old.columns[source], left, left + span, old.width[numbers])

    def _append(
        self, number: int, ink: np.ndarray, left: np.ndarray, right: np.ndarray, width: np.ndarray
    ) -> None:
        """Keep the ink of units side by side, uint8 [columns, H], and where they begin and end."""
        self._claim(len(left), len(ink), 0)
        start, end = self._columns_used, number + len(left)
        self.columns[start : start + len(ink)] = ink
        self._columns_used += len(ink)
        span = right - left
        for name, values in (
            ("first", start + np.cumsum(span) - span),
            ("span", span),
            ("before", -left),
            ("after", np.maximum(right - width, 0)),
        ):
            array = longer(getattr(self, name), end)
            array[number:end] = values
            setattr(self, name, array)
        self.shifted = longer(self.shifted, end)

    def _claim(self, units: int, columns: int, patches: int) -> None:
        grid = self.grid
        size = grid.height * grid.width
        cost = units * (OVERHEAD + 4 * grid.width) + columns * grid.height + patches * size
        if (
            cost > self._left
            or self._columns_used + columns > len(self.columns)
            or self._used + patches > len(self.patches)
        ):
            raise Full
        self._left -= cost

    def prepare(self, placed: Placed) -> None:
        """Make the patches of units at the columns where they stand."""
        phase = (placed.x - self.before[placed.ids]) % self.grid.width
        new = (self.shifted[placed.ids, phase] == 0) & (self.span[placed.ids] > 0)
        if new.any():
            keys = np.unique(placed.ids[new] * self.grid.width + phase[new])
            with self._lock:
                ids, phase = np.divmod(keys, self.grid.width)
                # Another thread may have been first.
                still = self.shifted[ids, phase] == 0
                self._shift(ids[still], phase[still])

    def _shift(self, ids: np.ndarray, phase: np.ndarray) -> None:
        width, height = self.grid.width, self.grid.height
        span = self.span[ids]
        many = -(-(phase + span) // width)
        total = int(many.sum())
        self._claim(0, 0, total)
        start = np.cumsum(many) - many
        step = np.arange(span.sum()) - np.repeat(np.cumsum(span) - span, span)
        canvas = np.zeros((total * width, height), np.uint8)
        source = np.repeat(self.first[ids], span) + step
        canvas[np.repeat(start * width + phase, span) + step] = self.columns[source]
        patches = canvas.reshape(total, width, height).swapaxes(1, 2)
        self.patches[self._used : self._used + total] = patches.reshape(total, height * width)
        # Last: a thread that finds them here reads the patches without a lock.
        self.shifted[ids, phase] = self._used + start
        self._used += total

    def draw(self, placed: Placed, length: int) -> np.ndarray:
        """Draw a batch, uint8 [B, length, H, W], that has been prepared."""
        grid, unit = self.grid, self.grid.width
        span = self.span[placed.ids]
        patch, phase = np.divmod(placed.x - self.before[placed.ids], unit)
        many = np.where(span > 0, -(-(phase + span) // unit), 0)
        start = np.cumsum(many) - many
        step = np.arange(many.sum())
        place = np.repeat(patch - start, many) + step
        source = np.repeat(self.shifted[placed.ids, phase] - start, many) + step
        text = np.repeat(np.repeat(np.arange(len(placed.count)), np.diff(placed.bounds)), many)
        # Ink that reaches out of a text on either side is cut there.
        inside = (place >= 0) & (place < placed.count[text])
        if not inside.all():
            place, source, text = place[inside], source[inside], text[inside]
        place = text * length + place
        if (place[1:] < place[:-1]).any():
            order = np.argsort(place, kind="stable")
            place, source = place[order], source[order]
        single = np.append(True, place[1:] != place[:-1])[: len(place)]
        index = np.zeros(len(placed.count) * length, np.int64)
        index[place[single]] = source[single]
        drawn = self.patches.take(index, axis=0)
        place, source = place[~single], source[~single]
        while len(place):
            now = np.append(True, place[1:] != place[:-1])
            below = drawn[place[now]]
            drawn[place[now]] = below + np.minimum(self.patches[source[now]], 255 - below)
            place, source = place[~now], source[~now]
        return drawn.reshape(-1, length, grid.height, unit)


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
