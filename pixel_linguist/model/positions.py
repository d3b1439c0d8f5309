"""Fixed position embeddings."""

import math

import numpy as np


def sincos_2d(count: int, width: int) -> np.ndarray:
    """Return sine-cosine positions of the first `count` cells of a square grid, in raster order.

    The first half of the dimensions codes the column and the second the row, each as
    [sin, cos] with base 10000 (He et al. 2022, Masked Autoencoders, and PIXEL's use of it).

    Args:
        count: number of positions; the grid's side is the least whose square holds them.
        width: embedding width, a multiple of 4.

    Returns:
        float32 [count, width].
    """
    if width % 4:
        raise ValueError(f"2-D sine-cosine positions need a width divisible by 4, not {width}")
    side = math.ceil(math.sqrt(count))
    row, column = np.divmod(np.arange(count), side)
    frequency = 1.0 / 10000 ** (np.arange(width // 4) / (width / 4))

    def one_axis(position: np.ndarray) -> np.ndarray:
        angle = position[:, None] * frequency
        return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)

    return np.concatenate([one_axis(column), one_axis(row)], axis=1).astype(np.float32)
