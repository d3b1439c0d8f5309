"""Units that have been shaped and drawn, kept in bounded memory."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from itertools import repeat
from threading import Lock

import numpy as np

from pixel_linguist.render.cache.word_table import Keys, Vocabulary, keys_of, longer
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Shaped
from pixel_linguist.render.ragged import Spans
from pixel_linguist.render.units import Unit, Units

# What a unit costs in memory beside its picture: its key, its entry, its numbers.
OVERHEAD = 300


class Full(Exception):
    """There is no room for another unit: start again with a new store."""


class UnitCache(ABC):
    """Numbers units and keeps their widths; what else is kept of them is up to the subclass.

    Units are only ever added, behind a lock, so that what was read stays valid without one.
    """

    def __init__(self, grid: Grid, lock: Lock, previous: "UnitCache | None" = None):
        """Begin empty.

        Args:
            grid: to stand on.
            lock: for what is added.
            previous: the store that was full, from which units that occur again are taken over.
        """
        self.grid, self._lock, self._previous = grid, lock, previous
        if previous is not None:
            previous._previous = None
        # What has numbers: words of texts that run from left to right, and all else.
        self.vocabulary = Vocabulary()
        self.ids: dict[Hashable, int] = {}
        self.size = 0
        # By number: pixels, and clusters that no font covers.
        self.width = np.zeros(1024, np.int64)
        self.missing = np.zeros(1024, np.int64)

    def lookup(self, units: Units) -> np.ndarray:
        """Return the numbers of units, int64 [n]; what is new is drawn.

        Raises:
            Full: they do not fit beside those before.
        """
        numbers = self._lookup_words(units.spans)
        if not units.others:
            return numbers
        both = np.empty(len(units.own), np.int64)
        both[units.own], both[~units.own] = numbers, self._lookup_others(units.others)
        return both

    def _lookup_words(self, words: Spans) -> np.ndarray:
        keys, size = keys_of(words), self.size
        numbers = self.vocabulary.find(keys)
        missing = np.flatnonzero(numbers < 0)
        if not len(missing):
            return numbers
        new = np.sort(missing[np.unique(keys.hashes[missing], return_index=True)[1]])
        with self._lock:
            if self.size != size:
                # Another thread may have been first; a word has one number.
                new = new[self.vocabulary.find(keys_of(words.of(new))) < 0]
            added = keys_of(words.of(new))
            numbers[new] = self._add_words(words.of(new), added)
            self.vocabulary.add(added, numbers[new])
        again = missing[numbers[missing] < 0]
        numbers[again] = self.vocabulary.find(keys_of(words.of(again)))
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
        """Return the numbers of units that are cut, at clusters, to at most `limits` pixels."""
        keys = [*zip(limits, units, strict=True)]
        if any(key not in self.ids for key in keys):
            with self._lock:
                new = [key for key in dict.fromkeys(keys) if key not in self.ids]
                self.ids.update(zip(new, self._add_cut(new).tolist(), strict=True))
        return np.array([self.ids[key] for key in keys], np.int64)

    def _add_cut(self, keys: Sequence[tuple[int, Unit]]) -> np.ndarray:
        """Draw units cut to at most so many pixels, all different, and return their numbers."""
        shape = self.grid.layout.shape
        return self._add([shape(unit).cut(limit) for limit, unit in keys])

    def _add_words(self, words: Spans, keys: Keys) -> np.ndarray:
        """Draw words, all different, and return their numbers."""
        shape = self.grid.layout.shape
        return self._add([shape(words.text(i)) for i in range(len(words.end))])

    def _add_others(self, units: Sequence[Unit]) -> None:
        numbers = self._add([*map(self.grid.layout.shape, units)])
        # Last: a thread that finds them here reads the rest without a lock.
        self.ids.update(zip(units, numbers.tolist(), strict=True))

    def _add(self, shaped: Sequence[Shaped]) -> np.ndarray:
        """Draw units and return their numbers."""
        if not shaped:
            return np.zeros(0, np.int64)
        self._keep(self.size, shaped)
        width, missing = zip(*((unit.width, unit.missing) for unit in shaped), strict=True)
        return self._number(np.array(width), np.array(missing))

    def _number(self, width: np.ndarray, missing: np.ndarray | int) -> np.ndarray:
        """Give the next numbers to units that are kept."""
        start, end = self.size, self.size + len(width)
        self.width, self.missing = longer(self.width, end), longer(self.missing, end)
        self.width[start:end], self.missing[start:end] = width, missing
        self.size = end
        return np.arange(start, end)

    @abstractmethod
    def _keep(self, number: int, shaped: Sequence[Shaped]) -> None:
        """Draw units and keep them, as `number` and those that follow.

        Raises:
            Full: there is no room.
        """
