"""What a renderer returns."""

import dataclasses
from typing import NamedTuple

import numpy as np


class Stats(NamedTuple):
    """What is not as it should be in a batch of pictures."""

    # Texts that were longer than their room.
    cut: int
    # Grapheme clusters that no font covers, drawn as boxes.
    missing: int


@dataclasses.dataclass(frozen=True, eq=False)
class Rendered:
    """Texts as pictures.

    `patches` uint8 [B, S, H, W]: background 0, ink up to 255; `count` int32 [B]: patches of each
    text, at least 1. Patches from `count` on are 0.
    """

    patches: np.ndarray
    count: np.ndarray
    stats: Stats
