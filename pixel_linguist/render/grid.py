"""The patch grid, and the positions of units on it, in pixels."""

import dataclasses

import numpy as np

from pixel_linguist.render.layout import Layout
from pixel_linguist.render.raster import Atlas


class Grid:
    """Patches of one size, with the fonts that are drawn on them.

    `baseline` is in rows from the top; a text starts `margin` pixels in, and `gap` pixels stay free
    behind it.
    """

    def __init__(
        self,
        layout: Layout,
        atlas: Atlas,
        patch: tuple[int, int],
        max_patches: int,
        close: bool = False,
    ):
        """Set the grid; `close` leaves no margin and no gap."""
        family = layout.chain.family
        self.layout, self.atlas, self.max_patches = layout, atlas, max_patches
        self.height, self.width = patch
        self.baseline = round(family.baseline * self.height)
        self.margin = 0 if close else round(family.margin * self.height / 16)
        self.gap = 0 if close else round(family.gap * self.height / 16)

    def unit_patches(self, widths: np.ndarray) -> np.ndarray:
        """Return the patches of units that start at patches; a unit without a picture has none."""
        return np.where(widths > 0, -(-(widths + self.margin + self.gap) // self.width), 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Texts that consist of G parts, one after the other.

    Attributes:
        text: int64 [G], the text of each part.
        offset: int64 [G], the patch of that text at which the part starts.
        count: int64 [B], patches of each text.
        black: int64 [K, 2], text and patch of each black patch.
    """

    text: np.ndarray
    offset: np.ndarray
    count: np.ndarray
    black: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Placed:
    """The N units of B texts, or of parts of texts, with their positions.

    Attributes:
        ids: int64 [N], numbers of units in a cache.
        x: int64 [N], the column at which each starts in its text's row of patches.
        bounds: int64 [B + 1]; text b has the units from bounds[b] to bounds[b + 1].
        count: int64 [B], patches of each, at least 1.
        cut: bool [B], whether it was longer than its room.
        rows: how texts consist of these parts, where they do.
    """

    ids: np.ndarray
    x: np.ndarray
    bounds: np.ndarray
    count: np.ndarray
    cut: np.ndarray
    rows: Rows | None = None

    @property
    def text_count(self) -> np.ndarray:
        """Patches of each whole text, int64."""
        return self.count if self.rows is None else self.rows.count
