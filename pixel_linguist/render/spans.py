"""Many short texts in one array of code points, so that all are worked on at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spans(NamedTuple):
    """N texts.

    Attributes:
        codes: uint32 [n], their code points, each text followed by one that is not its own.
        start: int64 [N], where texts begin.
        end: int64 [N], where those are that follow them.
    """

    codes: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def of(self, chosen: np.ndarray) -> "Spans":
        """Return some of the texts, chosen by a bool [N]."""
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


def spans_of(texts: Sequence[str]) -> Spans:
    """Put texts into one array."""
    length = np.fromiter(map(len, texts), np.int64, len(texts))
    return ended(code_points("\n".join([*texts, ""])), np.cumsum(length + 1) - 1)


def ended(codes: np.ndarray, end: np.ndarray) -> Spans:
    """Return the texts that end at some of the code points and begin behind others' ends."""
    return Spans(codes, starts(end), end)


def starts(end: np.ndarray) -> np.ndarray:
    """Return where texts begin, each right behind the end of the one before it."""
    start = np.zeros_like(end)
    np.add(end[:-1], 1, out=start[1:])
    return start


def ranges(start: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Return the numbers from each start on, so many each, one after the other."""
    found: np.ndarray = (start + many - many.cumsum()).repeat(many)
    found += np.arange(len(found))
    return found
