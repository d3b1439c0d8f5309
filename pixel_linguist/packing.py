"""Which inputs are embedded together: packed rows of several, in batches of few shapes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

# Padded lengths of full batches; single rows have two more, which makes 8 shapes in all.
_LENGTHS = 6
_SHORTEST = 8
# Least patches of a row of several inputs. A row has at most one input for every 2 of its patches,
# or for every 8 where each possible input costs a CLS token.
_PACKED = 64
_TEXT, _TEXT_WITH_CLS = 2, 8


class Batch(NamedTuple):
    """Inputs that are embedded together.

    Attributes:
        rows: numbers of the inputs of each row; there may be fewer than `size`.
        size: number of rows.
        length: patches of each row.
    """

    rows: list[list[int]]
    size: int
    length: int


def lengths(max_patches: int) -> list[int]:
    """Return the padded lengths of batches, at most 6, from 8 to max_patches in equal ratios.

    Few lengths mean few compilations; short texts still do not pay for the longest.
    """
    if max_patches <= _SHORTEST:
        return [max_patches]
    steps = np.geomspace(_SHORTEST, max_patches, _LENGTHS)[:-1]
    return sorted({min(4 * round(step / 4), max_patches) for step in steps} | {max_patches})


def room(max_patches: int) -> int:
    """Return the patches of a row of several inputs: the first length of 64 or more.

    Attention takes a twentieth of the work on a row of that length, so that masking it between
    inputs wastes nearly nothing.
    """
    return next(n for n in lengths(max_patches) if n >= min(_PACKED, max_patches))


def most_inputs(max_patches: int, cls_token: bool) -> int:
    """Return the most inputs of a row."""
    return max(room(max_patches) // (_TEXT_WITH_CLS if cls_token else _TEXT), 1)


def pack(counts: np.ndarray, patches: int, most: int) -> list[list[int]]:
    """Put inputs into rows, the longest first, each where it leaves least room (best fit).

    Of sentences of usual lengths about a hundredth of the patches stay empty.

    Args:
        counts: int [N], patches of each.
        patches: room of a row; a longer input has its own.
        most: inputs of a row.

    Returns:
        The numbers of the inputs of each row.
    """
    rows: list[list[int]] = []
    # By the room that is left in them.
    open_: list[list[list[int]]] = [[] for _ in range(patches + 1)]
    order = np.argsort(-counts, kind="stable")
    for number, count in zip(order.tolist(), counts[order].tolist(), strict=True):
        left = next((n for n in range(count, patches + 1) if open_[n]), None)
        if left is None:
            row: list[int] = []
            rows.append(row)
            left = max(patches, count)
        else:
            row = open_[left].pop()
        row.append(number)
        if left > count and len(row) < most:
            open_[left - count].append(row)
    return rows


def plan(
    counts: np.ndarray, batch_size: int, single: int, max_patches: int, most: int
) -> Iterator[Batch]:
    """Put inputs into rows, and rows of like length into batches, shortest first.

    A batch has at most batch_size rows, fewer of long ones: the patches of batch_size inputs of a
    quarter of max_patches. More are no faster: XLA's memory for 4,096 patches of the tiny preset
    was taken from the system and given back for each batch, a third of the time.

    Args:
        counts: int [N], patches of each, at most max_patches.
        batch_size: a multiple of single.
        single: rows of the smallest batch, for the last few.
        max_patches: the longest length.
        most: inputs of a row.
    """
    rows = pack(counts, room(max_patches), most)
    filled = np.array([counts[row].sum() for row in rows], int)
    order = np.argsort(filled, kind="stable")
    of_full = lengths(max_patches)
    of_single = [of_full[len(of_full) // 2], max_patches]
    # By length.
    sizes = {n: min(batch_size, batch_size * max_patches // (4 * n)) for n in of_full}
    sizes = {n: max(size // single, 1) * single for n, size in sizes.items()}
    start = 0
    while start < len(order):
        left = filled[order[start:]]
        if len(left) <= max(sizes[max_patches] // 4, 1):
            size = single
            length = next(n for n in of_single if n >= left[:single][-1])
        else:
            # The first length that is enough for its own number of rows.
            length = next(n for n in of_full if n >= left[: sizes[n]][-1])
            size = sizes[length]
        yield Batch([rows[i] for i in order[start : start + size]], size, length)
        start += size
