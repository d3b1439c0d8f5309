"""The patch grid, and the positions of units on it, in pixels."""

import dataclasses

import numpy as np

from pixel_linguist.render.layout import Layout
from pixel_linguist.render.raster import Atlas


class Grid:
    """Patches of one size, with the fonts that write on them."""

    def __init__(
        self,
        layout: Layout,
        atlas: Atlas,
        patch: tuple[int, int],
        max_patches: int,
        close: bool = False,
    ):
        """Set the grid; `close` leaves no margins."""
        chosen = layout.chain.family
        self.layout, self.atlas, self.max_patches = layout, atlas, max_patches
        self.height, self.width = patch
        self.baseline = round(chosen.baseline * self.height)
        self.margin = 0 if close else round(chosen.margin * self.height / 16)
        self.gap = 0 if close else round(chosen.gap * self.height / 16)


@dataclasses.dataclass(frozen=True, eq=False)
class Placed:
    """The N units of B texts, or parts of texts, and where they stand.

    Attributes:
        ids: int64 [N], numbers in a store.
        x: int64 [N], the column at which each starts in its text's row of patches.
        bounds: int64 [B + 1], the units of a text b are those from bounds[b] to bounds[b + 1].
        count: int64 [B], patches that each text takes, at least 1.
        cut: bool [B], whether it was longer than its room.
        rows: how texts are made of these, where they have several parts.
    """

    ids: np.ndarray
    x: np.ndarray
    bounds: np.ndarray
    count: np.ndarray
    cut: np.ndarray
    rows: "Rows | None" = None

    @property
    def total(self) -> np.ndarray:
        """Patches that each whole text takes, int64 [B]."""
        return self.count if self.rows is None else self.rows.count


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Texts that are made of G parts, one behind the other.

    Attributes:
        text: int64 [G], the text of each part.
        offset: int64 [G], the patch of that text at which it starts.
        count: int64 [B], patches that each text takes.
        black: int64 [K, 2], texts and patches of them that are black.
    """

    text: np.ndarray
    offset: np.ndarray
    count: np.ndarray
    black: np.ndarray
