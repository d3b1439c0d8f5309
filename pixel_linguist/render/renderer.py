"""The renderer: texts to patches."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pixel_linguist.render.continuous import Continuous
from pixel_linguist.render.fonts import Chain, family, hashes
from pixel_linguist.render.grid import Grid, Strategy
from pixel_linguist.render.layout import Layout
from pixel_linguist.render.raster import Atlas
from pixel_linguist.render.rendered import Rendered
from pixel_linguist.render.words import Words

STRATEGIES: dict[str, Callable[[Grid, int], Strategy]] = {"words": Words, "continuous": Continuous}


class Renderer:
    """Draws texts as sequences of patches; the same text has the same bytes, always.

    It may be used by several threads at once, and pickled.
    """

    def __init__(
        self,
        family: str = "noto",
        strategy: str = "words",
        patch: int | Sequence[int] = 16,
        max_patches: int = 64,
        font_size: float | None = None,
        memory: int = 256 << 20,
    ):
        """Find the fonts and verify them.

        Args:
            family: of fonts, by its name in the manifest.
            strategy: "words": each word starts at a patch, and patches never cross words;
                "continuous": the text runs on across patches.
            patch: height and width in pixels, or one number for both.
            max_patches: the longest sequence; longer text is cut at a grapheme cluster.
            font_size: in pixels; None: what the family has for this patch height.
            memory: bytes that pictures of words may take.

        Raises:
            ValueError: an unknown family or strategy, an impossible number, a changed font file.
            FileNotFoundError: the family's first font is not installed.
        """
        height, width = (patch, patch) if isinstance(patch, int) else patch
        if min(height, width) < 4:
            raise ValueError(f"patch is {height} by {width} pixels; at least 4 by 4 are needed")
        if max_patches < 1:
            raise ValueError(f"max_patches is {max_patches}; at least 1 is needed")
        if font_size is not None and not 1 <= font_size <= 256:
            raise ValueError(f"font_size is {font_size}; it must be 1 to 256 pixels")
        if strategy not in STRATEGIES:
            raise ValueError(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
        self.family, self.strategy, self.patch = family, strategy, (height, width)
        self.max_patches, self.font_size, self.memory = max_patches, font_size, memory
        self._draw = STRATEGIES[strategy](self._grid(), memory)

    def _grid(self) -> Grid:
        chosen = family(self.family)
        height = self.patch[0]
        size = chosen.size * height if self.font_size is None else self.font_size
        fonts = Chain(chosen)
        layout = Layout(fonts, size, round(chosen.cell * height))
        atlas = Atlas(fonts.fonts, layout.size, layout.box_width)
        self._hashes = hashes(fonts.fonts)
        return Grid(layout, atlas, self.patch, self.max_patches)

    def __call__(self, texts: Sequence[str], length: int | None = None) -> Rendered:
        """Draw texts.

        Args:
            texts: B of them.
            length: patches S of each; None: as many as the longest text needs.

        Returns:
            Patches uint8 [B, S, H, W], their count [B], and what was cut or missing. A text longer
            than min(length, max_patches) is cut at a grapheme cluster.

        Raises:
            TypeError: texts is a str.
            ValueError: length is below 1.
        """
        if length is not None and length < 1:
            raise ValueError(f"length is {length}; at least 1 is needed")
        return self._draw.render(_checked(texts), length)

    def count_patches(self, texts: Sequence[str]) -> np.ndarray:
        """Return how many patches texts take in full, int32 [N], at least 1 each.

        Nothing is cut: the number may be above max_patches.
        """
        return self._draw.count(_checked(texts))

    def settings(self) -> dict[str, Any]:
        """Return what the pictures depend on, JSON-able: `Renderer(**settings)` draws the same."""
        return {
            "family": self.family,
            "strategy": self.strategy,
            "patch": list(self.patch),
            "max_patches": self.max_patches,
            "font_size": self.font_size,
        }

    def font_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each font file that draws, by its name, in order of preference."""
        return dict(self._hashes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.settings(), self.memory)


def _restore(settings: dict[str, Any], memory: int) -> Renderer:
    return Renderer(**settings, memory=memory)


def _checked(texts: Sequence[str]) -> Sequence[str]:
    if isinstance(texts, str):
        raise TypeError("rendering needs a list of texts, not one str: write [text]")
    return texts
