"""A hash table of words made of arrays: all words of a batch are looked up at once.

A dict needs an object for each word of each text; this needs none.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pixel_linguist.render.ragged import Spans, longer

# Hashes are polynomials in this number modulo 2 ** 64; it is odd, so that it has an inverse. Its
# value does not matter otherwise.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
# Set in hashes of long words; no byte of UTF-8 and no space has it in a last lane.
LONG = np.uint64(1 << 63)
# By bytes of a word in its last lane: the mask of these and the space after them.
_LAST = np.array([(1 << 8 * length) - 1 for length in range(1, 9)], np.uint64)
# Bytes that a word of average length takes at most, its numbers in a cache included.
WORD_OVERHEAD = 160


class Keys(NamedTuple):
    """N words as lanes: 8 bytes of UTF-8 at a time; the word ends with a space, then zeros.

    Attributes:
        hashes: uint64 [N]; of a word of one lane, the lane itself, so that no other word has it.
        long: int64 [n], the words of several lanes.
        lanes: uint64 [sum of many], the lanes of long words, one word after the other.
        first: int64 [n], the first lane of each long word.
        many: int64 [n], its number of lanes.
    """

    hashes: np.ndarray
    long: np.ndarray
    lanes: np.ndarray
    first: np.ndarray
    many: np.ndarray


def keys_of(words: Spans) -> Keys:
    """Return the keys of words."""
    length = words.end - words.start
    # The 8 bytes at each position, aligned or not.
    numbers = np.ndarray(len(words.letters) - 7, "<u8", words.letters, strides=(1,))
    hashes = numbers[words.start] & _LAST.take(length, mode="clip")
    long = np.flatnonzero(length > 7)
    length = length[long]
    many = (length >> 3) + 1
    behind = many.cumsum()
    first, last = behind - many, behind - 1
    place = (words.start[long] - 8 * first).repeat(many)
    place += np.arange(0, 8 * len(place), 8)
    lanes = numbers[place]
    lanes[last] &= _LAST[length & 7]
    powers, inverse = _powers(1 << len(lanes).bit_length())
    sums = np.add.reduceat(lanes * powers[: len(lanes)], first) if len(long) else lanes
    hashes[long] = sums * inverse[first] | LONG
    return Keys(hashes, long, lanes, first, many)


class WordTable:
    """Numbers of words by their bytes.

    One thread at a time may add words; others may look up meanwhile.
    """

    def __init__(self) -> None:
        # By hash: numbers, or -1. Of words that want the same slot the first has it; the others
        # are in a dict, which few look-ups need.
        self._slots = np.full(2048, -1, np.int32)
        self._others: dict[int, int] = {}
        # By number: the hash, and the first lane of a long word.
        self._hashes = np.zeros(1024, np.uint64)
        self._first = np.zeros(1024, np.int64)
        self._lanes = np.zeros(1024, np.uint64)
        self._words = self._used = 0

    def find(self, keys: Keys) -> np.ndarray:
        """Return the numbers of words, int64 [N]; -1 for unknown ones."""
        # Arrays are read after the slots: they have whatever the slots have by then.
        slots, others, hashes = self._slots, self._others, keys.hashes
        numbers = slots[_slot(hashes, len(slots))].astype(np.int64)
        wrong = np.flatnonzero((self._hashes[numbers] != hashes) & (numbers >= 0))
        numbers[wrong] = [others.get(value, -1) for value in hashes[wrong].tolist()]
        # Different long words may have equal hashes: compare their lanes.
        source = (self._first[numbers[keys.long]] - keys.first).repeat(keys.many)
        source += np.arange(len(source))
        differs = np.flatnonzero(self._lanes.take(source, mode="clip") != keys.lanes)
        numbers[keys.long[np.searchsorted(keys.first, differs, "right") - 1]] = -1
        return numbers

    def add(self, keys: Keys, numbers: np.ndarray) -> None:
        """Add words; all are new, and no two have the same hash."""
        most, end = int(numbers.max(initial=0)) + 1, self._used + len(keys.lanes)
        self._hashes, self._first = longer(self._hashes, most), longer(self._first, most)
        self._lanes = longer(self._lanes, end)
        self._hashes[numbers] = keys.hashes
        self._first[numbers[keys.long]] = self._used + keys.first
        self._lanes[self._used : end] = keys.lanes
        self._used = end
        self._words += len(numbers)
        if 2 * self._words <= len(self._slots):
            self._insert(self._slots, self._others, numbers)
            return
        slots, others = np.full(4 * 2 ** self._words.bit_length(), -1, np.int32), dict[int, int]()
        old = np.array([*self._others.values()], np.int64)
        every = np.concatenate([self._slots[self._slots >= 0], old, numbers])
        self._insert(slots, others, np.sort(every))
        self._slots, self._others = slots, others

    def _insert(self, slots: np.ndarray, others: dict[int, int], numbers: np.ndarray) -> None:
        # The first of several words takes the slot; by and large it is the most frequent one.
        numbers = numbers[::-1]
        hashes = self._hashes[numbers]
        slot = _slot(hashes, len(slots))
        free = slots[slot] < 0
        slots[slot[free]] = numbers[free]
        left = slots[slot] != numbers
        others.update(zip(hashes[left].tolist(), numbers[left].tolist(), strict=True))


def _slot(hashes: np.ndarray, slots: int) -> np.ndarray:
    shift = np.uint64(65 - slots.bit_length())
    return (hashes * _MIX >> shift).astype(np.int64)


@lru_cache(maxsize=2)
def _powers(size: int) -> np.ndarray:
    """Return the powers of the base and of its inverse, uint64 [2, size]."""
    powers = np.ones((2, size), np.uint64)
    powers[:, 1:] = np.array([[_BASE], [_INVERSE]], np.uint64)
    return np.cumprod(powers, axis=1, dtype=np.uint64)
