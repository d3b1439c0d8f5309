"""Text as pictures: fonts, layout on the patch grid, rasterising."""

from pixel_linguist.render.rendered import Rendered, Stats
from pixel_linguist.render.renderer import PRESETS, Renderer
from pixel_linguist.render.styles import StyledRenderer, Styles

__all__ = [
    "PRESETS",
    "Rendered",
    "Renderer",
    "Stats",
    "StyledRenderer",
    "Styles",
]
