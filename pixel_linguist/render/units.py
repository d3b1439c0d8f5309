"""Texts to units: the pieces that are shaped and drawn once and then kept, from left to right.

A unit is a str, which runs from left to right in the order it is written, or a tuple of runs in
the order they are seen, where text of both directions meets.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

import regex

from pixel_linguist.render.bidi import levels, visual_order

CLUSTER = regex.compile(r"\X")
# Whatever makes the bidirectional algorithm do anything: letters of scripts that run from right to
# left, and the controls that turn other letters round.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff]"
)
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^ ]+")
_PAIR = regex.compile(r"\X{1,2}")


class Run(NamedTuple):
    """A piece of text in one direction, in the order it is written."""

    text: str
    right_to_left: bool


Unit: TypeAlias = str | tuple[Run, ...]


def words(text: str) -> list[Unit]:
    """Split at white space. A word stays whole, also where its parts have two directions."""
    if text.isascii() or not turns(text):
        return text.split()  # type: ignore[return-value]
    text = _SPACE.sub(" ", text)
    places = levels(text)
    found: list[Unit] = []
    lowest: list[int] = []
    for match in _WORD.finditer(text):
        part = places[match.start() : match.end()]
        found.append(_unit(_seen(match.group(), part)))
        lowest.append(min(part))
    return [found[i] for i in visual_order(lowest)]


def pairs(text: str) -> list[Unit]:
    """Split into pairs of grapheme clusters; spaces count, white space at the ends does not."""
    text = text.strip()
    if not turns(text):
        return [*_PAIR.findall(text)]
    text = _SPACE.sub(" ", text)
    return [
        _unit([Run(pair, run.right_to_left)])
        for run in _seen(text, levels(text))
        for pair in _pairs_of(run)
    ]


def _pairs_of(run: Run) -> list[str]:
    """Split one run into pairs of clusters, from left to right."""
    found = _PAIR.findall(run.text)
    return found[::-1] if run.right_to_left else found


def pieces(text: str) -> list[Unit]:
    """Split at each single space: a further space of several adds an empty unit.

    Where directions meet, a unit is what is seen between two spaces, not what is written there.
    """
    text = text.strip()
    if not turns(text):
        return text.split(" ")  # type: ignore[return-value]
    text = _SPACE.sub(" ", text)
    found: list[Unit] = []
    current: list[Run] = []
    for piece, right in _seen(text, levels(text)):
        parts = piece.split(" ")
        if right:
            parts.reverse()
        for number, part in enumerate(parts):
            if number:
                found.append(_unit(current))
                current = []
            if part:
                current.append(Run(part, right))
    found.append(_unit(current))
    return found


def turns(text: str) -> bool:
    """Whether any of a text may run from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def _unit(runs: Sequence[Run]) -> Unit:
    if len(runs) == 1 and not runs[0].right_to_left:
        return runs[0].text
    return tuple(runs) if runs else ""


def _level_runs(text: str, places: Sequence[int]) -> list[tuple[str, int]]:
    """Split into the longest pieces of one level, as they are written."""
    found = []
    start = 0
    for level, group in groupby(places):
        end = start + sum(1 for _ in group)
        found.append((text[start:end], level))
        start = end
    return found


def _seen(text: str, places: Sequence[int]) -> list[Run]:
    """Pieces of one level from left to right."""
    runs = _level_runs(text, places)
    order = visual_order([level for _, level in runs])
    return [Run(runs[i][0], runs[i][1] % 2 == 1) for i in order]
