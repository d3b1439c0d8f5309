"""Text to glyphs at whole pixels: shaping by HarfBuzz, one grapheme cluster after the other.

Positions are exact: HarfBuzz shapes in the font's own units, and integers alone turn those into
pixels. Each cluster starts at a whole pixel and its advance is rounded to whole pixels, so that a
word has the same picture wherever it stands.
"""

from typing import NamedTuple

import uharfbuzz as hb

from pixel_linguist.render.fonts import Chain

BOX_FONT = -1


class Glyph(NamedTuple):
    """A glyph: its font (an index into the chain, or BOX_FONT), its number there, its origin.

    `x` pixels to the right of the word's start, `y` pixels above the baseline; `cluster` numbers
    the clusters of the word from left to right.
    """

    font: int
    number: int
    x: int
    y: int
    cluster: int


class Word(NamedTuple):
    """A shaped piece of text; `ends` has the pixel at which each of its clusters ends."""

    glyphs: list[Glyph]
    width: int
    ends: list[int]
    missing: int


class Layout:
    """Shapes text in one chain of fonts at one size. Not safe for several threads at once."""

    def __init__(self, chain: Chain, font_size: float, cell: int):
        """Set the size.

        Args:
            chain: of fonts.
            font_size: in pixels; it is used to the nearest 1/64.
            cell: the family's own fonts advance by whole multiples of it, in pixels; 0: by what
                they say.
        """
        self.chain = chain
        self.size = round(font_size * 64)
        self.cell = cell
        self._features = {f.lstrip("+-"): not f.startswith("-") for f in chain.family.features}
        self.box_width = max(self._pixels(6, 10), 3)
        self.space = max(self.shape(" ").width, 1)

    def shape(self, text: str) -> Word:
        """Lay text out on one line, each run in the direction of its script."""
        glyphs: list[Glyph] = []
        ends: list[int] = []
        pen = missing = 0
        for run, font in self.chain.split(text):
            if font < 0:
                glyphs.append(Glyph(BOX_FONT, 0, pen, 0, len(ends)))
                pen += self.box_width
                ends.append(pen)
                missing += 1
            else:
                pen = self._shape_run(run, font, pen, glyphs, ends)
        return Word(glyphs, pen, ends, missing)

    def _shape_run(
        self, run: str, font: int, pen: int, glyphs: list[Glyph], ends: list[int]
    ) -> int:
        buffer = hb.Buffer()
        buffer.add_str(run)
        # Otherwise the language of the process would choose among glyphs.
        buffer.language = "und"
        buffer.guess_segment_properties()
        source = self.chain.fonts[font]
        hb.shape(source.shaper, buffer, self._features)
        units = source.units
        last, local = -1, 0
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            if info.cluster != last:
                if last >= 0:
                    pen += self._advance(local, font)
                    ends.append(pen)
                last, local = info.cluster, 0
            x = pen + self._pixels(local + position.x_offset, units)
            y = self._pixels(position.y_offset, units)
            glyphs.append(Glyph(font, info.codepoint, x, y, len(ends)))
            local += position.x_advance
        if last >= 0:
            pen += self._advance(local, font)
            ends.append(pen)
        return pen

    def _pixels(self, distance: int, units: int) -> int:
        """Turn font units into whole pixels, halves upwards."""
        return (2 * distance * self.size + 64 * units) // (128 * units)

    def _advance(self, distance: int, font: int) -> int:
        pixels = max(self._pixels(distance, self.chain.fonts[font].units), 0)
        if not self.cell or font >= self.chain.own:
            return pixels
        return -(-pixels // self.cell) * self.cell
