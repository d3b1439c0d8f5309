"""Ragged arrays: many short texts in one array, so that all are processed at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Codes(NamedTuple):
    """N texts as code points, one after the other.

    Attributes:
        codes: uint32 [n]; each text is followed by one code point that is not its own.
        start: int64 [N], positions of the first code points.
        end: int64 [N], positions behind the last ones.
    """

    codes: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def of(self, chosen: np.ndarray) -> "Codes":
        """Select texts by a bool [N]."""
        if chosen.all():
            return self
        length = self.end - self.start + 1
        return ended(self.codes[np.repeat(chosen, length)], length[chosen].cumsum() - 1)

    def text(self, number: int) -> str:
        """Return one text."""
        codes = self.codes[self.start[number] : self.end[number]]
        return codes.tobytes().decode("utf-32-le", "surrogatepass")


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32, read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def codes_of(texts: Sequence[str]) -> Codes:
    """Put texts into one array."""
    length = np.fromiter(map(len, texts), np.int64, len(texts))
    return ended(code_points("\n".join([*texts, ""])), np.cumsum(length + 1) - 1)


def ended(codes: np.ndarray, end: np.ndarray) -> Codes:
    """Return the texts that end at `end`, each starting behind the end of the one before it."""
    return Codes(codes, starts(end), end)


def starts(end: np.ndarray) -> np.ndarray:
    """Return the starts of texts, each behind the end of the one before it."""
    start = np.empty(len(end), np.int64)
    start[:1] = 0
    np.add(end[:-1], 1, out=start[1:])
    return start


def ranges(start: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Concatenate np.arange(start[i], start[i] + many[i]) for all i."""
    found: np.ndarray = (start + many - many.cumsum()).repeat(many)
    found += np.arange(len(found))
    return found


def totals(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Add up the values from bounds[b] to bounds[b + 1] for each b."""
    ends = np.concatenate(([0], values.cumsum()))[bounds]
    return ends[1:] - ends[:-1]


def longer(array: np.ndarray, length: int) -> np.ndarray:
    """Return an array of at least a length: itself, or a copy of twice the size with zeros."""
    if length <= len(array):
        return array
    grown = np.zeros((max(length, 2 * len(array)), *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
