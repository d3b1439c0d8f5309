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
    """Return an objective's pictures of texts: caption → uint8 [count, H, W] of each.

    The first is "input", the texts as they are; without pictures of the objective there is none.
    """
    objective, encoder = stage.objective, stage.context.encoder
    patches = stage.views.batch(pairs, stage.settings.length).views[objective.views[0]]
    key = jax.random.key(np.uint32(stage.seed))
    images = jax.jit(objective.images, static_argnums=1)(params, encoder, patches, key)
    if not images:
        return {}
    used = (patches.segment >= 0).sum(axis=1)
    drawn = {"input": patches.pixels[..., 0]} | {
        caption: np.round(np.asarray(ink) * 255).astype(np.uint8) for caption, ink in images.items()
    }
    return {
        caption: [pixels[:count] for pixels, count in zip(batch, used, strict=True)]
        for caption, batch in drawn.items()
    }
