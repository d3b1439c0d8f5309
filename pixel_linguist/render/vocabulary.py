"""A hash table of words made of arrays: all words of a batch are looked up at once.

A dict needs an object for each word of each text; this needs none.
"""

from functools import lru_cache

import numpy as np

from pixel_linguist.render.spans import Spans

# Hashes are polynomials of code points in this, modulo 2 ** 64; it is odd, so that it has an
# inverse. Which numbers these are does not matter.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SPACE = np.uint32(0x20)
# Bytes a word of average length takes at most, its numbers in a store included.
WORD_OVERHEAD = 160


class Vocabulary:
    """Numbers of words by their letters.

    Words are only ever added, by one thread at a time; others may look up meanwhile.
    """

    def __init__(self) -> None:
        # By hash: numbers, -1 for none. By number: the hash, and where the letters are.
        self._slots = np.full(2048, -1, np.int32)
        self._hashes = np.zeros(1024, np.uint64)
        self._first = np.zeros(1024, np.int64)
        self._letters = np.zeros(1 << 12, np.uint32)
        self._words = self._used = 0

    def find(self, words: Spans, hashes: np.ndarray) -> np.ndarray:
        """Return the numbers of words, int64 [N], -1 for those that are not there."""
        if not len(hashes):
            return np.zeros(0, np.int64)
        # Arrays are read after the slots: what is found in these is in those by then.
        slots = self._slots
        slot = _slot(hashes, len(slots))
        numbers = slots[slot].astype(np.int64)
        wrong = np.flatnonzero((numbers >= 0) & (self._hashes[numbers] != hashes))
        while len(wrong):
            slot[wrong] = (slot[wrong] + 1) % len(slots)
            numbers[wrong] = now = slots[slot[wrong]]
            wrong = wrong[(now >= 0) & (self._hashes[now] != hashes[wrong])]
        # Equal hashes are not equal words.
        start = words.start
        source = np.repeat(self._first[numbers] - start, words.end - start + 1)
        source += np.arange(len(words.codes))
        differs = self._letters.take(source, mode="clip") != words.codes
        numbers[np.logical_or.reduceat(differs, start)] = -1
        return numbers

    def add(self, words: Spans, hashes: np.ndarray, numbers: np.ndarray) -> None:
        """Add words, none of which is there and no two of which have the same hash."""
        most = int(numbers.max(initial=0)) + 1
        self._hashes, self._first = longer(self._hashes, most), longer(self._first, most)
        self._letters = longer(self._letters, self._used + len(words.codes))
        self._hashes[numbers] = hashes
        self._first[numbers] = self._used + words.start
        self._letters[self._used : self._used + len(words.codes)] = words.codes
        self._used += len(words.codes)
        self._words += len(numbers)
        if 2 * self._words <= len(self._slots):
            self._insert(self._slots, numbers)
            return
        slots = np.full(4 * 2 ** self._words.bit_length(), -1, np.int32)
        self._insert(slots, np.append(self._slots[self._slots >= 0], numbers))
        self._slots = slots

    def _insert(self, slots: np.ndarray, numbers: np.ndarray) -> None:
        slot = _slot(self._hashes[numbers], len(slots))
        while len(numbers):
            free = slots[slot] < 0
            slots[slot[free]] = numbers[free]
            # Of several that want one slot the last has it.
            left = slots[slot] != numbers
            numbers, slot = numbers[left], (slot[left] + 1) % len(slots)


def hash_words(words: Spans) -> np.ndarray:
    """Return a hash of each word, uint64 [N]; a space must follow each."""
    if not len(words.end):
        return np.zeros(0, np.uint64)
    size, start = len(words.codes), words.start
    powers, inverse = _powers(1 << size.bit_length())
    found: np.ndarray = np.add.reduceat((words.codes ^ _SPACE) * powers[:size], start)
    return found * inverse[start]


def longer(array: np.ndarray, length: int) -> np.ndarray:
    """Return an array of at least a length: itself, or a copy with zeros behind."""
    if length <= len(array):
        return array
    grown = np.zeros((max(length, 2 * len(array)), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


def _slot(hashes: np.ndarray, slots: int) -> np.ndarray:
    shift = np.uint64(65 - slots.bit_length())
    return ((hashes * _MIX) >> shift).astype(np.int64)


@lru_cache(maxsize=2)
def _powers(size: int) -> np.ndarray:
    """Return the powers of the base and of its inverse, uint64 [2, size]."""
    powers = np.ones((2, size), np.uint64)
    powers[:, 1:] = np.array([[_BASE], [_INVERSE]], np.uint64)
    return np.cumprod(powers, axis=1, dtype=np.uint64)
