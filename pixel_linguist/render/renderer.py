"""The renderer: texts to patches."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from pixel_linguist.registry import choose
from pixel_linguist.render.assembly import Assembler, Text
from pixel_linguist.render.cache import ColumnCache, PatchCache, draw_parts
from pixel_linguist.render.fallback import Chain
from pixel_linguist.render.fonts import family
from pixel_linguist.render.grid import Grid
from pixel_linguist.render.layout import Layout
from pixel_linguist.render.placement import Aligned, Placement, Running
from pixel_linguist.render.raster import Atlas
from pixel_linguist.render.rendered import Rendered, Stats
from pixel_linguist.text.containers import as_texts
from pixel_linguist.text.glue import glue_spaces


class Strategy(NamedTuple):
    """How texts are placed on the grid.

    `aligned`: units start at patches; `cells`: advances are half patches or whole ones; `close`:
    there are no margins.
    """

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
# the end, no spaces before punctuation. Counts of patches are the same; ink is within a correlation
# of 0.98.
PRESETS: dict[str, dict[str, Any]] = {
    "pixel": {
        "family": "pixel",
        "strategy": "continuous",
        "end_patch": True,
        "glue_spaces": True,
    },
}
# What pictures depend on: arguments of `Renderer`.
_SETTINGS = (
    "family", "strategy", "patch", "max_patches", "font_size", "end_patch", "weight", "slant",
    "spacing", "glue_spaces",
)  # fmt: skip


class Renderer:
    """Draws texts as sequences of patches; the same text always has the same bytes.

    It is thread-safe and can be pickled.
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
        glue_spaces: bool = False,
        memory: int = 256 << 20,
    ):
        """Find and verify the fonts.

        Args:
            family: of fonts, by its name in the manifest; or a font file, or a folder of them, with
                Noto for characters that these lack.
            strategy: "words": each word starts at a patch, and patches never cross words;
                "continuous": the text runs on across patches; "bigrams": each pair of grapheme
                clusters starts at a patch; "mono": each cluster is centred in a cell half a patch
                wide, or in several.
            patch: height and width in pixels, at least 4, or one number for both.
            max_patches: the longest sequence; longer text is cut at a grapheme cluster.
            font_size: pixels, 1 to 256; None: the family's for this patch height.
            end_patch: end each text with a black patch, which counts as one of its patches.
            weight: 1 to 1000, of fonts with several weights; 400 is regular.
            slant: degrees to the right, -45 to 45.
            spacing: pixels added after each letter, in scripts whose letters do not join.
            glue_spaces: whether spaces before punctuation are left out, as `text.glue` does.
            memory: bytes for pictures and glyphs.

        Raises:
            ValueError: an unknown family or strategy, a number out of range, a changed or damaged
                font file.
            FileNotFoundError: the family's first font is not installed.
        """
        height, width = (patch, patch) if isinstance(patch, int) else patch
        kind = choose("strategy", STRATEGIES, strategy)
        _check(height, width, max_patches, font_size, weight, slant)
        self.family, self.strategy, self.patch = family, strategy, (height, width)
        self.max_patches, self.font_size, self.memory = max_patches, font_size, memory
        self.end_patch, self.weight, self.slant, self.spacing = end_patch, weight, slant, spacing
        self.glue_spaces = glue_spaces
        self._lock = Lock()
        self._grid = self._make_grid(kind)
        self._placement = kind.place(self._grid)
        cache = PatchCache if kind.aligned else ColumnCache
        self._pictures: Assembler[PatchCache | ColumnCache] = Assembler(
            self._placement,
            # One cache and the one before it.
            lambda old: cache(self._grid, self._lock, self.memory * 7 // 16, old),
            self._lock,
            end_patch,
        )

    def _make_grid(self, strategy: Strategy) -> Grid:
        chosen = family(self.family)
        height, width = self.patch
        scale = 1.0 if self.font_size is None else self.font_size / (chosen.size * height)
        fonts = Chain(chosen, height, scale, self.weight, self.slant)
        cell = width // 2 if strategy.cells else round(chosen.cell * height)
        layout = Layout(fonts, cell, all_cells=strategy.cells, spacing=self.spacing)
        atlas = Atlas(fonts, self.memory // 16)
        return Grid(layout, atlas, self.patch, self.max_patches, strategy.close)

    def __call__(self, texts: Sequence[Text], length: int | None = None) -> Rendered:
        """Draw texts.

        Args:
            texts: B of them; the texts of a tuple stand in one sequence, with a black patch between
                them.
            length: patches S of each; None: those of the longest text, at most max_patches.

        Returns:
            Patches uint8 [B, S, H, W], their count int32 [B], and numbers of cut texts and missing
            letters. A text longer than min(length, max_patches) is cut at a grapheme cluster.

        Raises:
            TypeError: texts is a str, or one of them is neither a str nor a tuple.
            ValueError: length is below 1.
        """
        texts, length = self._checked(texts, length)
        batches = self._pictures.place(texts, min(length, self.max_patches))
        patches = [draw_parts(batch.cache, batch.placed, length) for batch in batches]
        drawn = patches[0] if len(patches) == 1 else np.concatenate(patches)
        count = np.concatenate([batch.placed.text_count for batch in batches]).astype(np.int32)
        stats = Stats(sum(batch.cut for batch in batches), sum(b.missing for b in batches))
        return Rendered(drawn, count, stats)

    def count_patches(self, texts: Sequence[Text]) -> np.ndarray:
        """Return the patches of texts in full, int32 [N], at least 1 each.

        Nothing is cut: the numbers may exceed max_patches. Those of long texts without spaces that
        do may be too low, because such texts are not laid out to their end.
        """
        return self._pictures.count(self._list(texts)).astype(np.int32)

    def _checked(self, texts: Sequence[Text], length: int | None) -> tuple[list[Text], int]:
        texts = self._list(texts)
        if length is None:
            length = min(int(self.count_patches(texts).max(initial=1)), self.max_patches)
        if length < 1:
            raise ValueError(f"length is {length}; at least 1 is needed")
        return texts, length

    def _list(self, texts: Sequence[Text]) -> list[Text]:
        texts = list(as_texts(texts))
        for kind in set(map(type, texts)):
            if not issubclass(kind, str | tuple):
                raise TypeError(f"a text is a str, or a tuple of several in one row; not {kind}")
        if not self.glue_spaces:
            return texts
        return [glue_spaces(t) if isinstance(t, str) else tuple(map(glue_spaces, t)) for t in texts]

    @property
    def baseline(self) -> int:
        """Rows of a patch above the baseline of its letters."""
        return self._grid.baseline

    def settings(self) -> dict[str, Any]:
        """Return all that pictures depend on, for JSON: `Renderer(**settings)` draws the same."""
        return {name: getattr(self, name) for name in _SETTINGS} | {"patch": list(self.patch)}

    def font_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each font file, by its name, in order of preference."""
        return dict(self._grid.layout.chain.hashes)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.settings(), self.memory)


def _restore(settings: dict[str, Any], memory: int) -> Renderer:
    return Renderer(**settings, memory=memory)


def _check(
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
    if font_size is not None and not (isinstance(font_size, int | float) and 1 <= font_size <= 256):
        raise ValueError(f"font_size is {font_size!r}; it must be 1 to 256 pixels")
    if not 1 <= weight <= 1000:
        raise ValueError(f"weight is {weight}; it must be 1 to 1000")
    if abs(slant) > 45:
        raise ValueError(f"slant is {slant} degrees; at most 45 either way are possible")
