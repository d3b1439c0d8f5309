"""Which inputs are embedded together: in strips of several, in batches of few shapes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

# Padded lengths of full batches; single strips have two more, which makes 8 shapes in all.
_LENGTHS = 6
_SHORTEST = 8
# Patches of a strip of several inputs, at least; and how few of them to an input fill a strip: more
# where each possible input of it costs a CLS token.
_STRIP = 64
_TEXT, _TEXT_WITH_CLS = 2, 8


class Batch(NamedTuple):
    """Strips that are embedded together, each a list of inputs: `size` rows of `length` patches.

    There may be fewer strips than rows.
    """

    strips: list[list[int]]
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
    """Return the patches of a strip of several inputs: the first length of 64 or more.

    Attention to a strip so short is a twentieth of the work on it, so that it costs nearly nothing
    that inputs stand there together.
    """
    return next(n for n in lengths(max_patches) if n >= min(_STRIP, max_patches))


def most_inputs(max_patches: int, cls_token: bool) -> int:
    """Return how many inputs a strip holds, at most."""
    return max(room(max_patches) // (_TEXT_WITH_CLS if cls_token else _TEXT), 1)


def pack(counts: np.ndarray, patches: int, most: int) -> list[list[int]]:
    """Put inputs into strips, the longest first, each where it leaves least room.

    Of sentences of any usual length about a hundredth of the patches stay empty.

    Args:
        counts: int [N], patches of each.
        patches: room of a strip; a longer input has its own.
        most: inputs of a strip.
    """
    strips: list[list[int]] = []
    # By the room that is left in them.
    open_: list[list[list[int]]] = [[] for _ in range(patches + 1)]
    order = np.argsort(-counts, kind="stable")
    for number, count in zip(order.tolist(), counts[order].tolist(), strict=True):
        left = next((n for n in range(count, patches + 1) if open_[n]), None)
        if left is None:
            strip: list[int] = []
            strips.append(strip)
            left = max(patches, count)
        else:
            strip = open_[left].pop()
        strip.append(number)
        if left > count and len(strip) < most:
            open_[left - count].append(strip)
    return strips


def plan(
    counts: np.ndarray, batch_size: int, single: int, max_patches: int, most: int
) -> Iterator[Batch]:
    """Put inputs into strips, and strips of like length into batches, shortest first.

    A batch has at most batch_size rows, fewer of long ones: as many patches as batch_size inputs of
    a quarter of max_patches. More are no faster; XLA's memory for 4,096 patches of the tiny preset
    was taken from the system and given back for each batch, a third of the time.

    Args:
        counts: int [N], patches of each, at most max_patches.
        batch_size: a multiple of single.
        single: rows of the smallest batch, for the few that are left or that are all.
        max_patches: the longest length.
        most: inputs of a strip.
    """
    strips = pack(counts, room(max_patches), most)
    filled = np.array([counts[strip].sum() for strip in strips], int)
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
        yield Batch([strips[i] for i in order[start : start + size]], size, length)
        start += size
