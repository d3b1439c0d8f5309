"""Pictures for people: rows of patches with their grid and captions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Colours: paper, padding, patch borders, the mark of a cut text.
PAPER, PADDING, GRID, CUT = (255, 255, 255), (225, 228, 235), (240, 150, 140), (200, 30, 30)
_LINE = 1


class Row(NamedTuple):
    """A text: patches uint8 [S, H, W], the number of its own patches, its caption as ink."""

    patches: np.ndarray
    own: int
    caption: np.ndarray | None = None
    cut: bool = False


def draw_rows(rows: Sequence[Row], scale: int = 3, columns: int = 64) -> np.ndarray:
    """Draw rows one below the other, uint8 [height, width, 3].

    Args:
        rows: at least one.
        scale: factor by which pixels are enlarged.
        columns: patches in a line; longer rows continue in the next line.
    """
    blocks = []
    for row in rows:
        if row.caption is not None:
            blocks.append(np.stack([255 - row.caption] * 3, -1))
        for start in range(0, max(len(row.patches), 1), columns):
            blocks.append(_draw_line(row, start, columns, scale))
        blocks.append(np.full((2 * scale, 1, 3), 255, np.uint8))
    width = max(block.shape[1] for block in blocks)
    return np.concatenate([_widen(block, width) for block in blocks[:-1]])


def _draw_line(row: Row, start: int, columns: int, scale: int) -> np.ndarray:
    patches = row.patches[start : start + columns]
    number, height, width = patches.shape
    own = np.clip(row.own - start, 0, number)
    ink = patches[..., None] / 255.0
    paper = np.where(np.arange(number)[:, None] < own, PAPER, PADDING)[:, None, None]
    pixels = (paper * (1 - ink)).astype(np.uint8).repeat(scale, 1).repeat(scale, 2)
    pixels[:, :, :_LINE] = GRID
    line = pixels.swapaxes(0, 1).reshape(height * scale, number * width * scale, 3)
    edge = np.full((_LINE, line.shape[1], 3), GRID, np.uint8)
    line = np.concatenate([edge, line, edge])
    if row.cut and start + columns >= len(row.patches):
        mark = np.full((len(line), 2 * scale, 3), CUT, np.uint8)
        line = np.concatenate([line, mark], 1)
    return line


def _widen(block: np.ndarray, width: int) -> np.ndarray:
    return np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0)), constant_values=255)


def to_png(picture: np.ndarray) -> bytes:
    """Encode a picture, uint8 [height, width, 3] or [height, width], as PNG."""
    # Pillow is slow to import, and few users look at pictures.
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.fromarray(picture).save(stream, "png", optimize=True)
    return stream.getvalue()
