"""Text as pictures: fonts, layout on the patch grid, rasterising."""

from pixel_linguist.render.rendered import Rendered, Stats
from pixel_linguist.render.renderer import Renderer

__all__ = ["Rendered", "Renderer", "Stats"]
