"""Search among vectors: exact on the device, or by an index of faiss; and similar pairs."""

from pixel_linguist.search.exact import (
    ExactIndex,
    Hits,
    Pairs,
    Vectors,
    as_vectors,
    nearest,
    nearest_pairs,
)

__all__ = ["ExactIndex", "Hits", "Pairs", "Vectors", "as_vectors", "nearest", "nearest_pairs"]
