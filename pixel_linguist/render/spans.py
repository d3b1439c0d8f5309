"""Many short texts in one array of code points, so that all are worked on at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Spans(NamedTuple):
    """N texts.

    Attributes:
        codes: uint32 [n], their code points, each text followed by one that is not its own.
        end: int64 [N], where those are.
    """

    codes: np.ndarray
    end: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """Where texts begin, int64 [N]."""
        return np.append(0, self.end + 1)[:-1]

    @property
    def length(self) -> np.ndarray:
        """Code points of each text and the one that follows it, int64 [N]."""
        return np.diff(self.end, prepend=-1)

    def of(self, chosen: np.ndarray) -> "Spans":
        """Return some of the texts, chosen by a bool [N]."""
        if chosen.all():
            return self
        length = self.length
        return Spans(self.codes[np.repeat(chosen, length)], np.cumsum(length[chosen]) - 1)

    def text(self, number: int) -> str:
        """Return one text."""
        start = int(self.end[number - 1]) + 1 if number else 0
        return self.codes[start : self.end[number]].tobytes().decode("utf-32-le", "surrogatepass")


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32, read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def spans_of(texts: Sequence[str]) -> Spans:
    """Put texts into one array."""
    length = np.fromiter(map(len, texts), np.int64, len(texts))
    return Spans(code_points("\n".join([*texts, ""])), np.cumsum(length + 1) - 1)
