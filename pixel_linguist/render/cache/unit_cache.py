"""Units that have been shaped and drawn, in bounded memory."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from itertools import repeat
from threading import Lock

import numpy as np

from pixel_linguist.render.cache.word_table import Keys, WordTable, keys_of
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import Spans, longer
from pixel_linguist.render.units import Unit, Units

# Bytes of a unit besides its picture: its key, its entry, its numbers.
OVERHEAD = 300


class Full(Exception):
    """A unit does not fit: begin a new cache."""


class UnitCache(ABC):
    """Numbers units and keeps their widths; subclasses keep their pictures.

    Units are only added, with a lock, so that what has been read stays valid without one.
    """

    def __init__(self, grid: Grid, lock: Lock, previous: "UnitCache | None" = None):
        """Begin empty.

        Args:
            grid: of the units.
            lock: for additions.
            previous: the cache that was full; units that occur again are copied from it.
        """
        self.grid, self._lock, self._previous = grid, lock, previous
        if previous is not None:
            previous._previous = None
        # Numbers of words of texts that run from left to right, and of all other units.
        self.words = WordTable()
        self.ids: dict[Hashable, int] = {}
        self.size = 0
        # By number: pixels, and clusters with boxes.
        self.width = np.zeros(1024, np.int64)
        self.missing = np.zeros(1024, np.int64)

    def lookup(self, units: Units) -> np.ndarray:
        """Return the numbers of units, int64 [n]; new ones are drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        numbers = self._lookup_words(units.spans)
        if not units.others:
            return numbers
        both = np.empty(len(units.in_spans), np.int64)
        both[units.in_spans] = numbers
        both[~units.in_spans] = self._lookup_others(units.others)
        return both

    def _lookup_words(self, words: Spans) -> np.ndarray:
        keys, size = keys_of(words), self.size
        numbers = self.words.find(keys)
        missing = np.flatnonzero(numbers < 0)
        if not len(missing):
            return numbers
        new = np.sort(missing[np.unique(keys.hashes[missing], return_index=True)[1]])
        with self._lock:
            if self.size != size:
                # Another thread may have been first; a word has one number.
                new = new[self.words.find(keys_of(words.of(new))) < 0]
            added = keys_of(words.of(new))
            numbers[new] = self._add_words(words.of(new), added)
            self.words.add(added, numbers[new])
        again = missing[numbers[missing] < 0]
        numbers[again] = self.words.find(keys_of(words.of(again)))
        # Next to never: another word has its hash.
        for i in again[numbers[again] < 0].tolist():
            numbers[i] = self._lookup_others([words.text(i)])[0]
        return numbers

    def _lookup_others(self, units: Sequence[Unit]) -> np.ndarray:
        numbers = np.fromiter(map(self.ids.get, units, repeat(-1)), np.int64, len(units))
        missing = np.flatnonzero(numbers < 0).tolist()
        if missing:
            new = dict.fromkeys([units[i] for i in missing])
            with self._lock:
                # Another thread may have been first; a unit has one number.
                self._add_others([unit for unit in new if unit not in self.ids])
            numbers[missing] = [self.ids[units[i]] for i in missing]
        return numbers

    def lookup_cut(self, units: Sequence[Unit], limits: Sequence[int]) -> np.ndarray:
        """Return the numbers of units cut, at clusters, to at most `limits` pixels."""
        keys = [*zip(limits, units, strict=True)]
        if any(key not in self.ids for key in keys):
            with self._lock:
                new = [key for key in dict.fromkeys(keys) if key not in self.ids]
                self.ids.update(zip(new, self._add_cut(new).tolist(), strict=True))
        return np.array([self.ids[key] for key in keys], np.int64)

    def _add_cut(self, keys: Sequence[tuple[int, Unit]]) -> np.ndarray:
        """Draw units, all different, each cut to its limit in pixels; returns their numbers."""
        shape = self.grid.layout.shape
        return self._add([shape(unit).cut(limit) for limit, unit in keys])

    def _add_words(self, words: Spans, keys: Keys) -> np.ndarray:
        """Draw words, all different; returns their numbers."""
        shape = self.grid.layout.shape
        return self._add([shape(words.text(i)) for i in range(len(words.end))])

    def _add_others(self, units: Sequence[Unit]) -> None:
        numbers = self._add([*map(self.grid.layout.shape, units)])
        # Last: a thread that finds them here reads the rest without a lock.
        self.ids.update(zip(units, numbers.tolist(), strict=True))

    def _add(self, shaped: Sequence[Shaped]) -> np.ndarray:
        """Draw units; returns their numbers."""
        if not shaped:
            return np.zeros(0, np.int64)
        self._keep(self.size, shaped)
        width, missing = zip(*((unit.width, unit.missing) for unit in shaped), strict=True)
        return self._number(np.array(width), np.array(missing))

    def _number(self, width: np.ndarray, missing: np.ndarray | int) -> np.ndarray:
        """Give the next numbers to units whose pictures are kept."""
        start, end = self.size, self.size + len(width)
        self.width, self.missing = longer(self.width, end), longer(self.missing, end)
        self.width[start:end], self.missing[start:end] = width, missing
        self.size = end
        return np.arange(start, end)

    @abstractmethod
    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        """Draw units and keep their pictures under `number` and the numbers after it.

        Raises:
            Full: there is no room.
        """
