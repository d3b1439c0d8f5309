"""The fast path: units are shaped and drawn once, and batches are gathered from their pictures.

A batch is looked up in a `UnitCache`. Most new words, misspelt ones among them, have one glyph for
each letter (`eligible`); they are shaped and drawn many at once (`shape`, `kerning`), and other
units one by one. The caches differ in their pictures: rows of patches, or columns of pixels.
"""

from pixel_linguist.render.cache.picture_cache import ColumnCache, PatchCache, draw_parts
from pixel_linguist.render.cache.unit_cache import Full, UnitCache

__all__ = ["ColumnCache", "Full", "PatchCache", "UnitCache", "draw_parts"]
