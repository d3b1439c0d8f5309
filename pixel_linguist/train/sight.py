"""How a stage shows texts to its model: in what styles, rasterised where, augmented how."""

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.data.draw import Draw, OneStyle, Pair, Render
from pixel_linguist.registry import did_you_mean
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.render.augment import Augmentation, compose
from pixel_linguist.render.device import rasterise
from pixel_linguist.render.styles import compose_styles

Raster = Literal["host", "device"]
# Arrays of glyph runs that go by text; tiles are shared by all.
_BY_TEXT = ("glyphs", "x", "y", "count")
# Sets the keys of augmentations apart from those of dropout.
_AUGMENT = zlib.crc32(b"augment")


@dataclasses.dataclass(frozen=True)
class Sight:
    """What is between the texts of a stage and its encoder.

    Attributes:
        render: the renderer, in one style or in many.
        augmentation: of pixels, inside the step.
        devices: of all hosts, that rasterise inside the step; 0: the host rasterises.
    """

    render: Render
    augmentation: Augmentation
    devices: int

    def draw(self, views: tuple[str, ...]) -> Draw:
        """Return what draws views of examples for the step."""
        return Draw(self.render, views, self.devices)

    def fonts(self) -> dict[str, str]:
        """Return the hashes of fonts that are drawn with beside the renderer's own."""
        return self.render.font_hashes() if isinstance(self.render, StyledRenderer) else {}

    def look(
        self, pairs: Sequence[Pair], views: tuple[str, ...], length: int, *, seed: int, step: int
    ) -> dict[str, list[np.ndarray]]:
        """Draw the first examples of a step's batch as the model sees them.

        Args:
            pairs: (clean, as shown), the first of the global batch.
            views: of them.
            length: patches to which texts are cut.
            seed: of the stage.
            step: steps that were done before it.

        Returns:
            view → each example's patches, uint8 [count, H, W].
        """
        drawn = Draw(self.render, views)(pairs, length)
        patches, count = (
            jnp.concatenate([drawn[view][name] for view in views]) for name in ("patches", "count")
        )
        if self.augmentation.steps:
            key = jax.random.fold_in(jax.random.key(np.uint32(seed)), step)
            arguments = patches, count, key, np.arange(len(pairs))
            seen = jax.jit(augment, static_argnums=0)(self.augmentation, *arguments)
        else:
            seen = patches
        texts = [p[:n] for p, n in zip(np.asarray(seen), np.asarray(count), strict=True)]
        return {view: texts[i * len(pairs) :][: len(pairs)] for i, view in enumerate(views)}


def make_sight(
    renderer: Renderer,
    *,
    styles: Mapping[str, Mapping[str, Any]],
    augmentations: Mapping[str, Mapping[str, Any]],
    raster: str,
    seed: int,
) -> Sight:
    """Make it from a stage's settings.

    Args:
        renderer: the recipe's, whose style is that of evaluation.
        styles: as `render.styles.compose_styles` takes them; without strength, all is drawn in the
            renderer's own style.
        augmentations: as `render.augment.compose` takes them.
        raster: "host" or "device".
        seed: of the stage.

    Raises:
        ValueError: naming what is unknown, with the nearest that is known, or out of range.
        FileNotFoundError: for a font family that is not installed.
    """
    if raster not in get_args(Raster):
        raise ValueError(f"raster is {raster!r}: {did_you_mean(raster, get_args(Raster))}")
    variation = compose_styles(styles, seed)
    varied = any(variation.strengths().values())
    return Sight(
        render=StyledRenderer(renderer, variation) if varied else OneStyle(renderer),
        augmentation=compose(augmentations),
        devices=jax.device_count() if raster == "device" else 0,
    )


def size(batch: Mapping[str, Any], views: Sequence[str]) -> tuple[int, int, int]:
    """Return a batch's texts, the patches of each with padding, and all patches that hold text."""
    if "runs" in batch:
        return len(batch["runs"].count), batch["runs"].length, int(batch["runs"].count.sum())
    texts = sum(len(batch[view]["count"]) for view in views)
    used = sum(int(batch[view]["count"].sum()) for view in views)
    return texts, batch[views[0]]["patches"].shape[1], used


def by_example(
    batch: Mapping[str, Any], views: Sequence[str]
) -> tuple[Any, Callable[[Any], tuple[jax.Array, jax.Array]]]:
    """Return what is to be seen of a device's batch, example by example, and what draws it.

    Args:
        batch: view → {"patches", "count"}, or "runs", as `Draw` returns them.
        views: V of them.

    Returns:
        A tree of [B, ...], and a function of any rows of it, [b, ...], that returns patches
        uint8 [V * b, S, H, W] and count int32 [V * b]: the first view of each, then the next.
    """
    if "runs" not in batch:

        def join(rows: Any) -> tuple[jax.Array, jax.Array]:
            patches = jnp.concatenate([rows[view]["patches"] for view in views])
            return patches, jnp.concatenate([rows[view]["count"] for view in views])

        return {view: {k: batch[view][k] for k in ("patches", "count")} for view in views}, join
    runs = batch["runs"]

    def draw(rows: Any) -> tuple[jax.Array, jax.Array]:
        parts = {name: jnp.swapaxes(x, 0, 1).reshape(-1, *x.shape[2:]) for name, x in rows.items()}
        return rasterise(dataclasses.replace(runs, **parts)), parts["count"]

    arrays = {name: getattr(runs, name) for name in _BY_TEXT}
    return {k: x.reshape(-1, len(views), *x.shape[1:]) for k, x in arrays.items()}, draw


def counts(batch: Mapping[str, Any], views: Sequence[str]) -> dict[str, Any]:
    """Return view → {"count" int32 [B]} of a device's batch, whoever rasterises it."""
    if "runs" not in batch:
        return {view: {"count": batch[view]["count"]} for view in views}
    by_view = batch["runs"].count.reshape(-1, len(views))
    return {view: {"count": by_view[:, i]} for i, view in enumerate(views)}


def augment(
    augmentation: Augmentation,
    patches: jax.Array,
    count: jax.Array,
    key: jax.Array,
    example: jax.Array,
) -> jax.Array:
    """Augment texts, each view on its own.

    Args:
        augmentation: what is drawn.
        patches: uint8 [V * b, S, H, W], view by view.
        count: int32 [V * b].
        key: of the step.
        example: int32 [b], the examples' numbers in the global batch.

    Returns:
        The same shape.
    """
    # Converted models train in colour, which nothing is drawn on.
    if not augmentation.steps:
        return patches
    views = len(count) // len(example)
    # A number of its own for every text of the global batch.
    text = (example * views + jnp.arange(views)[:, None]).reshape(-1)
    return augmentation(patches, count, jax.random.fold_in(key, _AUGMENT), text)
