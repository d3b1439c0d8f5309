"""Batches: placed, drawn from a store, and taken apart where they are larger than its memory."""

from collections.abc import Callable, Sequence
from itertools import chain
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from pixel_linguist.render.placement import Placed, Placement, bounds_of
from pixel_linguist.render.store import Full, Store
from pixel_linguist.render.units import CLUSTER, Unit, turns

_PIECE = 1 << 14
S = TypeVar("S", bound=Store)


class Drawn(NamedTuple, Generic[S]):
    """What a batch is drawn from: its place, the store its numbers are of, what is missing."""

    placed: Placed
    store: S
    cut: int
    missing: int


class Drawing(Generic[S]):
    """Places batches, with the store that is there or a new one when that is full."""

    def __init__(self, placement: Placement, new_store: Callable[[], S], lock: Lock):
        self.placement, self._new_store, self._lock = placement, new_store, lock
        self._store = new_store()

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the patches that texts take in full, int64 [N]."""
        units = [*map(self.placement.split, texts)]
        return self.placement.patches(self._widths([*chain.from_iterable(units)]), bounds_of(units))

    def _widths(self, units: Sequence[Unit]) -> np.ndarray:
        if len(units) > _PIECE:
            parts = [units[i : i + _PIECE] for i in range(0, len(units), _PIECE)]
            return np.concatenate([self._widths(part) for part in parts])
        for _ in range(2):
            store = self._store
            try:
                # A look-up may replace the arrays by longer ones, so it comes first.
                ids = store.lookup(units)
                return store.width[ids]
            except Full:
                self._store = self._new_store()
        with self._lock:
            layout = self.placement.grid.layout
            return np.array([layout.shape(unit).width for unit in units])

    def place(self, texts: Sequence[str], room: int) -> list[Drawn[S]]:
        """Place texts, each cut to `room` patches, in as many batches as memory calls for."""
        units = [*map(self.placement.split, texts)]
        # What is cut is what is written last; where directions meet, that need not be seen last.
        turned = [i for i, text in enumerate(texts) if turns(text)]
        cut = 0
        for i, count in zip(turned, self.count([texts[i] for i in turned]), strict=True):
            if count > room:
                units[i] = self.placement.split(self._shorten(texts[i], room))
                cut += 1
        return self._place(texts, units, room, cut)

    def _place(
        self, texts: Sequence[str], units: list[list[Unit]], room: int, cut: int
    ) -> list[Drawn[S]]:
        for _ in range(2):
            store = self._store
            try:
                placed = self.placement.place(store, units, room)
            except Full:
                self._store = self._new_store()
                continue
            missing = int(store.missing[placed.ids].sum())
            return [Drawn(placed, store, placed.cut + cut, missing)]
        half = len(units) // 2
        if half:
            left = self._place(texts[:half], units[:half], room, cut)
            return left + self._place(texts[half:], units[half:], room, 0)
        # One text with more units than there is memory: those far out of sight are left out.
        text = self._shorten(texts[0], 2 * room + 2)
        with self._lock:
            seen = self.placement.visible(self.placement.split(text))
        store = self._store = self._new_store()
        placed = self.placement.place(store, [seen], room)
        return [Drawn(placed, store, placed.cut + cut, int(store.missing[placed.ids].sum()))]

    def _shorten(self, text: str, room: int) -> str:
        """Return the longest beginning of a text, in whole clusters, that takes `room` patches."""
        layout, placement = self.placement.grid.layout, self.placement
        ends = [match.end() for match in CLUSTER.finditer(text)]

        def fits(clusters: int) -> bool:
            units = placement.split(text[: ends[clusters - 1]])
            widths = np.array([layout.shape(unit).width for unit in units], np.int64)
            return bool(placement.patches(widths, bounds_of([units]))[0] <= room)

        with self._lock:
            low, high = 0, 1
            while high <= len(ends) and fits(high):
                low, high = high, 2 * high
            high = min(high, len(ends) + 1)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if fits(middle) else (low, middle)
        return text[: ends[low - 1]] if low else ""
