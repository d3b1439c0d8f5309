"""Texts to units, the pieces that are shaped, drawn and cached, from left to right.

A unit is a str, which runs from left to right, or, where text of both directions meets, a tuple of
runs in visual order.
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from typing import NamedTuple, TypeAlias

import numpy as np
import regex

from pixel_linguist.render.bidi import levels, visual_order
from pixel_linguist.render.ragged import Spans, leading, starts, utf8
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
# Those, and white space outside ASCII.
_SPECIAL = re.compile(f"[{_TURNING}\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^ ]+")
# Batches of more characters are split text by text, which takes less memory.
_MANY = 1 << 20


class Run(NamedTuple):
    """A piece of text in one direction, in logical order."""

    text: str
    right_to_left: bool


Unit: TypeAlias = str | tuple[Run, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Units:
    """The N units of B texts, one text after the other.

    Attributes:
        bounds: int64 [B + 1]; text b has the units from bounds[b] to bounds[b + 1].
        spans: units of texts that run from left to right, each followed by a space.
        others: units of other texts.
        in_spans: bool [N], which units are spans; the rest are the others, in the same order.
    """

    bounds: np.ndarray
    spans: Spans
    others: list[Unit]
    in_spans: np.ndarray

    def unit(self, number: int) -> Unit:
        """Return one unit."""
        if not self.others:
            return self.spans.text(number)
        before = int(self.in_spans[:number].sum())
        return self.spans.text(before) if self.in_spans[number] else self.others[number - before]


@dataclasses.dataclass(frozen=True, eq=False)
class Splitting:
    """How texts are split into units: one by one, or many at once.

    Attributes:
        one: returns the units of a text.
        between: bool [256], the characters between units of a text that runs from left to right.
            None: texts can only be split by `one`.
        strip: white space at the ends of texts is dropped, and units may be empty.
    """

    one: Callable[[str], list[Unit]]
    between: np.ndarray | None = None
    strip: bool = False

    def __call__(self, texts: Sequence[str]) -> Units:
        """Split texts."""
        if self.between is None or sum(map(len, texts)) > _MANY:
            return listed([self.one(text) for text in texts])
        special = [
            i for i, text in enumerate(texts) if not text.isascii() and _SPECIAL.search(text)
        ]
        turned = [i for i in special if turns(texts[i])]
        if special and not self.strip:
            texts = [*texts]
            for i in special:
                texts[i] = _SPACE.sub(" ", texts[i])
        if not turned:
            spans, bounds = self._spans(texts, self.between)
            return Units(bounds, spans, [], np.ones(len(spans.end), bool))
        straight = np.ones(len(texts), bool)
        straight[turned] = False
        left_to_right = [texts[i] for i in np.flatnonzero(straight).tolist()]
        spans, bounds = self._spans(left_to_right, self.between)
        others = [self.one(texts[i]) for i in turned]
        many = np.zeros(len(texts), np.int64)
        many[straight], many[turned] = np.diff(bounds), [*map(len, others)]
        in_spans = np.repeat(straight, many)
        return Units(np.append(0, np.cumsum(many)), spans, [*chain.from_iterable(others)], in_spans)

    def _spans(self, texts: Sequence[str], between: np.ndarray) -> tuple[Spans, np.ndarray]:
        """Split texts that run from left to right; returns their units and bounds."""
        if self.strip:
            texts = [*map(str.strip, texts)]
        text = " ".join([*texts, ""])
        letters, stop = utf8(text), np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=stop[1:])
        if not text.isascii():
            stop = np.flatnonzero(leading(letters))[stop]
        # Nearly all bytes in this range are white space.
        end = np.flatnonzero(letters <= ord(" "))
        found = letters[end]
        if found.min(initial=ord(" ")) < ord(" "):
            end = end[between[found]]
            if not self.strip:
                letters = letters.copy()
                letters[end] = ord(" ")
        bounds, start = np.searchsorted(end, stop), starts(end)
        if not self.strip:
            filled = end > start
            if not filled.all():
                bounds = np.append(0, np.cumsum(filled))[bounds]
                start, end = start[filled], end[filled]
        return Spans(letters, start, end), bounds


def listed(texts: Sequence[Sequence[Unit]]) -> Units:
    """Make `Units` of the units of each text."""
    others = [*chain.from_iterable(texts)]
    nowhere = np.zeros(0, np.int64)
    bounds = np.cumsum([0, *map(len, texts)])
    return Units(bounds, Spans(utf8(""), nowhere, nowhere), others, np.zeros(len(others), bool))


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


def _table(characters: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[[*map(ord, characters)]] = True
    return table


WORDS = Splitting(words, _table(" \t\n\v\f\r\x1c\x1d\x1e\x1f"))
PIECES = Splitting(pieces, _table(" "), strip=True)
PAIRS = Splitting(pairs)
