"""Batches of texts: split into units, placed, and divided where they exceed a cache's memory."""

import dataclasses
from collections.abc import Callable, Sequence
from itertools import chain
from threading import Lock
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from pixel_linguist.render.cache import Full, UnitCache
from pixel_linguist.render.grid import Placed, Rows
from pixel_linguist.render.placement import Placement
from pixel_linguist.render.ragged import totals
from pixel_linguist.render.units import Units, turns
from pixel_linguist.text.graphemes import cluster_ends

# Characters of a text, for each patch of its room and besides, that are laid out in any case.
_FEW, _MARGIN = 4, 64
# Characters that are counted at once.
_PIECE = 1 << 17
C = TypeVar("C", bound=UnitCache)
# A tuple's texts are drawn in one sequence, with a black patch between them.
Text: TypeAlias = str | tuple[str, ...]


class Batch(NamedTuple, Generic[C]):
    """Placed texts, the cache that their units are in, and numbers of cut texts and boxes."""

    placed: Placed
    cache: C
    cut: int
    missing: int


class Assembler(Generic[C]):
    """Places batches with one cache, and with a new one when that is full."""

    def __init__(
        self, placement: Placement, new_cache: Callable[[C | None], C], lock: Lock, end_patch: bool
    ):
        """Begin with an empty cache; `new_cache` is given the one that was full."""
        self.placement, self._new_cache, self._lock = placement, new_cache, lock
        self.end_patch = end_patch
        self._cache = new_cache(None)

    def count(self, texts: Sequence[Text]) -> np.ndarray:
        """Return the patches of texts, black ones included, int64 [N].

        Of a text without spaces that needs more than `max_patches`, it is at least one more.
        """
        parts, bounds = _parts(texts)
        parts = self._beginnings(parts, self.placement.grid.max_patches)
        return totals(self._count(parts), bounds) + np.diff(bounds) - (not self.end_patch)

    def _count(self, parts: Sequence[str]) -> np.ndarray:
        half = len(parts) // 2
        if half and sum(map(len, parts)) > _PIECE:
            return np.concatenate([self._count(parts[:half]), self._count(parts[half:])])
        units = self.placement.split(parts)
        return self.placement.patches(self._widths(units), units.bounds)

    def _widths(self, units: Units) -> np.ndarray:
        for _ in range(2):
            cache = self._cache
            try:
                # A look-up may replace the arrays by longer ones, so it comes first.
                ids = cache.lookup(units.units)
                return cache.width[ids]
            except Full:
                self._cache = self._new_cache(self._cache)
        with self._lock:
            shape = self.placement.grid.layout.shape
            return np.array([shape(unit).width for unit in units.units], np.int64)

    def place(self, texts: Sequence[Text], room: int) -> list[Batch[C]]:
        """Place texts, each cut to `room` patches, in as many batches as memory requires."""
        for _ in range(2):
            try:
                return [self._place(self._cache, texts, room)]
            except Full:
                self._cache = self._new_cache(self._cache)
        half = len(texts) // 2
        if half:
            return self.place(texts[:half], room) + self.place(texts[half:], room)
        # One text with more units than fit in memory: drop those far behind its room.
        short, left = [], room
        for part in _parts(texts)[0]:
            if left < 0:
                break
            short.append(self._shorten(part, 2 * left + 2))
            left -= self._patches(short[-1]) + 1
        return [self._place(self._cache, [tuple(short)], room)]

    def _place(self, cache: C, texts: Sequence[Text], room: int) -> Batch[C]:
        parts, bounds = _parts(texts)
        parts = self._beginnings(parts, room)
        rooms = np.full(len(parts), room)
        cut = np.zeros(len(parts), bool)
        units = self.placement.split(parts)
        # A look-up may replace the arrays by longer ones, so it comes first.
        ids = cache.lookup(units.units)
        counts = self.placement.patches(cache.width[ids], units.bounds)
        single = not self.end_patch and len(parts) == len(texts)
        if not single:
            rooms = self._rooms(counts, bounds, room)
            cut = counts > rooms
        # The logical end of a text is cut; where directions meet, its visual order differs.
        long = [i for i in np.flatnonzero(counts > rooms).tolist() if turns(parts[i])]
        for i in long:
            parts[i], cut[i] = self._shorten(parts[i], int(rooms[i])), True
        if long:
            units = self.placement.split(parts)
            ids = cache.lookup(units.units)
        placed = self.placement.place(cache, units, ids, rooms)
        cut |= placed.cut
        missing = int(cache.missing[placed.ids].sum())
        if not single:
            placed = self._join(placed, rooms, bounds)
            cut = totals(cut, bounds) > 0
        return Batch(placed, cache, int(cut.sum()), missing)

    def _rooms(self, counts: np.ndarray, bounds: np.ndarray, room: int) -> np.ndarray:
        """Divide the room of each text among its parts, the first ones first; int64 [G]."""
        rooms = counts.copy()
        total = totals(counts + 1, bounds) - (not self.end_patch)
        for text in np.flatnonzero(total > room):
            left = room
            for part in range(bounds[text], bounds[text + 1]):
                last = part + 1 == bounds[text + 1] and not self.end_patch
                if counts[part] + (not last) > left:
                    rooms[part] = max(left - self.end_patch, 0)
                    left = 0
                left -= min(int(rooms[part]) + (not last), left)
        return rooms

    def _join(self, placed: Placed, rooms: np.ndarray, bounds: np.ndarray) -> Placed:
        """Place the parts of each text one after the other, with black patches between them."""
        count = np.where(rooms > 0, placed.count, 0)
        text = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        first = np.isin(np.arange(len(rooms)), bounds)
        follows = np.append(~first[1:] & (rooms[1:] > 0), False)
        black = (rooms > 0) | first if self.end_patch else follows
        taken = np.cumsum(count + black)
        offset = taken - count - black
        offset = offset - offset[bounds[:-1]][text]
        rows = Rows(
            text=text,
            offset=offset,
            count=np.maximum(totals(count + black, bounds), 1),
            black=np.stack([text[black], (offset + count)[black]], 1),
        )
        return dataclasses.replace(placed, count=count, rows=rows)

    def _beginnings(self, parts: list[str], room: int) -> list[str]:
        """Replace long texts without spaces by beginnings that take more than `room` patches.

        A word is shaped whole, and text that may run from right to left is ordered whole, so that
        the rest, which nobody sees, would cost more than what is drawn.
        """
        few = _FEW * room + _MARGIN
        if not any(len(part) > few for part in parts):
            return parts
        return [self._beginning(part, room, few) if len(part) > few else part for part in parts]

    def _beginning(self, text: str, room: int, few: int) -> str:
        """Return a beginning of a text, in whole clusters; the text if all of it is needed."""
        spaced = self.placement.split.spaced and not turns(text)
        if spaced and max(map(len, text.split()), default=0) <= few:
            return text
        while few < len(text):
            # The last cluster may be cut.
            *ends, _ = [0, *cluster_ends(text[:few])]
            beginning = text[: ends[-1]]
            # Letters at its end may look otherwise than in the text, but they are not drawn.
            if self._count([beginning])[0] > room + 2:
                return beginning
            few *= 2
        return text

    def _shorten(self, text: str, room: int) -> str:
        """Return the longest beginning of a text, in whole clusters, that takes `room` patches."""
        ends = [0, *cluster_ends(text)]
        low, high = 0, 1
        while high < len(ends) and self._patches(text[: ends[high]]) <= room:
            low, high = high, 2 * high
        high = min(high, len(ends))
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._patches(text[: ends[middle]]) <= room
            low, high = (middle, high) if fits else (low, middle)
        return text[: ends[low]]

    def _patches(self, text: str) -> int:
        """Return the patches of a text, without caching any of it."""
        units = self.placement.split.one(text)
        with self._lock:
            shape = self.placement.grid.layout.shape
            widths = np.array([shape(unit).width for unit in units], np.int64)
        return int(self.placement.patches(widths, np.array([0, len(units)]))[0])


def _parts(texts: Sequence[Text]) -> tuple[list[str], np.ndarray]:
    """Return the parts of all texts, and the first part of each text, int64 [B + 1]."""
    if tuple not in set(map(type, texts)):
        return list(texts), np.arange(len(texts) + 1)  # type: ignore[arg-type]
    parts = [(text or ("",)) if isinstance(text, tuple) else (text,) for text in texts]
    return [*chain.from_iterable(parts)], np.cumsum([0, *map(len, parts)])
