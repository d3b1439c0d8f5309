"""Text to glyphs at whole pixels: shaping by HarfBuzz, one grapheme cluster after the other.

Positions are exact: HarfBuzz shapes in the font's own units, and integers alone turn those into
pixels. Each cluster starts at a whole pixel and its advance is rounded to whole pixels, so that a
unit has the same picture wherever it stands.
"""

from typing import Any, NamedTuple

import numpy as np
import uharfbuzz as hb

from pixel_linguist.render.boxes import box_size
from pixel_linguist.render.fonts import BOX_FONT, Chain, N, Part
from pixel_linguist.render.units import Run, Unit


class Glyph(NamedTuple):
    """A glyph: its font (an index into the chain, or BOX_FONT), its number there, its origin.

    The number of a box is the code point that it shows. `x` pixels to the right of the unit's start, `y` pixels above the baseline; `cluster` numbers
    the clusters of the unit from left to right.
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
        """Clusters that no font covers."""
        return len({glyph.cluster for glyph in self.glyphs if glyph.font == BOX_FONT})

    def cut(self, limit: int) -> "Shaped":
        """Return as many clusters from the left as end within `limit` pixels."""
        kept = sum(end <= limit for end in self.ends)
        glyphs = [glyph for glyph in self.glyphs if glyph.cluster < kept]
        return Shaped(glyphs, self.ends[kept - 1] if kept else 0, self.ends[:kept])


class Layout:
    """Shapes units in one chain of fonts at one size. Not safe for several threads at once."""

    def __init__(self, chain: Chain, cell: int = 0, all_cells: bool = False, spacing: int = 0):
        """Set how far letters stand apart.

        Args:
            chain: of fonts, at a size.
            cell: the family's own fonts advance by whole multiples of it, in pixels; 0: by what
                they say.
            all_cells: all fonts do, each cluster in the middle of its cells.
            spacing: pixels added after each cluster, in scripts whose letters stand apart.
        """
        self.chain = chain
        self.cell, self.all_cells, self.spacing = cell, all_cells, spacing
        self._features = {f.lstrip("+-"): not f.startswith("-") for f in chain.family.features}
        self.space = 0
        self.space = max(self.shape(" ").width, 1)

    def shape(self, unit: Unit) -> Shaped:
        """Lay a unit out on one line."""
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
        """Set a part behind a line."""
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
            # A mark of another font stands where its font puts it behind a letter.
            font = self.chain.font(index)
            for info, position in zip(*self.glyphs(marks, index, False), strict=True):
                x = pen + font.pixels(position.x_offset)
                y = font.raised + font.pixels(position.y_offset)
                glyphs.append(Glyph(index, info.codepoint, x, y, len(ends) - 1))
        return line._replace(width=pen)

    def _add_boxes(self, line: Shaped, text: str) -> Shaped:
        """Set the boxes of a cluster behind a line."""
        end = line.width
        for code in map(ord, text):
            line.glyphs.append(Glyph(BOX_FONT, code, end, 0, len(line.ends)))
            end += self._in_cells(box_size(code, self.chain.box_height)[1] + 1, BOX_FONT)
        line.ends.append(end)
        return line._replace(width=end)

    def glyphs(self, text: str, font: int, right_to_left: bool) -> tuple[list[Any], list[Any]]:
        """Shape text of one font: HarfBuzz's infos and positions, from left to right."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        # Otherwise the language of the process would choose among glyphs.
        buffer.language = "und"
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if right_to_left else "ltr"
        hb.shape(self.chain.font(font).shaper, buffer, self._features)
        return buffer.glyph_infos, buffer.glyph_positions

    def advances(self, distance: np.ndarray, font: int) -> tuple[np.ndarray, np.ndarray]:
        """Turn the advances of clusters, in the font's units, into whole pixels.

        Returns:
            Pixels that each takes, and those by which it is moved to the middle of its cells.
        """
        source = self.chain.font(font)
        pixels = source.pixels(distance)
        if not source.joined:
            pixels = np.where(pixels > 0, np.maximum(pixels + self.spacing, 1), pixels)
        advance = self._in_cells(pixels, font)
        shift = (advance - pixels) // 2 if self.all_cells else np.zeros_like(pixels)
        return advance, shift

    def _close(self, line: Shaped, first: int, pen: int, distance: int, font: int) -> int:
        """End the cluster whose glyphs begin at `first`; returns where the next one starts."""
        source = self.chain.font(font)
        pixels = max(source.pixels(distance), 0)
        if pixels and not source.joined:
            pixels = max(pixels + self.spacing, 1)
        if not line.ends and not pixels:
            # A mark with no letter before it stands on a space.
            pixels = self.space
            line.glyphs[first:] = [g._replace(x=g.x + pixels) for g in line.glyphs[first:]]
        advance = self._in_cells(pixels, font)
        if self.all_cells and advance > pixels:
            shift = (advance - pixels) // 2
            line.glyphs[first:] = [g._replace(x=g.x + shift) for g in line.glyphs[first:]]
        line.ends.append(pen + advance)
        return pen + advance

    def _in_cells(self, pixels: N, font: int) -> N:
        if not self.cell or not (self.all_cells or 0 <= font < self.chain.own):
            return pixels
        return -(-pixels // self.cell) * self.cell
