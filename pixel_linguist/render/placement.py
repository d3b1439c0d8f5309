"""Strategies: where the units of texts stand in rows of patches (Lotz et al. 2023)."""

from typing import Protocol

import numpy as np

from pixel_linguist.render.cache import UnitCache
from pixel_linguist.render.grid import Grid, Placed
from pixel_linguist.render.units import PAIRS, PIECES, WORDS, Splitting, Unit, Units


class Placement(Protocol):
    """What stands where."""

    grid: Grid
    # Texts into units, from left to right.
    split: Splitting

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches that texts take by the widths of their units, int64 [B]."""
        ...

    def visible(self, units: list[Unit]) -> list[Unit]:
        """Return those units that change what is seen."""
        ...

    def place(self, cache: UnitCache, units: Units, room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
        ...


def _sums(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Add up the values of each text."""
    ends = np.concatenate(([0], values.cumsum()))[bounds]
    return ends[1:] - ends[:-1]


def _within(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Add up the values of each text as far as each unit, itself included."""
    ends = values.cumsum()
    before = np.concatenate(([0], ends))[bounds[:-1]]
    return ends - before.repeat(bounds[1:] - bounds[:-1])


class Aligned:
    """Each unit starts at a patch, `margin` pixels in, and keeps `gap` pixels free behind it."""

    def __init__(self, grid: Grid, by_pairs: bool = False):
        self.grid = grid
        self.split = PAIRS if by_pairs else WORDS

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

    def place(self, cache: UnitCache, units: Units, room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
        bounds = units.bounds
        ids = cache.lookup(units)
        count = self.unit_patches(cache.width[ids])
        ends = _within(count, bounds)
        totals = _sums(count, bounds)
        long = totals > room
        if long.any():
            keep = ends <= np.repeat(room, np.diff(bounds))
            last = bounds[:-1][long] + _sums(keep, bounds)[long]
            left = room[long] - (ends - count)[last]
            limits = left * self.grid.width - self.grid.margin - self.grid.gap
            last, limits = last[limits > 0], limits[limits > 0]
            ids[last] = cache.lookup_cut([*map(units.unit, last.tolist())], limits.tolist())
            count[last], keep[last] = self.unit_patches(cache.width[ids[last]]), True
            ids, count, bounds = ids[keep], count[keep], np.append(0, keep.cumsum())[bounds]
            ends, totals = _within(count, bounds), _sums(count, bounds)
        x = (ends - count) * self.grid.width + self.grid.margin
        return Placed(ids, x, bounds, np.maximum(totals, 1), long)


class Running:
    """Units follow each other, with the font's space between them, across patches."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.split = PIECES

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches that texts take by the widths of their units, int64 [B]."""
        taken = _sums(widths + self.grid.layout.space, bounds)
        taken += self.grid.margin + self.grid.gap - self.grid.layout.space
        return np.maximum(-(-taken // self.grid.width), 1)

    def visible(self, units: list[Unit]) -> list[Unit]:
        """Return those units that change what is seen: all, for each brings a space."""
        return units

    def place(self, cache: UnitCache, units: Units, room: np.ndarray) -> Placed:
        """Place texts, each cut to at most its room, int64 [B], in patches."""
        bounds, grid = units.bounds, self.grid
        ids = cache.lookup(units)
        width = cache.width[ids]
        x = _within(width + grid.layout.space, bounds) - grid.layout.space - width + grid.margin
        count = self.patches(width, bounds)
        long = count > room
        if not long.any():
            return Placed(ids, x, bounds, count, long)
        limits = np.repeat(room * grid.width - grid.gap, np.diff(bounds))
        keep = x + width <= limits
        # Where there is no room at all, an empty unit still counts as kept.
        last = np.minimum(bounds[:-1] + _sums(keep, bounds), bounds[1:] - 1)[long]
        rest = (limits - x)[last].tolist()
        ids[last] = cache.lookup_cut([*map(units.unit, last.tolist())], rest)
        # Where nothing is left of a unit, the space before it does not count either.
        keep[last] = cache.width[ids[last]] > 0
        shown = last - ~keep[last]
        ends = np.where(shown >= bounds[:-1][long], x[shown] + cache.width[ids[shown]], 0)
        # Where a patch is narrower than what is kept free, that does not count.
        count[long] = np.clip(-(-(ends + grid.gap) // grid.width), 1, room[long])
        bounds = np.append(0, np.cumsum(keep))[bounds]
        return Placed(ids[keep], x[keep], bounds, count, long)
