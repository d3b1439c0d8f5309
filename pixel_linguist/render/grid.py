"""The patch grid, and what the strategies that fill it have in common."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pixel_linguist.render.layout import BOX_FONT, Layout, Word
from pixel_linguist.render.raster import Atlas
from pixel_linguist.render.rendered import Rendered, Stats

# What a word costs in memory beside its pixels: its key, its entry, its numbers.
OVERHEAD = 300
# Words that are looked up at once where texts are only counted.
PIECE = 1 << 14


class Grid:
    """The patch grid and what stands on it: pixels everywhere."""

    def __init__(self, layout: Layout, atlas: Atlas, patch: tuple[int, int], max_patches: int):
        chosen = layout.chain.family
        self.layout, self.atlas, self.max_patches = layout, atlas, max_patches
        self.height, self.width = patch
        self.baseline = round(chosen.baseline * self.height)
        self.margin = round(chosen.margin * self.height / 16)
        self.gap = round(chosen.gap * self.height / 16)

    def patches(self, width: int) -> int:
        """Return how many patches a text or word of a width takes; 0 for one without picture."""
        return -(-(self.margin + width + self.gap) // self.width) if width else 0

    def fit(self, word: Word, limit: int) -> Word:
        """Cut a word at a cluster, so that it is at most `limit` pixels wide."""
        kept = sum(end <= limit for end in word.ends)
        glyphs = [glyph for glyph in word.glyphs if glyph.cluster < kept]
        missing = sum(glyph.font == BOX_FONT for glyph in glyphs)
        return Word(glyphs, word.ends[kept - 1] if kept else 0, word.ends[:kept], missing)


class Strategy(Protocol):
    """What a renderer asks of a strategy."""

    def render(self, texts: Sequence[str], length: int | None) -> Rendered:
        """Draw texts, uint8 [B, S, H, W]."""
        ...

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Return the patches that texts take in full, int32 [N]."""
        ...


class Full(Exception):
    """There is no room for another word: start again with a new store."""


def sums(values: np.ndarray, words: list[list[Any]]) -> np.ndarray:
    """Add up the values of each text's words, int64 [B]."""
    ends = np.cumsum([0, *map(len, words)])
    return np.diff(np.concatenate([[0], np.cumsum(values)])[ends])


def join(a: Rendered, b: Rendered) -> Rendered:
    """Put two batches of one length together."""
    return Rendered(
        np.concatenate([a.patches, b.patches]),
        np.concatenate([a.count, b.count]),
        Stats(a.stats.cut + b.stats.cut, a.stats.missing + b.stats.missing),
    )
