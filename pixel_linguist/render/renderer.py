"""The renderer: texts to patches."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from pixel_linguist.render.assembly import Drawing, Text
from pixel_linguist.render.cache import ColumnCache, PatchCache, RunCache, draw_parts
from pixel_linguist.render.fonts import Chain, Style, family
from pixel_linguist.render.glyphs import GlyphRuns, join_runs
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Layout
from pixel_linguist.render.placement import Aligned, Placement, Running
from pixel_linguist.render.raster import Atlas
from pixel_linguist.render.rendered import Rendered, Stats


class Strategy(NamedTuple):
    """How text stands on the grid: in units that start at patches, or running on; in cells."""

    aligned: bool
    place: Callable[[Grid], Placement]
    cells: bool = False
    close: bool = False


STRATEGIES = {
    "words": Strategy(True, Aligned),
    "continuous": Strategy(False, Running),
    "bigrams": Strategy(True, lambda grid: Aligned(grid, by_pairs=True), close=True),
    "mono": Strategy(False, Running, cells=True, close=True),
}

# PIXEL's renderer (Rust et al. 2023; xplip/pixel): 8 points at 120 dots an inch, a black patch at
# the end. Counts of patches are the same; ink is within a correlation of 0.98.
PRESETS: dict[str, dict[str, Any]] = {
    "pixel": {"family": "pixel", "strategy": "continuous", "end_patch": True},
}


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
        end_patch: bool = False,
        weight: int = 400,
        slant: int = 0,
        spacing: int = 0,
        memory: int = 256 << 20,
    ):
        """Find the fonts and verify them.

        Args:
            family: of fonts, by its name in the manifest, or a font file or a folder of them, with
                Noto for what those lack.
            strategy: "words": each word starts at a patch, and patches never cross words;
                "continuous": the text runs on across patches; "bigrams": each pair of grapheme
                clusters starts at a patch; "mono": each cluster stands in a cell half a patch wide,
                or in two.
            patch: height and width in pixels, or one number for both.
            max_patches: the longest sequence; longer text is cut at a grapheme cluster.
            font_size: in pixels; None: what the family has for this patch height.
            end_patch: whether a black patch ends each text; it counts, as text does.
            weight: of fonts that have several, 100 to 900; 400 is regular.
            slant: degrees to the right, at most 45 either way.
            spacing: pixels added after each letter, in scripts whose letters stand apart.
            memory: bytes that pictures and glyphs may take.

        Raises:
            ValueError: an unknown family or strategy, an impossible number, a changed font file.
            FileNotFoundError: the family's first font is not installed.
        """
        height, width = (patch, patch) if isinstance(patch, int) else patch
        _check(strategy, height, width, max_patches, font_size, weight, slant)
        self.family, self.strategy, self.patch = family, strategy, (height, width)
        self.max_patches, self.font_size, self.memory = max_patches, font_size, memory
        self.end_patch, self.weight, self.slant, self.spacing = end_patch, weight, slant, spacing
        self._lock = Lock()
        self._grid = self._make_grid()
        self._placement = STRATEGIES[strategy].place(self._grid)
        kind = PatchCache if STRATEGIES[strategy].aligned else ColumnCache
        self._pictures: Drawing[PatchCache | ColumnCache] = Drawing(
            self._placement,
            # One store and the one before it.
            lambda old: kind(self._grid, self._lock, self.memory * 7 // 16, old),
            self._lock,
            end_patch,
        )
        self._runs: Drawing[RunCache] | None = None

    def _make_grid(self) -> Grid:
        chosen, strategy = family(self.family), STRATEGIES[self.strategy]
        height, width = self.patch
        scale = 1.0 if self.font_size is None else self.font_size / (chosen.size * height)
        fonts = Chain(chosen, height, scale, Style(self.weight, self.slant))
        cell = width // 2 if strategy.cells else round(chosen.cell * height)
        all_cells = strategy.cells or chosen.all_cells
        layout = Layout(fonts, cell, all_cells=all_cells, spacing=self.spacing)
        atlas = Atlas(fonts, self.memory // 16)
        return Grid(layout, atlas, self.patch, self.max_patches, strategy.close)

    def __call__(self, texts: Sequence[Text], length: int | None = None) -> Rendered:
        """Draw texts.

        Args:
            texts: B of them; a tuple of several stands in one sequence, black patches between.
            length: patches S of each; None: as many as the longest text needs.

        Returns:
            Patches uint8 [B, S, H, W], their count [B], and what was cut or missing. A text longer
            than min(length, max_patches) is cut at a grapheme cluster.

        Raises:
            TypeError: texts is a str, or one of them is neither a str nor a tuple.
            ValueError: length is below 1.
        """
        texts, length = self._checked(texts, length)
        parts = self._pictures.place(texts, min(length, self.max_patches))
        patches = [draw_parts(part.store, part.placed, length) for part in parts]
        drawn = patches[0] if len(patches) == 1 else np.concatenate(patches)
        count = np.concatenate([part.placed.total for part in parts]).astype(np.int32)
        stats = Stats(sum(part.cut for part in parts), sum(part.missing for part in parts))
        return Rendered(drawn, count, stats)

    def glyph_runs(self, texts: Sequence[Text], length: int | None = None) -> GlyphRuns:
        """Lay texts out without drawing them; `rasterise` of it is what calling draws.

        Raises:
            TypeError: texts is a str.
            ValueError: length is below 1, or above what 16 bits of columns hold.
        """
        if self._runs is None:
            aligned = STRATEGIES[self.strategy].aligned
            self._runs = Drawing(
                self._placement,
                lambda old: RunCache(self._grid, self._lock, self.memory // 2, aligned),
                self._lock,
                self.end_patch,
            )
        texts, length = self._checked(texts, length)
        if length * self.patch[1] >= 1 << 15:
            raise ValueError(f"length is {length}; {(1 << 15) // self.patch[1] - 1} is the most")
        parts = self._runs.place(texts, min(length, self.max_patches))
        return join_runs([part.store.draw(part.placed, length) for part in parts])

    def count_patches(self, texts: Sequence[Text]) -> np.ndarray:
        """Return how many patches texts take in full, int32 [N], at least 1 each.

        Nothing is cut: the number may be above max_patches.
        """
        return self._pictures.count(_list(texts)).astype(np.int32)

    def _checked(self, texts: Sequence[Text], length: int | None) -> tuple[list[Text], int]:
        texts = _list(texts)
        if length is None:
            length = min(int(self.count_patches(texts).max(initial=1)), self.max_patches)
        if length < 1:
            raise ValueError(f"length is {length}; at least 1 is needed")
        return texts, length

    @property
    def baseline(self) -> int:
        """Rows of a patch above the baseline of its letters."""
        return self._grid.baseline

    def settings(self) -> dict[str, Any]:
        """Return what the pictures depend on, JSON-able: `Renderer(**settings)` draws the same."""
        return {
            "family": self.family,
            "strategy": self.strategy,
            "patch": list(self.patch),
            "max_patches": self.max_patches,
            "font_size": self.font_size,
            "end_patch": self.end_patch,
            "weight": self.weight,
            "slant": self.slant,
            "spacing": self.spacing,
        }

    def font_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each font file that draws, by its name, in order of preference."""
        return dict(self._grid.layout.chain.hashes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.settings(), self.memory)


def _restore(settings: dict[str, Any], memory: int) -> Renderer:
    return Renderer(**settings, memory=memory)


def _list(texts: Sequence[Text]) -> list[Text]:
    if isinstance(texts, str):
        raise TypeError("rendering needs a list of texts, not one str: write [text]")
    texts = list(texts)
    for kind in set(map(type, texts)):
        if not issubclass(kind, str | tuple):
            raise TypeError(f"a text is a str, or a tuple of several in one row; not {kind}")
    return texts


def _check(
    strategy: str,
    height: int,
    width: int,
    max_patches: int,
    font_size: float | None,
    weight: int,
    slant: int,
) -> None:
    if min(height, width) < 4:
        raise ValueError(f"patch is {height} by {width} pixels; at least 4 by 4 are needed")
    if max_patches < 1:
        raise ValueError(f"max_patches is {max_patches}; at least 1 is needed")
    number = isinstance(font_size, (int, float))
    if font_size is not None and not (number and 1 <= font_size <= 256):
        raise ValueError(f"font_size is {font_size!r}; it must be 1 to 256 pixels")
    if strategy not in STRATEGIES:
        raise ValueError(f"no strategy {strategy!r}; there are {', '.join(STRATEGIES)}")
    if not 1 <= weight <= 1000:
        raise ValueError(f"weight is {weight}; it must be 1 to 1000")
    if abs(slant) > 45:
        raise ValueError(f"slant is {slant} degrees; at most 45 either way are possible")
