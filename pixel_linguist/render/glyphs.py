"""Glyph runs: a batch of texts as glyphs on the patch grid, to be drawn later or on a device.

An accelerator is sent the runs and the few bitmaps that they use, not the pixels.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class GlyphRuns:
    """B texts as up to G pieces of glyph bitmaps each, in any order.

    The patches of a text side by side are one strip of `height` rows and `length` * `width`
    columns. A piece is a bitmap `tiles[glyphs[b, g]]` whose upper left pixel lies at row `y[b, g]`
    and column `x[b, g]` of the strip; pixels outside the strip are not drawn. Overlapping ink is
    added, up to 255.

    Attributes:
        glyphs: uint16 [B, G] (uint32 if there are more tiles); 0 is the blank tile, the padding.
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
        """Bytes of all arrays."""
        return sum(a.nbytes for a in (self.glyphs, self.x, self.y, self.count, self.tiles))


def rasterise(runs: GlyphRuns) -> np.ndarray:
    """Draw glyph runs, uint8 [B, S, H, W]."""
    height, width = runs.patch
    rows, columns = runs.tiles.shape[1:]
    # Pixels outside fall on a border as wide as a tile.
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


def join_runs(parts: Sequence[GlyphRuns]) -> GlyphRuns:
    """Concatenate batches of one length."""
    if len(parts) == 1:
        return parts[0]
    pieces = max(part.glyphs.shape[1] for part in parts)
    tiles = np.concatenate([part.tiles[1:] for part in parts])
    used = len(tiles) + 1
    first = np.cumsum([0, *(len(part.tiles) - 1 for part in parts)])
    glyphs = [
        np.where(part.glyphs, part.glyphs.astype(np.int64) + start, 0).astype(glyph_type(used))
        for part, start in zip(parts, first[:-1], strict=True)
    ]

    def stacked(arrays: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(
            [np.pad(array, ((0, 0), (0, pieces - array.shape[1]))) for array in arrays]
        )

    return dataclasses.replace(
        parts[0],
        glyphs=stacked(glyphs),
        x=stacked([part.x for part in parts]),
        y=stacked([part.y for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        tiles=np.pad(tiles, ((1, power_of_two(used) - used), (0, 0), (0, 0))),
    )


def renumber(runs: GlyphRuns) -> GlyphRuns:
    """Number tiles in the order in which texts use them, and equal tiles alike.

    A renderer numbers tiles as it meets them; after this, the arrays of the same texts are the same
    whatever was laid out before, on every host.
    """
    numbers: dict[bytes, int] = {runs.tiles[0].tobytes(): 0}
    alike = np.array([numbers.setdefault(tile.tobytes(), len(numbers)) for tile in runs.tiles])
    glyphs = alike[runs.glyphs]
    shown, first = np.unique(glyphs, return_index=True)
    order = shown[np.argsort(np.where(shown, first, -1))]
    order = order if len(order) and order[0] == 0 else np.concatenate([[0], order])
    rank = np.zeros(len(numbers), np.int64)
    rank[order] = np.arange(len(order))
    tiles = np.zeros((power_of_two(len(order)), *runs.tiles.shape[1:]), np.uint8)
    tiles[: len(order)] = runs.tiles[np.unique(alike, return_index=True)[1]][order]
    return dataclasses.replace(
        runs, glyphs=rank[glyphs].astype(glyph_type(len(tiles))), tiles=tiles
    )


def glyph_type(tiles: int) -> type[np.unsignedinteger[Any]]:
    """Return the type for numbers of so many tiles."""
    return np.uint16 if tiles <= 1 << 16 else np.uint32


def power_of_two(number: int) -> int:
    """Return the smallest power of two that is at least 32 and at least a number."""
    return max(1 << (number - 1).bit_length(), 32)
