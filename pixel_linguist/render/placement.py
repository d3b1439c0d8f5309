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
    """The N units of B texts, or parts of texts, and where they stand.

    Attributes:
        ids: int64 [N], numbers in a store.
        x: int64 [N], the column at which each starts in its text's row of patches.
        bounds: int64 [B + 1], the units of a text b are those from bounds[b] to bounds[b + 1].
        count: int64 [B], patches that each text takes, at least 1.
        cut: bool [B], whether it was longer than its room.
        rows: how texts are made of these, where they have several parts.
    """

    ids: np.ndarray
    x: np.ndarray
    bounds: np.ndarray
    count: np.ndarray
    cut: np.ndarray
    rows: "Rows | None" = None

    @property
    def total(self) -> np.ndarray:
        """Patches that each whole text takes, int64 [B]."""
        return self.count if self.rows is None else self.rows.count


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Texts that are made of G parts, one behind the other.

    Attributes:
        text: int64 [G], the text of each part.
        offset: int64 [G], the patch of that text at which it starts.
        count: int64 [B], patches that each text takes.
        black: int64 [K, 2], texts and patches of them that are black.
    """

    text: np.ndarray
    offset: np.ndarray
    count: np.ndarray
    black: np.ndarray


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

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
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

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
        bounds = bounds_of(texts)
        units = [*chain.from_iterable(texts)]
        ids = store.lookup(units)
        count = self.unit_patches(store.width[ids])
        totals = _sums(count, bounds)
        long = totals > room
        keep = np.ones(len(ids), bool)
        for text in np.flatnonzero(long):
            start, stop = bounds[text : text + 2]
            ends = np.cumsum(count[start:stop])
            last = int(np.searchsorted(ends, room[text], side="right"))
            keep[start + last : stop] = False
            left = int(room[text]) - int(ends[last] - count[start + last])
            limit = left * self.grid.width - self.grid.margin - self.grid.gap
            if limit > 0:
                ids[start + last] = store.lookup_cut(units[start + last], limit)
                keep[start + last] = True
        if long.any():
            ids, bounds = ids[keep], np.concatenate([[0], np.cumsum(keep)])[bounds]
            count = self.unit_patches(store.width[ids])
            totals = _sums(count, bounds)
        before = np.cumsum(count) - count
        first = np.repeat(np.concatenate([before, [0]])[bounds[:-1]], np.diff(bounds))
        x = (before - first) * self.grid.width + self.grid.margin
        return Placed(ids, x, bounds, np.maximum(totals, 1), long)


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

    def place(self, store: Store, texts: Sequence[Sequence[Unit]], room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
        bounds = bounds_of(texts)
        units = [*chain.from_iterable(texts)]
        ids = store.lookup(units)
        width = store.width[ids]
        begins = np.concatenate([[0], np.cumsum(width + self.grid.layout.space)])
        x = begins[:-1] - np.repeat(begins[bounds[:-1]], np.diff(bounds)) + self.grid.margin
        count = self._patches(np.diff(begins[bounds]))
        long = count > room
        if not long.any():
            return Placed(ids, x, bounds, count, long)
        keep = np.ones(len(ids), bool)
        for text in np.flatnonzero(long):
            limit = int(room[text]) * self.grid.width - self.grid.gap
            start, stop = bounds[text : text + 2]
            last = start + int((x[start:stop] + width[start:stop] <= limit).sum())
            keep[last + 1 : stop] = False
            ids[last] = store.lookup_cut(units[last], int(limit - x[last]))
            if not store.width[ids[last]]:
                # Nor does the space before it count.
                keep[last] = False
                last -= 1
            end = int(x[last] + store.width[ids[last]]) if last >= start else 0
            count[text] = max(-(-(end + self.grid.gap) // self.grid.width), 1)
        bounds = np.concatenate([[0], np.cumsum(keep)])[bounds]
        return Placed(ids[keep], x[keep], bounds, count, long)
