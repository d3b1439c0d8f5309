"""Batches: placed, drawn from a store, and taken apart where they are larger than its memory."""

import dataclasses
from collections.abc import Callable, Sequence
from itertools import chain
from threading import Lock
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np

from pixel_linguist.render.cache import Full, UnitCache
from pixel_linguist.render.grid import Placed, Rows
from pixel_linguist.render.placement import Placement
from pixel_linguist.render.units import CLUSTER, Units, listed, turns

# Characters that are counted at once.
_PIECE = 1 << 17
S = TypeVar("S", bound=UnitCache)
# Several parts stand in one sequence, with a black patch between them.
Text: TypeAlias = str | tuple[str, ...]


class Drawn(NamedTuple, Generic[S]):
    """What a batch is drawn from: its place, the store its numbers are of, what is not shown."""

    placed: Placed
    store: S
    cut: int
    missing: int


class Drawing(Generic[S]):
    """Places batches, with the store that is there or a new one when that is full."""

    def __init__(
        self, placement: Placement, new_store: Callable[[S | None], S], lock: Lock, end_patch: bool
    ):
        self.placement, self._new_store, self._lock = placement, new_store, lock
        self.end_patch = end_patch
        self._store = new_store(None)

    def count(self, texts: Sequence[Text]) -> np.ndarray:
        """Return the patches that texts take in full, black ones included, int64 [N]."""
        parts, bounds = _parts(texts)
        counts = self._count(parts)
        black = np.diff(bounds) - (not self.end_patch)
        return np.diff(np.concatenate([[0], np.cumsum(counts)])[bounds]) + black

    def _count(self, parts: Sequence[str]) -> np.ndarray:
        half = len(parts) // 2
        if half and sum(map(len, parts)) > _PIECE:
            return np.concatenate([self._count(parts[:half]), self._count(parts[half:])])
        units = self.placement.split(parts)
        return self.placement.patches(self._widths(units), units.bounds)

    def _widths(self, units: Units) -> np.ndarray:
        for _ in range(2):
            store = self._store
            try:
                # A look-up may replace the arrays by longer ones, so it comes first.
                ids = store.lookup(units)
                return store.width[ids]
            except Full:
                self._store = self._new_store(self._store)
        with self._lock:
            shape = self.placement.grid.layout.shape
            return np.array([shape(units.unit(i)).width for i in range(len(units.own))])

    def place(self, texts: Sequence[Text], room: int) -> list[Drawn[S]]:
        """Place texts, each cut to `room` patches, in as many batches as memory calls for."""
        for _ in range(2):
            try:
                return [self._place(self._store, texts, room)]
            except Full:
                self._store = self._new_store(self._store)
        half = len(texts) // 2
        if half:
            return self.place(texts[:half], room) + self.place(texts[half:], room)
        # One text with more units than there is memory: those far out of sight are left out.
        short, left = [], room
        for part in _parts(texts)[0]:
            if left < 0:
                break
            short.append(self._shorten(part, 2 * left + 2))
            left -= self._patches(short[-1]) + 1
        return [self._place(self._store, [tuple(short)], room, visible=True)]

    def _place(self, store: S, texts: Sequence[Text], room: int, visible: bool = False) -> Drawn[S]:
        parts, bounds = _parts(texts)
        rooms = np.full(len(parts), room)
        cut = np.zeros(len(parts), bool)
        units = self._split(parts, visible)
        plain = not self.end_patch and len(parts) == len(texts)
        if units.others or not plain:
            # As above, the look-up comes first.
            ids = store.lookup(units)
            counts = self.placement.patches(store.width[ids], units.bounds)
        if not plain:
            rooms = self._rooms(counts, bounds, room)
            cut = counts > rooms
        # What is cut is what is written last; where directions meet, that need not be seen last.
        if units.others:
            long = [i for i in np.flatnonzero(counts > rooms).tolist() if turns(parts[i])]
            for i in long:
                parts[i], cut[i] = self._shorten(parts[i], int(rooms[i])), True
            if long:
                units = self._split(parts, visible)
        placed = self.placement.place(store, units, rooms)
        cut |= placed.cut
        missing = int(store.missing[placed.ids].sum())
        if not plain:
            placed = self._join(placed, rooms, bounds)
            cut = np.diff(np.concatenate([[0], np.cumsum(cut)])[bounds]) > 0
        return Drawn(placed, store, int(cut.sum()), missing)

    def _split(self, parts: Sequence[str], visible: bool) -> Units:
        """Split into units, or only those that change what is seen."""
        if not visible:
            return self.placement.split(parts)
        with self._lock:
            seen = [self.placement.visible(self.placement.split.one(part)) for part in parts]
        return listed(seen)

    def _rooms(self, counts: np.ndarray, bounds: np.ndarray, room: int) -> np.ndarray:
        """Share out the room of each text among its parts; what comes too late has none."""
        rooms = counts.copy()
        totals = np.diff(np.concatenate([[0], np.cumsum(counts + 1)])[bounds]) - (
            not self.end_patch
        )
        for text in np.flatnonzero(totals > room):
            left = room
            for part in range(bounds[text], bounds[text + 1]):
                last = part + 1 == bounds[text + 1] and not self.end_patch
                if counts[part] + (not last) > left:
                    rooms[part] = max(left - self.end_patch, 0)
                    left = 0
                left -= min(int(rooms[part]) + (not last), left)
        return rooms

    def _join(self, placed: Placed, rooms: np.ndarray, bounds: np.ndarray) -> Placed:
        """Set the parts of each text one behind the other, with black patches between them."""
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
            count=np.maximum(np.diff(np.concatenate([[0], taken])[bounds]), 1),
            black=np.stack([text[black], (offset + count)[black]], 1),
        )
        return dataclasses.replace(placed, count=count, rows=rows)

    def _shorten(self, text: str, room: int) -> str:
        """Return the longest beginning of a text, in whole clusters, that takes `room` patches."""
        ends = [match.end() for match in CLUSTER.finditer(text)]

        def fits(clusters: int) -> bool:
            return self._patches(text[: ends[clusters - 1]]) <= room

        low, high = 0, 1
        while high <= len(ends) and fits(high):
            low, high = high, 2 * high
        high = min(high, len(ends) + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return text[: ends[low - 1]] if low else ""

    def _patches(self, text: str) -> int:
        """Return the patches that a text takes, without keeping any of it."""
        units = self.placement.split.one(text)
        with self._lock:
            shape = self.placement.grid.layout.shape
            widths = np.array([shape(unit).width for unit in units], np.int64)
        return int(self.placement.patches(widths, np.array([0, len(units)]))[0])


def _parts(texts: Sequence[Text]) -> tuple[list[str], np.ndarray]:
    """Return the parts of all texts, and where each text's parts begin, int64 [B + 1]."""
    if tuple not in set(map(type, texts)):
        return list(texts), np.arange(len(texts) + 1)  # type: ignore[arg-type]
    parts = [(text or ("",)) if isinstance(text, tuple) else (text,) for text in texts]
    return [*chain.from_iterable(parts)], np.cumsum([0, *map(len, parts)])
