"""Examples to what of them goes to the devices: pixels, or glyph runs to be rasterised there."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from pixel_linguist.data.pairs import Example
from pixel_linguist.render import GlyphRuns, Renderer
from pixel_linguist.render.device import share_out
from pixel_linguist.render.glyphs import renumber

# An example as its source has it, and as it is shown.
Pair = tuple[Example, Example]
Batch = dict[str, Any]


class Render(Protocol):
    """What is asked of a renderer; the seeds, one a text, choose the styles."""

    @property
    def renderer(self) -> Any:
        """Return the renderer in the style of evaluation, without seeds."""
        ...

    def __call__(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> Any:
        """Return .patches uint8 [B, length, H, W], .count int32 [B], and .stats.cut."""
        ...

    def glyph_runs(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> GlyphRuns:
        """Return what to rasterise of texts."""
        ...

    def count_patches(self, texts: Sequence[str], *, seeds: Sequence[int]) -> np.ndarray:
        """Return how many patches each text needs: int [B]."""
        ...


@dataclasses.dataclass(frozen=True)
class OneStyle:
    """A renderer in its own style, whatever the seeds."""

    renderer: Renderer

    def __call__(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> Any:
        """Draw texts."""
        return self.renderer(texts, length)

    def glyph_runs(self, texts: Sequence[str], length: int, *, seeds: Sequence[int]) -> GlyphRuns:
        """Lay texts out."""
        return self.renderer.glyph_runs(texts, length)

    def count_patches(self, texts: Sequence[str], *, seeds: Sequence[int]) -> np.ndarray:
        """Count the patches of texts."""
        return self.renderer.count_patches(texts)


@dataclasses.dataclass(frozen=True)
class Draw:
    """Draws views of examples.

    Attributes:
        render: the renderer; it travels to worker processes.
        views: which texts of an example are drawn.
        devices: of all hosts, which rasterise glyph runs themselves; 0: pixels are drawn here.
    """

    render: Render
    views: tuple[str, ...]
    devices: int = 0

    def count_patches(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the patches of each example's longest text as it will be drawn: int [N]."""
        texts, seeds = zip(*self._by_view(pairs), strict=True)
        count = self.render.count_patches(texts, seeds=seeds)
        return np.asarray(count).reshape(-1, len(pairs)).max(axis=0)

    def __call__(
        self, pairs: Sequence[Pair], length: int, process: int = 0, processes: int = 1
    ) -> Batch:
        """Draw one host's share of a batch.

        Args:
            pairs: of all hosts, N of them. Where devices rasterise, each host lays out all, as
                the shapes of its part depend on what the others have; else its own rows alone.
            length: patches to which every text is padded or cut.
            process: this host's number.
            processes: number of hosts.

        Returns:
            view → {"patches" uint8 [B, length, H, W], "count" int32 [B]}; or, where devices
            rasterise, "runs", of B * V texts: all views of the first example, of the next, and so
            on, each device's rows with tiles of their own. And "cut" int32 [], the number of texts
            that were longer than their room.
        """
        rows = len(pairs) // processes
        own = pairs[process * rows :][:rows]
        if self.devices:
            return self._runs(pairs, own, length, process, processes)
        texts, seeds = zip(*self._by_view(own), strict=True)
        rendered = self.render(texts, length, seeds=seeds)
        batch: Batch = {"cut": np.int32(rendered.stats.cut)}
        for number, view in enumerate(self.views):
            place = slice(number * rows, (number + 1) * rows)
            batch[view] = {"patches": rendered.patches[place], "count": rendered.count[place]}
        return batch

    def _by_view(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, int]]:
        """Yield the first view of every example, then the next: its text and its style's seed."""
        for view in self.views:
            for _, seen in pairs:
                yield getattr(seen, view), seen.style(view)

    def _runs(
        self, pairs: Sequence[Pair], own: Sequence[Pair], length: int, process: int, processes: int
    ) -> Batch:
        shown = [(getattr(seen, v), seen.style(v)) for _, seen in pairs for v in self.views]
        texts, seeds = zip(*shown, strict=True)
        laid_out = self.render.glyph_runs(texts, length, seeds=seeds)
        # Hosts have come to know glyphs in different orders, but must have equal shapes.
        runs = share_out(renumber(laid_out), self.devices)
        arrays = ("glyphs", "x", "y", "count", "tiles")
        parts: dict[str, Any] = {
            name: np.split(getattr(runs, name), processes)[process] for name in arrays
        }
        texts, seeds = zip(*self._by_view(own), strict=True)
        cut = (self.render.count_patches(texts, seeds=seeds) > length).sum()
        return {"cut": np.int32(cut), "runs": dataclasses.replace(runs, **parts)}
