"""Shapes and draws many eligible words at once, with arrays in place of `Layout` and `Atlas`.

The picture of a word is divided into cells, one for each letter, as wide as its advance. The ink of
a letter in its own cell is one gather of columns; the little ink that reaches over into its
neighbours' cells is added afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pixel_linguist.render.cache.eligible import EligibleWords, Group
from pixel_linguist.render.cache.kerning import KerningTable
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.ragged import code_points, codes_of, ranges, starts
from pixel_linguist.render.raster import add_ink
from pixel_linguist.render.units import Unit

# Fewer words are not worth the arrays; longer ones are rare.
_FEWEST, _LONGEST = 4, 64
# Between words that are shaped together; it takes part in no kerning.
_SEPARATOR = "\n"


class Drawn(NamedTuple):
    """N shaped words and the ink of all of them side by side.

    Attributes:
        numbers: int64 [N], of the words.
        width: int64 [N], their advances in pixels.
        left: int64 [N], the column of each word's first ink or start, at most 0.
        right: int64 [N], the column behind its last ink or end.
        ink: uint8 [columns, H], from `left` to `right` of each.
    """

    numbers: np.ndarray
    width: np.ndarray
    left: np.ndarray
    right: np.ndarray
    ink: np.ndarray


class _Letters(NamedTuple):
    """The n letters of N words, one word after the other, each ended by an empty letter.

    Attributes:
        numbers: int64 [N], of the words.
        end: int64 [N], positions of their ends in the arrays below.
        glyph: int64 [n], rows of the table of glyphs; 0 is blank.
        advance: int64 [n], pixels; 0 at the ends, and for letters that fit in no cell.
        shift: int64 [n], pixels by which a glyph is moved right in its cell.
    """

    numbers: np.ndarray
    end: np.ndarray
    glyph: np.ndarray
    advance: np.ndarray
    shift: np.ndarray


class BulkShaper:
    """Shapes and draws eligible words. Not thread-safe."""

    def __init__(self, grid: Grid):
        self._grid = grid
        self._eligible = EligibleWords(grid.layout.chain)
        self._kerning: dict[int, KerningTable] = {}
        # Columns between glyphs, so that a cell may be larger than its ink.
        self._blank = 2 * (max(grid.height, grid.width) + grid.margin + grid.gap)
        self._clear()

    def _clear(self) -> None:
        self._columns = np.zeros((64 * self._blank, self._grid.height), np.uint8)
        self._used = 2 * self._blank
        # By row: the column above at the glyph's origin, and the begin and end of its ink relative
        # to that.
        self._glyphs = np.zeros((3, 256), np.int64)
        self._glyphs[0, 0] = self._blank
        self._size = 1
        # By font and glyph: the row, 0 if it has not been drawn yet.
        self._rows: dict[int, np.ndarray] = {}

    def draw(
        self, units: Sequence[Unit], patches: bool, limits: Sequence[int] | None = None
    ) -> Drawn | None:
        """Draw the eligible words among units.

        Args:
            patches: leave room for whole patches, margins and gaps included, and cut ink there.
            limits: pixels of each; letters that end behind them are dropped.
        """
        words = {
            number: unit
            for number, unit in enumerate(units)
            if isinstance(unit, str) and 0 < len(unit) <= _LONGEST
        }
        if len(words) < _FEWEST:
            return None
        if self._columns.nbytes > self._grid.atlas.memory // 2:
            self._clear()
        numbers = np.array([*words])
        shaped = [
            letters._replace(numbers=numbers[letters.numbers])
            for group in self._eligible.groups(codes_of([*words.values()]))
            for letters in self._shape(group)
        ]
        if not shaped:
            return None
        letters = _joined(shaped)
        if limits is not None:
            letters = _cut(letters, np.array(limits, np.int64))
        return self._compose(letters, patches)

    def _shape(self, group: Group) -> Iterator[_Letters]:
        """Shape the words of a group: by pairs of letters if possible, else by HarfBuzz."""
        numbers, words, font = group.numbers, group.words, group.font
        layout, left = self._grid.layout, np.arange(len(numbers))
        if group.pairs:
            if font not in self._kerning:
                self._kerning[font] = KerningTable(layout, font)
            shaped = self._kerning[font].shape(words)
            letters, good = self._letters(numbers, words.end, font, *shaped)
            yield letters
            left = np.flatnonzero(~good)
            if not len(left):
                return
        text, numbers = _SEPARATOR.join([*map(words.text, left.tolist()), ""]), numbers[left]
        infos, places = layout.glyphs(text, font, False)
        size = len(infos)
        glyph = np.fromiter([info.codepoint for info in infos], np.int64, size)
        cluster = np.fromiter([info.cluster for info in infos], np.int64, size)
        distance = np.fromiter([place.x_advance for place in places], np.int64, size)
        odd = np.fromiter([place.x_offset or place.y_offset for place in places], bool, size)
        # Letters with several glyphs, with moved ones or none fit in no cell.
        odd[1:] |= cluster[1:] == cluster[:-1]
        distance[odd | (glyph == 0)] = 0
        end = np.flatnonzero(code_points(text)[cluster] == ord(_SEPARATOR))
        distance[end] = 0
        yield self._letters(numbers, end, font, glyph, *layout.advances(distance, font))[0]

    def _letters(
        self,
        numbers: np.ndarray,
        end: np.ndarray,
        font: int,
        glyph: np.ndarray,
        advance: np.ndarray,
        shift: np.ndarray,
    ) -> tuple[_Letters, np.ndarray]:
        """Put the glyphs of words into cells; returns the words all of whose letters fit, bool."""
        row = self._row(font, glyph)
        row[end] = 0
        odd = advance <= 0
        odd[end] = False
        good = ~np.logical_or.reduceat(odd, starts(end))
        return _kept(_Letters(numbers, end, row, advance, shift), good), good

    def _compose(self, letters: _Letters, patches: bool) -> Drawn:
        """Draw words side by side, but not those whose letters reach too far."""
        grid = self._grid
        numbers, end, glyph, advance, shift = letters
        start, last = starts(end), end - 1
        origin, inked, stop = self._glyphs.take(glyph, axis=1)
        origin, inked, stop = origin - shift, inked + shift, stop + shift
        # Ink outside the cell on either side; it may cover the next cell at most.
        before, after = np.maximum(-inked, 0), np.maximum(stop - advance, 0)
        most_before, most_after = np.empty_like(advance), np.empty_like(advance)
        most_before[1:], most_after[:-1] = advance[:-1], advance[1:]
        most_before[start] = most_after[last] = self._blank // 2
        most_before[end] = most_after[end] = 0
        far = (inked > self._blank) | (advance - stop > self._blank)
        odd = far | (before > most_before) | (after > most_after)
        if odd.any():
            good = ~np.logical_or.reduceat(odd, start)
            return self._compose(_kept(letters, good), patches)
        width = np.add.reduceat(advance, start) if len(end) else end
        if patches:
            lead = np.full(len(end), grid.margin)
            tail = grid.unit_patches(width) * grid.width - grid.margin - width
            before[start] = np.minimum(before[start], lead)
            after[last] = np.minimum(after[last], tail)
        else:
            lead, tail = before[start], after[last]
        # The end of a word is a cell as well, up to the first letter of the next.
        cell = advance.copy()
        cell[end] = tail
        cell[end[:-1]] += lead[1:]
        first = int(lead[0]) if len(end) else 0
        x = first + np.cumsum(cell) - cell
        index = np.zeros(first + int(cell.sum()), np.int64)
        index[first:] = (origin - x).repeat(cell)
        index[first:] += np.arange(first, len(index))
        ink = self._columns.take(index, axis=0)
        add_overhang(ink, self._columns, x, origin, advance, before, after)
        return Drawn(numbers, width, -lead, width + tail, ink)

    def _row(self, font: int, numbers: np.ndarray) -> np.ndarray:
        """Return the rows of glyphs in the table; draws new ones."""
        rows = self._rows.get(font)
        if rows is None:
            rows = np.zeros(self._grid.layout.chain.font(font).glyphs, np.int64)
            self._rows[font] = rows
        found = rows[numbers]
        if not found.all():
            for number in np.unique(numbers[found == 0]).tolist():
                rows[number] = self._load(font, number)
            found = rows[numbers]
        return found

    def _load(self, font: int, number: int) -> int:
        grid = self._grid
        bitmap, left, top = grid.atlas.bitmap(font, number)
        columns = bitmap.shape[1]
        while self._used + columns + self._blank > len(self._columns):
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)])
        row = grid.baseline - grid.layout.chain.font(font).raised - top
        up, down = max(row, 0), min(row + bitmap.shape[0], grid.height)
        if up < down:
            ink = bitmap[up - row : down - row]
            self._columns[self._used : self._used + columns, up:down] = ink.T
        if self._size == self._glyphs.shape[1]:
            self._glyphs = np.concatenate([self._glyphs, np.zeros_like(self._glyphs)], axis=1)
        ends = (left, left + columns) if columns else (0, 0)
        self._glyphs[:, self._size] = self._used - left, *ends
        self._used += columns + self._blank
        self._size += 1
        return self._size - 1


def add_overhang(
    ink: np.ndarray,
    columns: np.ndarray,
    x: np.ndarray,
    first: np.ndarray,
    width: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Add the ink of N pieces that reaches out of their widths, from left to right.

    Args:
        ink: uint8 [columns, H], changed in place.
        columns: uint8 [n, H], the source.
        x: int64 [N], the column of `ink` at which each piece starts.
        first: int64 [N], the column of `columns` at which it starts.
        width: int64 [N], columns that are drawn already.
        before: int64 [N], columns of ink before the start.
        after: int64 [N], columns of ink behind the width.
        bounds: int64 [N] each, first column and column behind the last that a piece may change.
    """
    reach = np.stack([before, after], 1).ravel()
    some = np.flatnonzero(reach)
    if not len(some):
        return
    piece = some // 2
    offset, reach = np.stack([-before, width], 1).ravel()[some], reach[some]
    place, source = ranges(x[piece] + offset, reach), ranges(first[piece] + offset, reach)
    if bounds is not None:
        low, high = (edge[piece].repeat(reach) for edge in bounds)
        inside = (place >= low) & (place < high)
        place, source = place[inside], source[inside]
    add_ink(ink, place, columns.take(source, axis=0))


def _kept(letters: _Letters, good: np.ndarray) -> _Letters:
    """Select words by a bool [N]."""
    if good.all():
        return letters
    length = letters.end - starts(letters.end) + 1
    keep = np.repeat(good, length)
    arrays = (letters.glyph[keep], letters.advance[keep], letters.shift[keep])
    return _Letters(letters.numbers[good], np.cumsum(length[good]) - 1, *arrays)


def _cut(letters: _Letters, limits: np.ndarray) -> _Letters:
    """Drop letters that end behind the limits of words, and words without any others."""
    numbers, end, _, advance, _ = letters
    start, stop = starts(end), advance.cumsum()
    keep = stop <= (limits[numbers] + (stop - advance)[start]).repeat(end - start + 1)
    keep[end] = True
    kept = np.add.reduceat(keep, start, dtype=np.int64) if len(end) else end
    arrays = (letters.glyph[keep], advance[keep], letters.shift[keep])
    return _kept(_Letters(numbers, kept.cumsum() - 1, *arrays), kept > 1)


def _joined(parts: Sequence[_Letters]) -> _Letters:
    """Concatenate the words of several groups."""
    if len(parts) == 1:
        return parts[0]
    numbers, ends, *others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    before = np.cumsum([0, *(len(part.glyph) for part in parts)])
    ends += np.repeat(before[:-1], [len(part.end) for part in parts])
    return _Letters(numbers, ends, *others)
