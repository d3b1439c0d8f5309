"""Search among vectors: exactly, on the device, or by an index; and pairs that are alike."""

from pixel_linguist.search.exact import ExactIndex, Hits, Pairs, nearest, nearest_pairs

__all__ = ["ExactIndex", "Hits", "Pairs", "nearest", "nearest_pairs"]
