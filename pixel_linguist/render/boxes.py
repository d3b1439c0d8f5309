"""Boxes for code points that no font has: a frame around the code point in hexadecimal digits.

GNU Unifont and Firefox do the same. Different unreadable texts have different pictures.
"""

import numpy as np

# Digits 0 to F, 3 pixels wide and 5 high; an octal digit a row.
_DIGITS = (
    "75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111",
    "75757", "75717", "25755", "65656", "34443", "65556", "74647", "74644",
)  # fmt: skip
# Rows of the box with digits of their own size, and of the lowest box that tells all digits apart.
_ROWS, _LOWEST = 15, 7


def box_size(code: int, height: int) -> tuple[int, int]:
    """Return rows and columns of the box of a code point that may be `height` >= 2 rows high.

    A box of 4 digits is 15 rows high and 11 columns wide, one of 6 digits 15 columns. It is
    enlarged by whole factors and reduced by any; below 7 rows it is a square for each digit.
    """
    digits = 2 if code <= 0xFFFF else 3
    if height < _LOWEST:
        return height // 2 * 2, height // 2 * digits
    factor = height // _ROWS
    if factor:
        return factor * _ROWS, factor * (4 * digits + 3)
    return height, round((4 * digits + 3) * height / _ROWS)


def draw_box(code: int, height: int) -> np.ndarray:
    """Draw the box of a code point, uint8 of `box_size(code, height)`."""
    digits = [int(digit, 16) for digit in (f"{code:04X}" if code <= 0xFFFF else f"{code:06X}")]
    columns = len(digits) // 2
    rows, wide = box_size(code, height)
    if height < _LOWEST:
        levels = np.array(digits, np.uint8).reshape(2, columns) * 15 + 30
        return levels.repeat(rows // 2, 0).repeat(rows // 2, 1)
    # The frame, a pixel of paper, two rows of digits with a pixel between them.
    box = np.ones((_ROWS, 4 * columns + 3), np.int64)
    box[1:-1, 1:-1] = 0
    for number, digit in enumerate(digits):
        y, x = 2 + 6 * (number // columns), 2 + 4 * (number % columns)
        for row, bits in enumerate(_DIGITS[digit]):
            box[y + row, x : x + 3] = [int(bit) for bit in f"{int(bits):03b}"]
    # Each pixel is the mean of the area that it covers, in whole numbers.
    areas = box.repeat(rows, 0).repeat(wide, 1).reshape(rows, _ROWS, wide, box.shape[1])
    return (areas.sum((1, 3)) * 255 // box.size).astype(np.uint8)
