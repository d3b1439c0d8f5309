"""What a renderer returns."""

import dataclasses
from typing import NamedTuple

import numpy as np

from pixel_linguist.render.visualize import Row, draw_rows, to_png

# Texts of a batch that a notebook shows.
_SHOWN = 32


class Stats(NamedTuple):
    """Defects of a batch: cut texts, and grapheme clusters with boxes for missing letters."""

    cut: int
    missing: int


@dataclasses.dataclass(frozen=True, eq=False)
class Rendered:
    """Texts as pictures.

    Attributes:
        patches: uint8 [B, S, H, W]; background is 0, ink up to 255. Patches from `count` on are 0.
        count: int32 [B], patches of each text, at least 1.
        stats: of the batch.
    """

    patches: np.ndarray
    count: np.ndarray
    stats: Stats

    def _repr_png_(self) -> bytes:
        """Show the first texts in a notebook, with the patch grid; padding is grey."""
        rows = [Row(p, int(n)) for p, n in zip(self.patches[:_SHOWN], self.count, strict=False)]
        return to_png(draw_rows(rows or [Row(np.zeros((1, 1, 1), np.uint8), 1)]))
