"""Units that have been shaped and drawn, in bounded memory."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from itertools import repeat
from threading import Lock
from typing import Any

import numpy as np

from pixel_linguist.render.cache.shape import BulkShaper, Drawn
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import longer
from pixel_linguist.render.units import Unit

# Bytes of a unit besides its picture: its key, its entry, its numbers.
OVERHEAD = 300


class Full(Exception):
    """A unit does not fit: begin a new cache."""


class UnitCache(ABC):
    """Numbers units and keeps their widths; subclasses keep their pictures.

    Units are only added, with a lock, so that what has been read stays valid without one. Eligible
    words are drawn many at once.
    """

    # Whether units start at patches, and are cut at the edges of those they take.
    aligned: bool

    def __init__(self, grid: Grid, lock: Lock, memory: int, previous: "UnitCache | None" = None):
        """Begin empty.

        Args:
            memory: bytes for pictures, which are claimed as they are written.
            previous: the cache that was full; units that occur again are copied from it.
        """
        self.grid, self._lock, self._previous = grid, lock, previous
        if previous is not None:
            previous._previous = None
        self._bulk: BulkShaper = previous._bulk if previous else BulkShaper(grid)
        self._left = memory
        # Numbers of units, and of units that are cut with their limits.
        self.ids: dict[Hashable, int] = {}
        self.size = 0
        # By number: pixels, and clusters with boxes.
        self.width = np.zeros(1024, np.int64)
        self.missing = np.zeros(1024, np.int64)

    def lookup(self, units: Sequence[Unit]) -> np.ndarray:
        """Return the numbers of units, int64 [n]; new ones are drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        numbers = np.fromiter(map(self.ids.get, units, repeat(-1)), np.int64, len(units))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            new = dict.fromkeys([units[i] for i in missing])
            with self._lock:
                # Another thread may have been first; a unit has one number.
                self._add_new([unit for unit in new if unit not in self.ids])
            numbers[missing] = [self.ids[units[i]] for i in missing]
        return numbers

    def lookup_cut(self, units: Sequence[Unit], limits: Sequence[int]) -> np.ndarray:
        """Return the numbers of units cut, at clusters, to at most `limits` pixels."""
        keys = [*zip(limits, units, strict=True)]
        if any(key not in self.ids for key in keys):
            with self._lock:
                new = [key for key in dict.fromkeys(keys) if key not in self.ids]
                numbers = self._draw([unit for _, unit in new], [limit for limit, _ in new])
                self.ids.update(zip(new, numbers.tolist(), strict=True))
        return np.array([self.ids[key] for key in keys], np.int64)

    def _add_new(self, units: Sequence[Unit]) -> None:
        """Copy or draw units, all different."""
        old = self._previous
        if old is not None:
            found = [unit for unit in units if unit in old.ids]
            theirs = np.array([old.ids[unit] for unit in found], np.int64)
            self._copy(self.size, old, theirs)
            numbers = self._number(old.width[theirs], old.missing[theirs])
            self.ids.update(zip(found, numbers.tolist(), strict=True))
        left = [unit for unit in units if unit not in self.ids]
        numbers = self._draw(left)
        # Last: a thread that finds them here reads the rest without a lock.
        self.ids.update(zip(left, numbers.tolist(), strict=True))

    def _draw(self, units: Sequence[Unit], limits: Sequence[int] | None = None) -> np.ndarray:
        """Draw units, all different; returns their numbers.

        Args:
            limits: pixels to which they are cut, at clusters.
        """
        numbers = np.full(len(units), -1)
        drawn = self._bulk.draw(units, self.aligned, limits)
        if drawn is not None:
            self._keep_words(self.size, drawn)
            numbers[drawn.numbers] = self._number(drawn.width, 0)
        alone = np.flatnonzero(numbers < 0).tolist()
        shaped = [self.grid.layout.shape(units[i]) for i in alone]
        if limits is not None:
            shaped = [unit.cut(limits[i]) for i, unit in zip(alone, shaped, strict=True)]
        if shaped:
            self._keep(self.size, shaped)
            width, missing = zip(*((unit.width, unit.missing) for unit in shaped), strict=True)
            numbers[alone] = self._number(np.array(width), np.array(missing))
        return numbers

    def _spend(self, cost: int) -> None:
        """Claim bytes, or raise `Full`."""
        if cost > self._left:
            raise Full
        self._left -= cost

    def _number(self, width: np.ndarray, missing: np.ndarray | int) -> np.ndarray:
        """Give the next numbers to units whose pictures are kept."""
        start, end = self.size, self.size + len(width)
        self.width, self.missing = longer(self.width, end), longer(self.missing, end)
        self.width[start:end], self.missing[start:end] = width, missing
        self.size = end
        return np.arange(start, end)

    @abstractmethod
    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        """Draw units and keep their pictures under `number` and those after it, or raise `Full`."""

    @abstractmethod
    def _copy(self, number: int, old: Any, numbers: np.ndarray) -> None:
        """Copy pictures of another cache of this class, as `_keep` does."""

    @abstractmethod
    def _keep_words(self, number: int, words: Drawn) -> None:
        """Keep words that have been drawn, as `_keep` does."""
