"""Many plain words at once: what `Layout.shape` and `Atlas.draw` do, for whole arrays of glyphs.

A word is plain if each of its characters is one glyph of one font on the baseline, as in Latin,
Cyrillic or Han without loose marks. New words are most of the work where nearly all are known.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import category, name, normalize

import numpy as np

from pixel_linguist.render.fonts import BOX_FONT
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.units import Unit

# Scripts by the first word of their letters' names: such letters are not reshaped by neighbours.
_PLAIN = {
    "LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "ETHIOPIC", "CHEROKEE",
    "CJK", "HIRAGANA", "KATAKANA", "HANGUL",
}  # fmt: skip
# Letters that join to syllables, each several letters to a cluster.
_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
# Between words that are shaped together; it takes part in no kerning.
_SEPARATOR = "\n"
# Fewer words in a script are not worth the arrays; longer ones are rare.
_FEWEST, _LONGEST = 4, 64
_CHARACTERS_KEPT = 1 << 16


class Words(NamedTuple):
    """N shaped words and the ink of all of them side by side.

    Attributes:
        units: the words.
        width: int64 [N], pixels that they advance.
        left: int64 [N], the column of each word's first ink or start, at most 0.
        right: int64 [N], the column behind its last ink or its end.
        start: int64 [N], the columns of `ink` at which they start.
        ink: uint8 [columns, H].
    """

    units: Sequence[Unit]
    width: np.ndarray
    left: np.ndarray
    right: np.ndarray
    start: np.ndarray
    ink: np.ndarray


class Bulk:
    """Shapes and draws plain words. Not safe for several threads at once."""

    def __init__(self, grid: Grid):
        self._grid = grid
        self._columns = np.zeros((1024, grid.height), np.uint8)
        self._used = 0
        # By font: for each of its glyphs its first column above, how many there are (-1: not yet
        # drawn), and how far from the origin they begin.
        self._glyphs: dict[int, np.ndarray] = {}
        self._known: dict[str, tuple[str, int]] = {}

    def draw(self, units: Sequence[Unit], patches: bool) -> tuple[list[Words], list[Unit]]:
        """Draw those units that are plain words.

        Args:
            units: all different.
            patches: leave room for whole patches, margins and gaps included, and cut ink there.

        Returns:
            What was drawn, and the units that are not plain.
        """
        # What is nearly all of English goes a short way.
        latin: list[str] = []
        groups = {(0, "LATIN"): latin}
        others: list[Unit] = []
        plain = self._grid.layout.chain.plain
        for unit in units:
            if (
                plain
                and isinstance(unit, str)
                and unit.isascii()
                and len(unit) <= _LONGEST
                and (unit.isalpha() or (unit.isprintable() and unit.lower() != unit.upper()))
            ):
                latin.append(unit)
            elif (key := self._group(unit)) is not None:
                groups.setdefault(key, []).append(str(unit))
            else:
                others.append(unit)
        drawn = []
        for (font, _), words in groups.items():
            if len(words) < _FEWEST:
                others.extend(words)
            else:
                found, rest = self._draw(words, font, patches)
                drawn.append(found)
                others.extend(rest)
        return drawn, others

    def _group(self, unit: Unit) -> tuple[int, str] | None:
        """Return the font and script of a word that may be plain."""
        if not isinstance(unit, str) or not 0 < len(unit) <= _LONGEST:
            return None
        script, font = "", BOX_FONT
        for character in unit:
            known = self._known.get(character)
            if known is None:
                known = self._know(character)
            if known[1] == BOX_FONT or known[1] != font != BOX_FONT:
                return None
            font = known[1]
            script = script or known[0]
        return font, script

    def _know(self, character: str) -> tuple[str, int]:
        """Return the script and font of a character; BOX_FONT where it may not be plain."""
        if len(self._known) > _CHARACTERS_KEPT:
            self._known.clear()
        script = _script(character)
        plain = script in _PLAIN or not script
        font = self._grid.layout.chain.font_of(character) if plain else BOX_FONT
        self._known[character] = script, font
        return script, font

    def _draw(self, words: list[str], font: int, patches: bool) -> tuple[Words, list[str]]:
        grid, layout = self._grid, self._grid.layout
        text = _SEPARATOR.join(words)
        infos, positions = layout.glyphs(text, font, False)
        size = len(infos)
        number = np.fromiter([info.codepoint for info in infos], np.int64, size)
        cluster = np.fromiter([info.cluster for info in infos], np.int64, size)
        distance = np.fromiter([place.x_advance for place in positions], np.int64, size)
        moved = np.fromiter([place.x_offset or place.y_offset for place in positions], bool, size)
        letters = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        between = letters[cluster] == ord(_SEPARATOR)
        word = np.cumsum(between)[~between]
        number, cluster, moved = number[~between], cluster[~between], moved[~between]
        advance, shift = layout.advances(distance[~between], font)
        # Not plain after all: several glyphs for one letter, or moved ones.
        odd = moved | (number == 0) | (advance <= 0)
        odd[1:] |= cluster[1:] == cluster[:-1]
        plain = np.ones(len(words), bool)
        plain[word[odd]] = False
        keep = plain[word]
        seen = np.flatnonzero(plain)
        word = np.searchsorted(seen, word[keep])
        number, advance, shift = number[keep], advance[keep], shift[keep]
        rest = [words[i] for i in np.flatnonzero(~plain)]
        bounds = np.searchsorted(word, np.arange(len(seen) + 1))
        after = np.concatenate([[0], np.cumsum(advance)])
        width = np.diff(after[bounds])
        x = after[:-1] - after[bounds[word]] + shift
        first, columns, left = self._load(font, number)
        x = x + left
        low = np.minimum(np.minimum.reduceat(np.append(x, 0), bounds[:-1]), 0)
        high = np.maximum(np.maximum.reduceat(np.append(x + columns, 0), bounds[:-1]), width)
        if patches:
            low = np.full(len(seen), -grid.margin)
            high = -(-(grid.margin + width + grid.gap) // grid.width) * grid.width - grid.margin
        ends = np.cumsum(high - low)
        start = ends - high
        ink = np.zeros((int(ends[-1]) if len(ends) else 0, grid.height), np.uint8)
        place_of = _Pieces(word, x, first, columns)
        rest_numbers = self._paste(ink, place_of, low, high, start)
        if len(rest_numbers):
            good = np.ones(len(seen), bool)
            good[rest_numbers] = False
            rest += [words[seen[i]] for i in rest_numbers]
            seen, width, low, high, start = (
                values[good] for values in (seen, width, low, high, start)
            )
        return Words([words[i] for i in seen], width, low, high, start, ink), rest

    def _paste(
        self,
        ink: np.ndarray,
        pieces: "_Pieces",
        low: np.ndarray,
        high: np.ndarray,
        start: np.ndarray,
    ) -> np.ndarray:
        """Add glyphs to `ink`; returns the words whose glyphs overlap more than two deep."""
        word, x, first, columns = pieces
        order = np.arange(len(word))
        same = np.flatnonzero((word[2:] == word[:-2]) & (x[2:] < (x + columns)[:-2]))
        layers = np.zeros((2, *ink.shape), np.uint8)
        for parity in (0, 1):
            chosen = np.flatnonzero(order % 2 == parity)
            many = columns[chosen]
            step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            column = np.repeat(x[chosen], many) + step
            owner = np.repeat(word[chosen], many)
            inside = (column >= low[owner]) & (column < high[owner])
            source = (np.repeat(first[chosen], many) + step)[inside]
            target = (start[owner] + column)[inside]
            layers[parity][target] = self._columns.take(source, axis=0)
        np.minimum(layers[1], 255 - layers[0], out=layers[1])
        np.add(layers[0], layers[1], out=ink)
        return np.unique(word[same])

    def _load(self, font: int, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return first column, columns and left edge of glyphs; draws those that are new."""
        table = self._glyphs.get(font)
        if table is None:
            table = np.full((3, self._grid.layout.chain.font(font).glyphs), -1, np.int64)
            self._glyphs[font] = table
        for number in np.unique(numbers[table[1, numbers] < 0]).tolist():
            self._load_one(table, font, number)
        first, columns, left = table[:, numbers]
        return first, columns, left

    def _load_one(self, table: np.ndarray, font: int, number: int) -> None:
        grid = self._grid
        bitmap, left, top = grid.atlas.bitmap(font, number)
        raised = grid.layout.chain.font(font).raised
        columns = bitmap.shape[1]
        while self._used + columns > len(self._columns):
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)])
        row = grid.baseline - raised - top
        up, down = max(row, 0), min(row + bitmap.shape[0], grid.height)
        if up < down:
            self._columns[self._used : self._used + columns, up:down] = bitmap[
                up - row : down - row
            ].T
        table[:, number] = self._used, columns, left
        self._used += columns


class _Pieces(NamedTuple):
    """Glyphs: the word of each, its first column there, and its columns in the store."""

    word: np.ndarray
    x: np.ndarray
    first: np.ndarray
    columns: np.ndarray


def _script(character: str) -> str:
    """Return the script of a letter, "" for what stands beside any script, "?" for the rest."""
    kind = category(character)
    if normalize("NFC", character) != character or _JAMO.match(character):
        return "?"
    if kind[0] == "L":
        return name(character, "?").partition(" ")[0]
    return "" if kind[0] in "NP" or kind in ("Sc", "Sm") else "?"
