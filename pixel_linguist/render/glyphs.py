"""Glyph runs: a batch of texts as glyphs on the patch grid, to be drawn later, here or elsewhere.

What is sent to an accelerator is the runs and the few bitmaps they use, not the pixels.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class GlyphRuns:
    """B texts as up to G pieces of glyph bitmaps each, in any order.

    The patches of a text stand side by side as one strip, `height` rows and `length` * `width`
    columns. A piece is a bitmap `tiles[glyphs[b, g]]` whose upper left pixel lies at row `y[b, g]`
    and column `x[b, g]` of the strip; what of it lies outside the strip is not drawn. Where pieces
    overlap their ink is added, up to 255.

    Attributes:
        glyphs: uint16 [B, G]; 0 is the blank tile, with which rows are filled up.
        x: int16 [B, G].
        y: int16 [B, G].
        count: int32 [B], patches of each text, at least 1.
        tiles: uint8 [T, h, w], the bitmaps of this batch; tile 0 is blank. G and T are powers of
            two, so that few shapes occur.
        length: patches S.
        patch: their height and width.
    """

    glyphs: np.ndarray
    x: np.ndarray
    y: np.ndarray
    count: np.ndarray
    tiles: np.ndarray
    length: int
    patch: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(a.nbytes for a in (self.glyphs, self.x, self.y, self.count, self.tiles))


def rasterise(runs: GlyphRuns) -> np.ndarray:
    """Draw glyph runs, uint8 [B, S, H, W]."""
    height, width = runs.patch
    rows, columns = runs.tiles.shape[1:]
    # A border as wide as a tile takes up what lies outside.
    canvas = np.zeros(
        (len(runs.glyphs), height + 2 * rows, runs.length * width + 2 * columns), np.int32
    )
    text, piece = np.nonzero(runs.glyphs)
    y = np.clip(runs.y[text, piece].astype(np.int64), -rows, height) + rows
    x = np.clip(runs.x[text, piece].astype(np.int64), -columns, runs.length * width) + columns
    index = (
        text[:, None, None],
        y[:, None, None] + np.arange(rows)[:, None],
        x[:, None, None] + np.arange(columns),
    )
    np.add.at(canvas, index, runs.tiles[runs.glyphs[text, piece]])
    strips = np.minimum(canvas[:, rows : rows + height, columns:-columns], 255).astype(np.uint8)
    patches = strips.reshape(len(strips), height, runs.length, width).swapaxes(1, 2)
    return np.ascontiguousarray(patches)
