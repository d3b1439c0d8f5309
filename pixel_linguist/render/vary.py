"""Text in many hands: fonts, sizes, weights, slants and spacings, drawn by example from seeds."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from pixel_linguist.render.drawing import Text
from pixel_linguist.render.fonts import family, find, manifest
from pixel_linguist.render.glyphs import GlyphRuns, join_runs
from pixel_linguist.render.rendered import Rendered, Stats
from pixel_linguist.render.renderer import Renderer

_T = TypeVar("_T")


def installed_families() -> tuple[str, ...]:
    """Return the manifest's families whose first font is installed, in its order."""
    names = manifest()["families"]
    return tuple(name for name in names if find(family(name).fonts[0].font) is not None)


@dataclasses.dataclass(frozen=True)
class Variation:
    """How far styles are from the renderer's own.

    Attributes:
        families: to draw from; empty: all that are installed.
        sizes: of fonts in pixels, for patches 32 pixels high.
        weights: of fonts that have several.
        slants: in degrees.
        spacings: pixels between letters, for fonts of 12 pixels.
        strength: 0 is the renderer's own style, 1 anything in these ranges.
        styles: how many there are in all; more of them need more memory, and time to draw.
        seed: of the styles.
    """

    families: tuple[str, ...] = ()
    sizes: tuple[float, float] = (10.0, 28.0)
    weights: tuple[int, int] = (200, 800)
    slants: tuple[int, int] = (-8, 16)
    spacings: tuple[int, int] = (-1, 2)
    strength: float = 1.0
    styles: int = 64
    seed: int = 0


class VariedRenderer:
    """Draws each text in a style that its seed chooses.

    It may be used by several threads at once, and pickled.
    """

    def __init__(self, renderer: Renderer, variation: Variation | None = None):
        """Choose the styles; each is set up when it is first needed.

        Args:
            renderer: whose settings all styles share but for what varies.
            variation: None: the widest.

        Raises:
            ValueError: a family is not known, or a number out of range.
        """
        self.renderer, self.variation = renderer, variation or Variation()
        if not 0 <= self.variation.strength <= 1:
            raise ValueError(f"strength is {self.variation.strength}; it must be 0 to 1")
        if self.variation.styles < 1:
            raise ValueError(f"styles is {self.variation.styles}; at least 1 is needed")
        self._families = self.variation.families or installed_families()
        for name in self._families:
            family(name)
        self._renderers: dict[int, Renderer] = {}

    def style(self, seed: int) -> dict[str, Any]:
        """Return the settings of the style that a seed chooses: those of a `Renderer`."""
        return self._settings(seed % self.variation.styles)

    def _settings(self, number: int) -> dict[str, Any]:
        variation = self.variation
        rng = np.random.default_rng([variation.seed, number])
        settings = self.renderer.settings()
        height = settings["patch"][0]
        strength = variation.strength
        if rng.random() < strength:
            settings["family"] = str(rng.choice(self._families))
        own = settings["font_size"] or family(settings["family"]).size * height

        def near(center: float, limits: tuple[float, float]) -> float:
            return float(center + strength * (rng.uniform(*limits) - center))

        size = near(own, (variation.sizes[0] * height / 32, variation.sizes[1] * height / 32))
        size = round(size * 4) / 4
        settings["font_size"] = size if strength else settings["font_size"]
        settings["weight"] = round(near(settings["weight"], variation.weights))
        settings["slant"] = round(near(settings["slant"], variation.slants))
        low, high = (limit * size / 12 for limit in variation.spacings)
        settings["spacing"] = round(near(settings["spacing"], (low, high)))
        return settings

    def _renderer(self, number: int) -> Renderer:
        if number not in self._renderers:
            memory = self.renderer.memory // self.variation.styles
            self._renderers[number] = Renderer(**self._settings(number), memory=memory)
        return self._renderers[number]

    def __call__(
        self, texts: Sequence[Text], length: int | None = None, *, seeds: Sequence[int]
    ) -> Rendered:
        """Draw texts, as `Renderer` does.

        Args:
            texts: B of them.
            length: patches S of each; None: as many as the longest text needs.
            seeds: one of each text: the same seed, the same style.
        """
        if length is None:
            longest = int(self.count_patches(texts, seeds=seeds).max(initial=1))
            length = min(longest, self.renderer.max_patches)
        size = length
        rows, parts = self._each(texts, seeds, lambda renderer, part: renderer(part, size))
        patches = np.empty((len(rows), *parts[0].patches.shape[1:]), np.uint8)
        patches[rows] = np.concatenate([part.patches for part in parts])
        count = np.empty(len(rows), np.int32)
        count[rows] = np.concatenate([part.count for part in parts])
        cut, missing = (sum(numbers) for numbers in zip(*(p.stats for p in parts), strict=True))
        return Rendered(patches, count, Stats(cut, missing))

    def glyph_runs(self, texts: Sequence[Text], length: int, *, seeds: Sequence[int]) -> GlyphRuns:
        """Lay texts out without drawing them, as `Renderer.glyph_runs` does."""
        rows, parts = self._each(
            texts, seeds, lambda renderer, part: renderer.glyph_runs(part, length)
        )
        runs, order = join_runs(parts), np.argsort(rows)
        return dataclasses.replace(
            runs,
            glyphs=runs.glyphs[order],
            x=runs.x[order],
            y=runs.y[order],
            count=runs.count[order],
        )

    def count_patches(self, texts: Sequence[Text], *, seeds: Sequence[int]) -> np.ndarray:
        """Return how many patches texts take in full, int32 [N], at least 1 each."""
        rows, parts = self._each(texts, seeds, lambda renderer, part: renderer.count_patches(part))
        count = np.empty(len(rows), np.int32)
        count[rows] = np.concatenate(parts)
        return count

    def _each(
        self,
        texts: Sequence[Text],
        seeds: Sequence[int],
        do: Callable[[Renderer, list[Text]], _T],
    ) -> tuple[np.ndarray, list[_T]]:
        """Do something with the texts of each style; returns the rows, and what was done."""
        if len(seeds) != len(texts):
            raise ValueError(f"{len(texts)} texts have {len(seeds)} seeds; one each is needed")
        numbers = np.array([seed % self.variation.styles for seed in seeds], np.int64)
        rows = np.argsort(numbers, kind="stable")
        parts = []
        for number in np.unique(numbers).tolist() or [0]:
            chosen = [texts[i] for i in np.flatnonzero(numbers == number).tolist()]
            parts.append(do(self._renderer(number), chosen))
        return rows, parts

    def __reduce__(self) -> tuple[Any, ...]:
        return VariedRenderer, (self.renderer, self.variation)
