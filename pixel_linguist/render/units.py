"""Texts to units, the pieces that are shaped, drawn and cached, from left to right.

A unit is a str, which runs from left to right, or, where text of both directions meets, a tuple of
runs in visual order.
"""

import re
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from typing import NamedTuple, TypeAlias

import numpy as np
import regex

from pixel_linguist.render.bidi import levels, visual_order
from pixel_linguist.text.graphemes import split_clusters, split_pairs

# Characters without a picture of their own; fonts need not have them. HarfBuzz still sees them,
# because joiners and variation selectors choose other glyphs.
INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}]")
# Characters on which the bidirectional algorithm acts: letters of scripts that run from right to
# left, and the controls that turn other letters round.
_TURNING = (
    "\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff"
)
_RIGHT_TO_LEFT = re.compile(f"[{_TURNING}]")
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^ ]+")


class Run(NamedTuple):
    """A piece of text in one direction, in logical order."""

    text: str
    right_to_left: bool


Unit: TypeAlias = str | tuple[Run, ...]


class Units(NamedTuple):
    """The N units of B texts, one text after the other.

    `bounds` is int64 [B + 1]; text b has the units from bounds[b] to bounds[b + 1].
    """

    units: list[Unit]
    bounds: np.ndarray


class Splitting(NamedTuple):
    """How texts are split into units.

    `one` splits a text; with `spaced` it does so at white space alone, where the text runs from
    left to right.
    """

    one: Callable[[str], list[Unit]]
    spaced: bool = True

    def __call__(self, texts: Sequence[str]) -> Units:
        """Split texts."""
        units = [*map(self.one, texts)]
        return Units([*chain.from_iterable(units)], np.cumsum([0, *map(len, units)]))


def words(text: str) -> list[Unit]:
    """Split at white space. A word stays whole, also where its parts have two directions."""
    if not turns(text):
        return text.split()  # type: ignore[return-value]
    text = _SPACE.sub(" ", text)
    places = levels(text)
    found: list[Unit] = []
    lowest: list[int] = []
    for match in _WORD.finditer(text):
        part = places[match.start() : match.end()]
        found.append(_unit(_visual_runs(match.group(), part)))
        lowest.append(min(part))
    return [found[i] for i in visual_order(lowest)]


def pairs(text: str) -> list[Unit]:
    """Split into pairs of grapheme clusters; spaces between words count as clusters."""
    text = text.strip()
    if not turns(text):
        return [*split_pairs(_without_invisible(text))]
    text = _SPACE.sub(" ", text)
    found: list[Unit] = []
    for run in _visual_runs(text, levels(text)):
        parts = split_pairs(_without_invisible(run.text))
        ordered = reversed(parts) if run.right_to_left else parts
        found += [_unit([Run(pair, run.right_to_left)]) for pair in ordered]
    return found


def _without_invisible(text: str) -> str:
    """Drop clusters without a picture, which would move the others to other pairs."""
    if not INVISIBLE.search(text):
        return text
    found = split_clusters(text)
    return "".join(part for part in found if part.isspace() or INVISIBLE.sub("", part))


def pieces(text: str) -> list[Unit]:
    """Split at each single space, so that two spaces enclose an empty unit.

    Where directions meet, the spaces are taken in visual order.
    """
    text = text.strip()
    if not turns(text):
        return text.split(" ")  # type: ignore[return-value]
    text = _SPACE.sub(" ", text)
    found: list[Unit] = []
    current: list[Run] = []
    for piece, right_to_left in _visual_runs(text, levels(text)):
        parts = piece.split(" ")
        if right_to_left:
            parts.reverse()
        for number, part in enumerate(parts):
            if number:
                found.append(_unit(current))
                current = []
            if part:
                current.append(Run(part, right_to_left))
    found.append(_unit(current))
    return found


def turns(text: str) -> bool:
    """Whether any of a text may run from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def _unit(runs: Sequence[Run]) -> Unit:
    if len(runs) == 1 and not runs[0].right_to_left:
        return runs[0].text
    return tuple(runs) if runs else ""


def _visual_runs(text: str, places: Sequence[int]) -> list[Run]:
    """Split text by its levels; returns runs from left to right."""
    runs, found, start = [], [], 0
    for level, group in groupby(places):
        end = start + sum(1 for _ in group)
        runs.append(Run(text[start:end], level % 2 == 1))
        found.append(level)
        start = end
    return [runs[i] for i in visual_order(found)]


WORDS = Splitting(words)
PIECES = Splitting(pieces)
PAIRS = Splitting(pairs, spaced=False)
