"""Strategies: the positions of units in rows of patches (Lotz et al. 2023)."""

from typing import TypeAlias

import numpy as np

from pixel_linguist.render.cache import UnitCache
from pixel_linguist.render.grid import Grid, Placed
from pixel_linguist.render.ragged import totals
from pixel_linguist.render.units import PAIRS, PIECES, WORDS, Units


def _running_totals(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Add up the values of each text up to and including each unit."""
    ends = values.cumsum()
    before = np.concatenate(([0], ends))[bounds[:-1]]
    return ends - before.repeat(bounds[1:] - bounds[:-1])


class Aligned:
    """Each unit starts at a patch."""

    def __init__(self, grid: Grid, by_pairs: bool = False):
        self.grid = grid
        self.split = PAIRS if by_pairs else WORDS

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches of texts, int64 [B], by the widths of their units."""
        return np.maximum(totals(self.grid.unit_patches(widths), bounds), 1)

    def place(self, cache: UnitCache, units: Units, ids: np.ndarray, room: np.ndarray) -> Placed:
        """Place texts, each cut to at most `room` patches, int64 [B]."""
        bounds, grid = units.bounds, self.grid
        count = grid.unit_patches(cache.width[ids])
        ends = _running_totals(count, bounds)
        total = totals(count, bounds)
        long = total > room
        if long.any():
            keep = ends <= np.repeat(room, np.diff(bounds))
            last = bounds[:-1][long] + totals(keep, bounds)[long]
            left = room[long] - (ends - count)[last]
            limits = left * grid.width - grid.margin - grid.gap
            last, limits = last[limits > 0], limits[limits > 0]
            ids[last] = cache.lookup_cut([units.units[i] for i in last.tolist()], limits.tolist())
            count[last], keep[last] = grid.unit_patches(cache.width[ids[last]]), True
            ids, count, bounds = ids[keep], count[keep], np.append(0, keep.cumsum())[bounds]
            ends, total = _running_totals(count, bounds), totals(count, bounds)
        x = (ends - count) * grid.width + grid.margin
        return Placed(ids, x, bounds, np.maximum(total, 1), long)


class Running:
    """Units follow one another across patches, with the font's space between them."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.split = PIECES

    def patches(self, widths: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Return the patches of texts, int64 [B], by the widths of their units."""
        taken = totals(widths + self.grid.layout.space, bounds)
        taken += self.grid.margin + self.grid.gap - self.grid.layout.space
        return np.maximum(-(-taken // self.grid.width), 1)

    def place(self, cache: UnitCache, units: Units, ids: np.ndarray, room: np.ndarray) -> Placed:
        """Place texts, each cut to at most `room` patches, int64 [B]."""
        bounds, grid = units.bounds, self.grid
        width = cache.width[ids]
        space = grid.layout.space
        x = _running_totals(width + space, bounds) - space - width + grid.margin
        count = self.patches(width, bounds)
        long = count > room
        if not long.any():
            return Placed(ids, x, bounds, count, long)
        limits = np.repeat(room * grid.width - grid.gap, np.diff(bounds))
        keep = x + width <= limits
        # Without any room, an empty unit still counts as kept.
        last = np.minimum(bounds[:-1] + totals(keep, bounds), bounds[1:] - 1)[long]
        rest = (limits - x)[last].tolist()
        ids[last] = cache.lookup_cut([units.units[i] for i in last.tolist()], rest)
        # If nothing is left of a unit, the space before it is dropped as well.
        keep[last] = cache.width[ids[last]] > 0
        shown = last - ~keep[last]
        ends = np.where(shown >= bounds[:-1][long], x[shown] + cache.width[ids[shown]], 0)
        # The gap does not count if a patch is narrower than it.
        count[long] = np.clip(-(-(ends + grid.gap) // grid.width), 1, room[long])
        bounds = np.append(0, np.cumsum(keep))[bounds]
        return Placed(ids[keep], x[keep], bounds, count, long)


Placement: TypeAlias = Aligned | Running
