"""Texts to units: the pieces that are shaped and drawn once and then kept, from left to right.

A unit is a str, which runs from left to right in the order it is written, or a tuple of runs in
the order they are seen, where text of both directions meets.
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

CLUSTER = regex.compile(r"\X")
# Characters that have no picture of their own; fonts need not have them. HarfBuzz still sees
# them, because joiners and variation selectors choose other glyphs.
INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cc}]")
# Whatever makes the bidirectional algorithm do anything: letters of scripts that run from right to
# left, and the controls that turn other letters round.
_TURNING = (
    "\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff"
)
_RIGHT_TO_LEFT = re.compile(f"[{_TURNING}]")
# Those, and white space that is not ASCII.
_SPECIAL = re.compile(f"[{_TURNING}\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_SPACE = re.compile(r"\s")
_WORD = re.compile(r"[^ ]+")
_PAIR = regex.compile(r"\X{1,2}")
# Characters in a batch, above which texts are split one by one, in less memory.
_MANY = 1 << 20


class Run(NamedTuple):
    """A piece of text in one direction, in the order it is written."""

    text: str
    right_to_left: bool


Unit: TypeAlias = str | tuple[Run, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Units:
    """The N units of B texts, one text behind the other.

    Attributes:
        bounds: int64 [B + 1], the units of a text b are those from bounds[b] to bounds[b + 1].
        spans: those of texts that run from left to right, each with a space behind it.
        others: those of other texts.
        own: bool [N], which are spans; the rest are the others, in the same order.
    """

    bounds: np.ndarray
    spans: Spans
    others: list[Unit]
    own: np.ndarray

    def unit(self, number: int) -> Unit:
        """Return one unit."""
        if not self.others:
            return self.spans.text(number)
        before = int(self.own[:number].sum())
        return self.spans.text(before) if self.own[number] else self.others[number - before]


@dataclasses.dataclass(frozen=True, eq=False)
class Splitting:
    """How texts are split: by `one`, or many at once.

    Attributes:
        one: returns the units of a text.
        between: bool [256], the characters that stand between units of a text that runs from left
            to right; None: that needs `one` as well.
        strip: text ends where its last visible character does, units may be empty, and no other
            white space stands between them.
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
            spans, bounds = self._spans(texts)
            return Units(bounds, spans, [], np.ones(len(spans.end), bool))
        straight = np.ones(len(texts), bool)
        straight[turned] = False
        spans, bounds = self._spans([texts[i] for i in np.flatnonzero(straight).tolist()])
        others = [self.one(texts[i]) for i in turned]
        many = np.zeros(len(texts), np.int64)
        many[straight], many[turned] = np.diff(bounds), [*map(len, others)]
        own = np.repeat(straight, many)
        return Units(np.append(0, np.cumsum(many)), spans, [*chain.from_iterable(others)], own)

    def _spans(self, texts: Sequence[str]) -> tuple[Spans, np.ndarray]:
        assert self.between is not None
        if self.strip:
            texts = [*map(str.strip, texts)]
        text = " ".join([*texts, ""])
        letters, stop = utf8(text), np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1, out=stop[1:])
        if not text.isascii():
            stop = np.flatnonzero(leading(letters))[stop]
        # White space is nearly all of what is so low.
        end = np.flatnonzero(letters <= ord(" "))
        between = letters[end]
        if between.min(initial=ord(" ")) < ord(" "):
            end = end[self.between[between]]
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
    """Put the units of texts into one list."""
    others = [*chain.from_iterable(texts)]
    nowhere = np.zeros(0, np.int64)
    bounds = np.cumsum([0, *map(len, texts)])
    return Units(bounds, Spans(utf8(""), nowhere, nowhere), others, np.zeros(len(others), bool))


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
        return [*_PAIR.findall(_shown(text))]
    text = _SPACE.sub(" ", text)
    return [
        _unit([Run(pair, run.right_to_left)])
        for run in _seen(text, levels(text))
        for pair in _pairs_of(run)
    ]


def _pairs_of(run: Run) -> list[str]:
    """Split one run into pairs of clusters, from left to right."""
    found = _PAIR.findall(_shown(run.text))
    return found[::-1] if run.right_to_left else found


def _shown(text: str) -> str:
    """Leave out clusters that have no picture, which would move the others to other pairs."""
    if not INVISIBLE.search(text):
        return text
    found = CLUSTER.findall(text)
    return "".join(part for part in found if part.isspace() or INVISIBLE.sub("", part))


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


def _between(characters: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[[*map(ord, characters)]] = True
    return table


WORDS = Splitting(words, _between(" \t\n\v\f\r\x1c\x1d\x1e\x1f"))
PIECES = Splitting(pieces, _between(" "), strip=True)
PAIRS = Splitting(pairs)
