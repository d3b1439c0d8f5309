"""The patch grid: where on it text may stand, in pixels."""

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
