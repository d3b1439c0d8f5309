"""The fast path: units are shaped and drawn once and kept, and batches are gathered from them."""

from pixel_linguist.render.cache.picture_cache import ColumnCache, PatchCache, draw_parts
from pixel_linguist.render.cache.run_cache import RunCache
from pixel_linguist.render.cache.unit_cache import Full, UnitCache

__all__ = ["ColumnCache", "Full", "PatchCache", "RunCache", "UnitCache", "draw_parts"]
