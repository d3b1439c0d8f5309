"""Text to glyphs at whole pixels: HarfBuzz shapes, and clusters follow one another.

Positions are exact: HarfBuzz shapes in font units, and these are converted to pixels by integer
arithmetic. Each grapheme cluster starts at a whole pixel and its advance is rounded to whole
pixels, so that a unit has the same picture wherever it stands.
"""

from typing import Any, NamedTuple

import numpy as np
import uharfbuzz as hb

from pixel_linguist.render.boxes import box_size
from pixel_linguist.render.fallback import BOX_FONT, Chain, Part
from pixel_linguist.render.fonts import N
from pixel_linguist.render.units import Run, Unit


class Glyph(NamedTuple):
    """A glyph of a unit.

    `font` is an index into the chain, or BOX_FONT; `number` the glyph there, or the code point that
    a box shows. The origin lies `x` pixels right of the unit's start and `y` pixels above the
    baseline. `cluster` numbers the clusters of the unit from left to right.
    """

    font: int
    number: int
    x: int
    y: int
    cluster: int


class Shaped(NamedTuple):
    """A shaped unit; `ends` has the pixel at which each of its clusters ends."""

    glyphs: list[Glyph]
    width: int
    ends: list[int]

    @property
    def missing(self) -> int:
        """Clusters with code points that no font has."""
        return len({glyph.cluster for glyph in self.glyphs if glyph.font == BOX_FONT})

    def cut(self, limit: int) -> "Shaped":
        """Keep the clusters from the left that end within `limit` pixels."""
        kept = sum(end <= limit for end in self.ends)
        glyphs = [glyph for glyph in self.glyphs if glyph.cluster < kept]
        return Shaped(glyphs, self.ends[kept - 1] if kept else 0, self.ends[:kept])


class Layout:
    """Shapes units with one chain of fonts at one size. Not thread-safe."""

    def __init__(self, chain: Chain, cell: int = 0, all_cells: bool = False, spacing: int = 0):
        """Set the distances between letters.

        Args:
            cell: pixels; advances in the family's own fonts are whole multiples of it. 0: advances
                are those of the font.
            all_cells: advances in all fonts are, and each cluster is centred in its cells.
            spacing: pixels added after each cluster, in scripts whose letters do not join.
        """
        self.chain = chain
        self.cell, self.all_cells, self.spacing = cell, all_cells, spacing
        self._features = {f.lstrip("+-"): not f.startswith("-") for f in chain.family.features}
        self.space = 0
        self.space = max(self.shape(" ").width, 1)

    def shape(self, unit: Unit) -> Shaped:
        """Lay out a unit on one line."""
        line = Shaped([], 0, [])
        for run in [Run(unit, False)] if isinstance(unit, str) else unit:
            parts = self.chain.split(run.text)
            for part in reversed(parts) if run.right_to_left else parts:
                if part.font == BOX_FONT:
                    line = self._add_boxes(line, part.text[:: -1 if run.right_to_left else 1])
                else:
                    line = self._add(line, part, run.right_to_left)
        return line

    def _add(self, line: Shaped, part: Part, right_to_left: bool) -> Shaped:
        """Append a part of one font, and the marks of other fonts on its last cluster."""
        glyphs, pen, ends = line
        font = self.chain.font(part.font)
        last, local, first = -1, 0, len(glyphs)
        for info, position in zip(*self.glyphs(part.text, part.font, right_to_left), strict=True):
            if info.cluster != last:
                if last >= 0:
                    pen = self._close(line, first, pen, local, part.font)
                last, local, first = info.cluster, 0, len(glyphs)
            x = pen + font.pixels(local + position.x_offset)
            y = font.raised + font.pixels(position.y_offset)
            glyphs.append(Glyph(part.font, info.codepoint, x, y, len(ends)))
            local += position.x_advance
        if last >= 0:
            pen = self._close(line, first, pen, local, part.font)
        for marks, index in part.marks:
            # A mark of another font stands where its font puts it after a letter.
            font = self.chain.font(index)
            for info, position in zip(*self.glyphs(marks, index, False), strict=True):
                x = pen + font.pixels(position.x_offset)
                y = font.raised + font.pixels(position.y_offset)
                glyphs.append(Glyph(index, info.codepoint, x, y, len(ends) - 1))
        return line._replace(width=pen)

    def _close(self, line: Shaped, first: int, pen: int, distance: int, font: int) -> int:
        """End the cluster whose glyphs begin at `first`; returns the pixel of the next one."""
        pixels = max(self._spaced(self.chain.font(font).pixels(distance), font), 0)
        moved = 0
        if not line.ends and not pixels:
            # A mark without a letter before it stands on a space.
            moved = pixels = self.space
        advance = self._in_cells(pixels, font)
        if self.all_cells:
            moved += (advance - pixels) // 2
        if moved:
            line.glyphs[first:] = [g._replace(x=g.x + moved) for g in line.glyphs[first:]]
        line.ends.append(pen + advance)
        return pen + advance

    def _add_boxes(self, line: Shaped, text: str) -> Shaped:
        """Append the boxes of a cluster's code points."""
        end = line.width
        for code in map(ord, text):
            line.glyphs.append(Glyph(BOX_FONT, code, end, 0, len(line.ends)))
            end += self._in_cells(box_size(code, self.chain.box_height)[1] + 1, BOX_FONT)
        line.ends.append(end)
        return line._replace(width=end)

    def glyphs(self, text: str, font: int, right_to_left: bool) -> tuple[list[Any], list[Any]]:
        """Shape text of one font; returns HarfBuzz's infos and positions, from left to right."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        # Otherwise the locale of the process would choose among glyphs.
        buffer.language = "und"
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if right_to_left else "ltr"
        hb.shape(self.chain.font(font).shaper, buffer, self._features)
        return buffer.glyph_infos, buffer.glyph_positions

    def advances(self, distance: np.ndarray, font: int) -> tuple[np.ndarray, np.ndarray]:
        """Convert the advances of clusters from font units.

        Returns:
            Pixels of each advance, and pixels by which the glyph moves right to be centred in its
            cells.
        """
        pixels = self._spaced(self.chain.font(font).pixels(distance), font)
        advance = self._in_cells(pixels, font)
        shift = (advance - pixels) // 2 if self.all_cells else np.zeros_like(pixels)
        return advance, shift

    def _spaced(self, pixels: N, font: int) -> N:
        """Add the spacing to advances above 0, which stay above 0."""
        if self.chain.font(font).joined or not self.spacing:
            return pixels
        if isinstance(pixels, int):
            return max(pixels + self.spacing, 1) if pixels > 0 else pixels
        return np.where(pixels > 0, np.maximum(pixels + self.spacing, 1), pixels)

    def _in_cells(self, pixels: N, font: int) -> N:
        if not self.cell or not (self.all_cells or 0 <= font < self.chain.own):
            return pixels
        return -(-pixels // self.cell) * self.cell
