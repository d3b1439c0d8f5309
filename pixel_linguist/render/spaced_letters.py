"""Letters in cells wider than they are, as full-width forms stand, are brought together."""

import numpy as np

# Distances between letters, in 16ths of their height: from where they are brought together (half of
# them), and what they have then. In ordinary text of 750 families half of them are below 3.
_APART, _USUAL = 4.5, 2.0
# Cells are about as wide as letters are high, from b's top to p's foot. Words in a row are further
# apart, digits with spaces between them less.
_CELLS = 14.0, 22.0
# Letters stand in cells if from middle to middle this share of them is as far apart, but for this
# share of a cell, as few letters are symmetric.
_EVEN, _DEVIATION = 0.5, 0.12


def bring_together(
    width: int, inked: np.ndarray, cuts: np.ndarray, distances: np.ndarray, scale: float
) -> np.ndarray:
    """Return the columns of a line that bring letters in wide cells together.

    In cells of one width a narrow letter is further from the next one than a word's end may be;
    from middle to middle, only words are further apart.

    Args:
        width: of the line, in pixels.
        inked: int [I], columns with ink.
        cuts: int [G], where letters could be separated.
        distances: float [G], of the letters there, in 16ths of the letters' height.
        scale: from pixels to these.

    Returns:
        int [K], of all columns if the letters stand in no such cells.
    """
    every = np.arange(width)
    if len(cuts) < 3 or np.median(distances) < _APART:
        return every
    bounds = np.searchsorted(inked, np.concatenate([inked[:1], cuts, inked[-1:] + 1]))
    middles = (inked[bounds[:-1]] + inked[bounds[1:] - 1]) / 2
    apart = np.diff(middles) * scale
    cell = np.median(apart)
    beyond = apart - cell
    even = np.mean(np.abs(beyond) < _DEVIATION * cell) >= _EVEN
    if not even or not _CELLS[0] <= cell <= _CELLS[1]:
        return every
    wanted = _USUAL + np.where(beyond > _DEVIATION * cell, beyond, 0)
    surplus = np.maximum((distances - wanted) / scale, 0).round().astype(np.int64)
    kept = np.ones(width, bool)
    for start, count in zip((cuts - surplus // 2).tolist(), surplus.tolist(), strict=True):
        kept[start : start + count] = False
    return every[kept]
