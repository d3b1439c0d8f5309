"""Units that have been shaped and drawn, kept in bounded memory."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np

from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.units import Unit

# What a unit costs in memory beside its picture: its key, its entry, its numbers.
OVERHEAD = 300


class Full(Exception):
    """There is no room for another unit: start again with a new store."""


class Store(ABC):
    """Numbers units and keeps their widths; what else is kept of them is up to the subclass.

    Units are only ever added, behind a lock, so that what was read stays valid without one.
    """

    def __init__(self, grid: Grid, lock: Lock, previous: "Store | None" = None):
        """Begin empty.

        Args:
            grid: to stand on.
            lock: for what is added.
            previous: the store that was full, from which units that occur again are taken over.
        """
        self.grid, self._lock, self._previous = grid, lock, previous
        if previous is not None:
            previous._previous = None
        self.ids: dict[Hashable, int] = {}
        # By number: pixels, and clusters that no font covers.
        self.width = np.zeros(1024, np.int64)
        self.missing = np.zeros(1024, np.int64)

    def lookup(self, units: Sequence[Unit]) -> np.ndarray:
        """Return the numbers of units, int64 [n]; what is new is drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        numbers = np.fromiter(map(self.ids.get, units, repeat(-1)), np.int64, len(units))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            new = dict.fromkeys([units[i] for i in missing])
            with self._lock:
                # Another thread may have been first; a unit has one number.
                self._add_all([unit for unit in new if unit not in self.ids])
            numbers[missing] = [self.ids[units[i]] for i in missing]
        return numbers

    def prepare(self, placed: Any) -> None:  # noqa: B027
        """Make ready what drawing a batch needs beyond its units.

        Raises:
            Full: there is no room.
        """

    def lookup_cut(self, unit: Unit, limit: int) -> int:
        """Return the number of a unit that is cut, at a cluster, to at most `limit` pixels."""
        key = limit, unit
        if key not in self.ids:
            with self._lock:
                if key not in self.ids:
                    self._add(key, self.grid.layout.shape(unit).cut(limit))
        return self.ids[key]

    def _add_all(self, units: Sequence[Unit]) -> None:
        for unit in units:
            self._add(unit, self.grid.layout.shape(unit))

    def _add(self, key: Hashable, shaped: Shaped) -> None:
        number = len(self.ids)
        self._keep(number, shaped)
        self.width = grown(self.width, number)
        self.missing = grown(self.missing, number)
        self.width[number] = shaped.width
        self.missing[number] = shaped.missing
        # Last: a thread that finds it here reads the rest without a lock.
        self.ids[key] = number

    @abstractmethod
    def _keep(self, number: int, shaped: Shaped) -> None:
        """Draw a unit and keep that.

        Raises:
            Full: there is no room.
        """


def grown(array: np.ndarray, number: int) -> np.ndarray:
    """Return an array that has a place `number`: itself, or a longer one."""
    while number >= len(array):
        array = np.concatenate([array, np.zeros_like(array)])
    return array
