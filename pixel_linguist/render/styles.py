"""Text in many styles: fonts, sizes, weights, slants and spacings, chosen by seeds."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from pixel_linguist.registry import did_you_mean
from pixel_linguist.render.assembly import Text
from pixel_linguist.render.fonts import family, find, hashes, manifest
from pixel_linguist.render.rendered import Rendered, Stats
from pixel_linguist.render.renderer import Renderer
from pixel_linguist.text.rate import check_rate

_T = TypeVar("_T")

# Aspects in which styles differ.
ASPECTS = ("family", "size", "weight", "slant", "spacing")


def installed_families() -> tuple[str, ...]:
    """Return the manifest's families whose first font is installed, in its order."""
    return tuple(name for name in manifest()["families"] if _is_installed(name))


def _is_installed(name: str) -> bool:
    return find(family(name).fonts[0].font) is not None


@dataclasses.dataclass(frozen=True)
class Styles:
    """How far styles differ from the renderer's own.

    Attributes:
        families: to choose from; empty: all that are installed.
        sizes: of fonts in pixels, for patches 32 pixels high.
        weights: of fonts with several weights.
        slants: in degrees.
        spacings: pixels between letters, for fonts of 12 pixels.
        strength: 0 is the renderer's own style, 1 anything in these ranges: one number for all
            ASPECTS, or one for each aspect, and 0 for aspects that are not named.
        count: number of styles; more styles need more memory, and more time to draw.
        seed: of the styles.
    """

    families: tuple[str, ...] = ()
    sizes: tuple[float, float] = (10.0, 28.0)
    weights: tuple[int, int] = (200, 800)
    slants: tuple[int, int] = (-8, 16)
    spacings: tuple[int, int] = (-1, 2)
    strength: float | Mapping[str, float] = 1.0
    count: int = 64
    seed: int = 0

    def strengths(self) -> dict[str, float]:
        """Return the strength of each aspect."""
        given = self.strength
        if isinstance(given, Mapping):
            return {aspect: float(given.get(aspect, 0.0)) for aspect in ASPECTS}
        return dict.fromkeys(ASPECTS, float(given))


def compose_styles(spec: Mapping[str, Mapping[str, Any]], seed: int) -> Styles:
    """Make styles that differ in the aspects named in `spec`.

    Args:
        spec: name in ASPECTS -> keyword arguments, as in {"family": {"strength": 0.5},
            "size": {"strength": 1.0}}. The family may also have "families" to choose from.

    Raises:
        ValueError: a name, keyword or family is unknown (the nearest known name is given), the
            strength is missing or out of range.
        FileNotFoundError: the first font of a family to choose from is not installed.
    """
    for name, keywords in spec.items():
        if name not in ASPECTS:
            raise ValueError(f"unknown aspect of style {name!r}: {did_you_mean(name, ASPECTS)}")
        allowed = ("strength", "families") if name == "family" else ("strength",)
        for keyword in keywords:
            if keyword not in allowed:
                raise ValueError(f"{name} takes no {keyword!r}; it takes {', '.join(allowed)}")
        if "strength" not in keywords:
            raise ValueError(f"{name} needs 'strength': it has {dict(keywords)}")
        check_rate(keywords["strength"], f"{name}: strength")
    families = tuple(spec.get("family", {}).get("families", ()))
    for name in families:
        if not _is_installed(name):
            raise FileNotFoundError(
                f"family {name!r} of the styles is not installed; "
                f"pixel-linguist render --install-fonts {name} installs it"
            )
    strength = {name: float(keywords["strength"]) for name, keywords in spec.items()}
    return Styles(families=families, strength=strength, seed=seed)


class StyledRenderer:
    """Draws each text in a style that its seed chooses.

    It is thread-safe and can be pickled.
    """

    def __init__(self, renderer: Renderer, styles: Styles | None = None):
        """Choose the styles; each is set up when it is first needed.

        Args:
            renderer: its settings are those of all styles, except for the aspects that differ.
            styles: None: the widest.

        Raises:
            ValueError: a family is unknown, or a number out of range.
        """
        self.renderer, self.styles = renderer, styles or Styles()
        self._strengths = self.styles.strengths()
        for name, strength in self._strengths.items():
            check_rate(strength, f"{name}: strength")
        if self.styles.count < 1:
            raise ValueError(f"count of styles is {self.styles.count}; at least 1 is needed")
        self.families = self.styles.families or installed_families()
        for name in self.families:
            family(name)
        self._renderers: dict[int, Renderer] = {}

    def style(self, seed: int) -> dict[str, Any]:
        """Return the style that a seed chooses: settings of a `Renderer`."""
        return self._settings(seed % self.styles.count)

    def _settings(self, number: int) -> dict[str, Any]:
        styles = self.styles
        rng = np.random.default_rng([styles.seed, number])
        settings = self.renderer.settings()
        height = settings["patch"][0]
        if rng.random() < self._strengths["family"]:
            settings["family"] = str(rng.choice(self.families))
        own = settings["font_size"] or family(settings["family"]).size * height

        def near(center: float, limits: tuple[float, float], aspect: str) -> float:
            return float(center + self._strengths[aspect] * (rng.uniform(*limits) - center))

        limits = styles.sizes[0] * height / 32, styles.sizes[1] * height / 32
        size = round(near(own, limits, "size") * 4) / 4
        if self._strengths["size"]:
            settings["font_size"] = size
        settings["weight"] = round(near(settings["weight"], styles.weights, "weight"))
        settings["slant"] = round(near(settings["slant"], styles.slants, "slant"))
        low, high = (limit * size / 12 for limit in styles.spacings)
        settings["spacing"] = round(near(settings["spacing"], (low, high), "spacing"))
        return settings

    def font_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each font file that a style may draw with, by its name."""
        return hashes(sorted({m.font for name in self.families for m in family(name).fonts}))

    def _renderer(self, number: int) -> Renderer:
        if number not in self._renderers:
            memory = self.renderer.memory // self.styles.count
            self._renderers[number] = Renderer(**self._settings(number), memory=memory)
        return self._renderers[number]

    def __call__(
        self, texts: Sequence[Text], length: int | None = None, *, seeds: Sequence[int]
    ) -> Rendered:
        """Draw texts, as `Renderer` does.

        Args:
            length: patches S of each; None: those of the longest text, at most max_patches.
            seeds: one for each text; equal seeds choose the same style.
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

    def count_patches(self, texts: Sequence[Text], *, seeds: Sequence[int]) -> np.ndarray:
        """Return the patches of texts in full, int32 [N], at least 1 each."""
        rows, parts = self._each(texts, seeds, lambda renderer, part: renderer.count_patches(part))
        count = np.empty(len(rows), np.int32)
        count[rows] = np.concatenate(parts)
        return count

    def _each(
        self,
        texts: Sequence[Text],
        seeds: Sequence[int],
        call: Callable[[Renderer, list[Text]], _T],
    ) -> tuple[np.ndarray, list[_T]]:
        """Call the renderer of each style with its texts; returns the texts' rows, the results."""
        if len(seeds) != len(texts):
            raise ValueError(f"{len(texts)} texts have {len(seeds)} seeds; one each is needed")
        numbers = np.array([seed % self.styles.count for seed in seeds], np.int64)
        rows = np.argsort(numbers, kind="stable")
        parts = []
        for number in np.unique(numbers).tolist() or [0]:
            chosen = [texts[i] for i in np.flatnonzero(numbers == number).tolist()]
            parts.append(call(self._renderer(number), chosen))
        return rows, parts

    def __reduce__(self) -> tuple[Any, ...]:
        return StyledRenderer, (self.renderer, self.styles)
