"""Strategies: where the units of texts stand in rows of patches (Lotz et al. 2023)."""

import dataclasses
from collections.abc import Sequence
from itertools import chain
from typing import Protocol

import numpy as np

from pixel_linguist.render.grid import Grid
from pixel_linguist.render.store import Store
from pixel_linguist.render.units import Unit, pairs, pieces, words


@dataclasses.dataclass(frozen=True, eq=False)
class Placed:
    """The N units of B texts and where they stand.

    Attributes:
        ids: int64 [N], numbers in a store.
        x: int64 [N], the column at which each starts in its text's row of patches.
        bounds: int64 [B + 1], the units of a text b are those from bounds[b] to bounds[b + 1].
        count: int64 [B], patches that each text takes, at least 1.
        cut: texts that were longer than their room.
    """

    ids: np.ndarray
    x: np.ndarray
    bounds: np.ndarray
    count: np.ndarray
    cut: int


class Placement(Protocol):
    """What stands where."""

    grid: Grid

    def split(self, text: str) -> list[Unit]:
        """Split a text into units, from left to right."""
        ...

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches that texts take by the widths of their units, int64 [B]."""
        ...

    def visible(self, units: list[Unit]) -> list[Unit]:
        """Return those units that change what is seen."""
        ...

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: int) -> Placed:
        """Place texts, each cut to at most `room` patches."""
        ...


def bounds_of(texts: Sequence[Sequence[Unit]]) -> np.ndarray:
    """Return where the units of each text begin, in one list of all, int64 [B + 1]."""
    return np.cumsum([0, *map(len, texts)])


def _sums(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    return np.diff(np.concatenate([[0], np.cumsum(values)])[bounds])


class Aligned:
    """Each unit starts at a patch, `margin` pixels in, and keeps `gap` pixels free behind it."""

    def __init__(self, grid: Grid, by_pairs: bool = False):
        self.grid = grid
        self.split = pairs if by_pairs else words

    def unit_patches(self, widths: np.ndarray) -> np.ndarray:
        """Return the patches of units by their widths; what has no picture takes none."""
        taken = widths + self.grid.margin + self.grid.gap
        return np.where(widths > 0, -(-taken // self.grid.width), 0)

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches that texts take by the widths of their units, int64 [B]."""
        return np.maximum(_sums(self.unit_patches(widths), bounds), 1)

    def visible(self, units: list[Unit]) -> list[Unit]:
        """Return those units that change what is seen."""
        return [unit for unit in units if self.grid.layout.shape(unit).width]

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: int) -> Placed:
        """Place texts, each cut to at most `room` patches."""
        bounds = bounds_of(texts)
        units = [*chain.from_iterable(texts)]
        ids = store.lookup(units)
        count = self.unit_patches(store.width[ids])
        totals = _sums(count, bounds)
        long = np.flatnonzero(totals > room)
        keep = np.ones(len(ids), bool)
        for text in long:
            start, stop = bounds[text : text + 2]
            ends = np.cumsum(count[start:stop])
            last = int(np.searchsorted(ends, room, side="right"))
            keep[start + last : stop] = False
            left = room - int(ends[last] - count[start + last])
            limit = left * self.grid.width - self.grid.margin - self.grid.gap
            if limit > 0:
                ids[start + last] = store.lookup_cut(units[start + last], limit)
                keep[start + last] = True
        if long.size:
            ids, bounds = ids[keep], np.concatenate([[0], np.cumsum(keep)])[bounds]
            count = self.unit_patches(store.width[ids])
            totals = _sums(count, bounds)
        before = np.cumsum(count) - count
        first = np.repeat(np.concatenate([before, [0]])[bounds[:-1]], np.diff(bounds))
        x = (before - first) * self.grid.width + self.grid.margin
        return Placed(ids, x, bounds, np.maximum(totals, 1), long.size)


class Running:
    """Units follow each other, with the font's space between them, across patches."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.split = pieces

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches that texts take by the widths of their units, int64 [B]."""
        return self._patches(_sums(widths + self.grid.layout.space, bounds))

    def visible(self, units: list[Unit]) -> list[Unit]:
        """Return those units that change what is seen: all, for each brings a space."""
        return units

    def _patches(self, widths: np.ndarray) -> np.ndarray:
        """Turn widths of texts, with a space at their end, into patches."""
        taken = widths - self.grid.layout.space + self.grid.margin + self.grid.gap
        return np.maximum(-(-taken // self.grid.width), 1)

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: int) -> Placed:
        """Place texts, each cut to at most `room` patches."""
        bounds = bounds_of(texts)
        units = [*chain.from_iterable(texts)]
        ids = store.lookup(units)
        width = store.width[ids]
        begins = np.concatenate([[0], np.cumsum(width + self.grid.layout.space)])
        x = begins[:-1] - np.repeat(begins[bounds[:-1]], np.diff(bounds)) + self.grid.margin
        count = self._patches(np.diff(begins[bounds]))
        long = np.flatnonzero(count > room)
        if not long.size:
            return Placed(ids, x, bounds, count, 0)
        limit = room * self.grid.width - self.grid.gap
        keep = np.ones(len(ids), bool)
        for text in long:
            start, stop = bounds[text : text + 2]
            last = start + int((x[start:stop] + width[start:stop] <= limit).sum())
            keep[last + 1 : stop] = False
            ids[last] = store.lookup_cut(units[last], int(limit - x[last]))
            end = int(x[last] + store.width[ids[last]]) + self.grid.gap
            count[text] = max(-(-end // self.grid.width), 1)
        bounds = np.concatenate([[0], np.cumsum(keep)])[bounds]
        return Placed(ids[keep], x[keep], bounds, count, long.size)
