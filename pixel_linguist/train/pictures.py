"""What a stage's model sees of a few examples, and what its objective makes of them."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from pixel_linguist.data.views import Pair
from pixel_linguist.objective import View
from pixel_linguist.render.patches import Patches
from pixel_linguist.train.stage import Stage
from pixel_linguist.train.step_encode import StepEncode


def seen_patches(stage: Stage, pairs: Sequence[Pair], *, step: int) -> dict[str, list[np.ndarray]]:
    """Draw the first examples of a step's batch as the model sees them, augmented.

    Args:
        step: number of steps done before it.

    Returns:
        view → each example's patches, uint8 [count, H, W], or [count, H, W, C] of pictures.
    """
    drawn = stage.views.batch(pairs, stage.settings.length).views
    encode = StepEncode(stage.context.encoder, stage.augmentation, 0)
    key = jax.random.fold_in(jax.random.key(np.uint32(stage.seed)), step)
    example = np.arange(len(pairs), dtype=np.int32)

    def augmented(name: str, view: Patches) -> jax.Array:
        own = View(name, view, example)
        return encode.rows(lambda params, patches, keys: patches.pixels, {}, own, key=key)

    found = {}
    for name, patches in drawn.items():
        seen = jax.jit(augmented, static_argnums=0)(name, patches)
        used = (patches.segment >= 0).sum(axis=1)
        grey = np.asarray(seen)
        grey = grey[..., 0] if grey.shape[-1] == 1 else grey
        found[name] = [pixels[:count] for pixels, count in zip(grey, used, strict=True)]
    return found


def objective_images(
    stage: Stage, params: Any, pairs: Sequence[Pair]
) -> dict[str, list[np.ndarray]]:
    """Return an objective's pictures of its first view: caption → uint8 [count, H, W] of each.

    The first is "input", the view as it is; without pictures of the objective there is none. A
    picture is one patch of its size.
    """
    objective, encoder = stage.objective, stage.context.encoder
    views = stage.views.batch(pairs, stage.settings.length).views
    key = jax.random.key(np.uint32(stage.seed))
    images = jax.jit(objective.images, static_argnums=1)(params, encoder, views, key)
    if not images:
        return {}
    given = views[objective.views[0]]
    drawn = {"input": given._replace(pixels=given.pixels / 255)} | images
    return {caption: _ink(patches) for caption, patches in drawn.items()}


def _ink(patches: Patches) -> list[np.ndarray]:
    """Return the ink of each row, uint8 [count, H, W]; a picture is put together, [1, H, W]."""
    ink = np.round(np.asarray(patches.pixels).mean(axis=-1) * 255).astype(np.uint8)
    used = (np.asarray(patches.segment) >= 0).sum(axis=1)
    rows, columns = np.asarray(patches.position).max(axis=(0, 1)) + 1
    if rows == 1:
        return [pixels[:count] for pixels, count in zip(ink, used, strict=True)]
    height, width = ink.shape[2:]
    whole = ink.reshape(len(ink), rows, columns, height, width).swapaxes(2, 3)
    return list(whole.reshape(len(ink), 1, rows * height, columns * width))
