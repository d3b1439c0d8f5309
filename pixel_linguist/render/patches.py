"""The one thing an encoder reads: patches with positions, whether of text or of a picture."""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

# float or int arrays, of NumPy on the host and of JAX in a step.
Array = Any
PADDING = -1


class Patches(NamedTuple):
    """R rows of S patches, each row one text, one picture, or several packed texts.

    Attributes:
        pixels: uint8 [R, S, H, W, C], channels last; background 0, ink up to 255. C is 1 for text;
            an encoder of three channels repeats it. Or float [R, S, D], patches that were embedded
            before, without positions.
        position: int32 [R, S, 2], row and column on the page; row 0 throughout for a line of text.
            Columns restart with each segment.
        segment: int32 [R, S], the patches that attend to one another; `PADDING` for none.
        unit: int32 [R, S], the patches that are pooled together (a text, a sentence, a word);
            `PADDING` for none.
        owner: int32 [R, K], the example of each segment; `PADDING` for none.
    """

    pixels: Array
    position: Array
    segment: Array
    unit: Array
    owner: Array


def one_text_a_row(pixels: Array, count: Array, xp: ModuleType = np) -> Patches:
    """Return texts as they come from a renderer, one in a row.

    Args:
        pixels: uint8 [B, S, H, W] or [B, S, H, W, C]; or float [B, S, D], embedded before.
        count: int32 [B], patches of each text.
        xp: numpy, or jax.numpy inside a jitted function.
    """
    rows, length = pixels.shape[:2]
    column = xp.broadcast_to(xp.arange(length, dtype=xp.int32), (rows, length))
    segment = xp.where(column < count[:, None], 0, PADDING).astype(xp.int32)
    position = xp.stack([xp.zeros_like(column), column], axis=-1)
    owner = xp.arange(rows, dtype=xp.int32)[:, None]
    if pixels.ndim == 4:
        pixels = pixels[..., None]
    return Patches(pixels, position, segment, segment, owner)


def packed(pixels: Array, count: Array, owner: Array, xp: ModuleType = np) -> Patches:
    """Return rows in which several texts follow one another.

    Args:
        pixels: uint8 [R, S, H, W], or float [R, S, D], embedded before.
        count: int32 [R, K], patches of each text of a row; 0 for none.
        owner: int32 [R, K], the example of each; `PADDING` for none.
        xp: numpy, or jax.numpy inside a jitted function.
    """
    rows, length = pixels.shape[:2]
    place = xp.broadcast_to(xp.arange(length, dtype=xp.int32), (rows, length))
    ends = xp.cumsum(count, axis=1)
    number = (place[:, :, None] >= ends[:, None, :]).sum(axis=2)
    starts = xp.pad(ends, ((0, 0), (1, 0)))
    column = place - xp.take_along_axis(starts, number, axis=1)
    segment = xp.where(number < count.shape[1], number, PADDING).astype(xp.int32)
    position = xp.stack([xp.zeros_like(place), column.astype(xp.int32)], axis=-1)
    if pixels.ndim == 4:
        pixels = pixels[..., None]
    return Patches(pixels, position, segment, segment, owner)


def picture_patches(picture: np.ndarray, patch: tuple[int, int], xp: ModuleType = np) -> Patches:
    """Cut pictures of one size into a grid of patches, row by row.

    Args:
        picture: uint8 [B, height, width, C]; ink or colour as it is.
        patch: height and width of a patch, which divide the picture's.
        xp: numpy, or jax.numpy inside a jitted function.

    Raises:
        ValueError: for sizes that patches do not divide.
    """
    count, height, width, channels = picture.shape
    if height % patch[0] or width % patch[1]:
        raise ValueError(
            f"a picture is {height} x {width} pixels, which patches of {patch[0]} x {patch[1]} do "
            "not divide; resize it"
        )
    rows, columns = height // patch[0], width // patch[1]
    grid = picture.reshape(count, rows, patch[0], columns, patch[1], channels)
    pixels = xp.moveaxis(grid, 2, 3).reshape(count, rows * columns, *patch, channels)
    place = np.arange(rows * columns, dtype=np.int32)
    position = np.stack([place // columns, place % columns], axis=-1)
    position = xp.broadcast_to(position, (count, rows * columns, 2))
    segment = xp.zeros((count, rows * columns), xp.int32)
    return Patches(pixels, position, segment, segment, xp.arange(count, dtype=xp.int32)[:, None])


def check_positions(patches: Patches, grid: tuple[int, int], what: str) -> None:
    """Refuse patches beyond an encoder's table of positions: indexing would clamp in silence.

    Args:
        grid: rows and columns of the table.

    Raises:
        ValueError: naming their rows and columns and those of the table.
    """
    row, column = (int(patches.position[..., axis].max()) for axis in (0, 1))
    if row >= grid[0] or column >= grid[1]:
        raise ValueError(
            f"{what} has {row + 1} rows of {column + 1} patches; the encoder has positions for "
            f"{grid[0]} of {grid[1]} (model.max_rows, render.max_patches)"
        )
