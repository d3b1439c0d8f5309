"""Train a tiny encoder on real text for three steps: varied styles, augmented, rasterised anywhere.

Run as a program, so that the number of devices can be chosen:
styled_steps.py RESULT.npz VARIANT [VARIANT ...], a variant being BACKEND:RASTER:CHUNK_SIZE.
"""

import dataclasses
import sys
from typing import Any, cast

import jax
import numpy as np
from flax import traverse_util

from pixel_linguist.data.draw import Pair
from pixel_linguist.data.pairs import Example
from pixel_linguist.model import init_params
from pixel_linguist.objective import make_objective
from pixel_linguist.render import Renderer
from pixel_linguist.train.hosts import AXIS, Backend, place
from pixel_linguist.train.sight import Sight, make_sight
from pixel_linguist.train.step import init_state, mapped_step
from tests.train.five_steps import ENCODER, OPTIMIZER

BATCH, LENGTH, SEED = 8, 6, 5
SMALL = dataclasses.replace(ENCODER, depth=1, width=16, mlp_width=16)
STYLES: dict[str, Any] = {
    "family": {"strength": 1.0, "families": ("noto", "mono")},
    "size": {"strength": 0.5},
    "slant": {"strength": 1.0},
}
AUGMENT = {"rotate": {"strength": 1.0}, "noise": {"strength": 0.5}}


def sight(raster: str, styles: Any = STYLES, augment: Any = AUGMENT) -> Sight:
    """Return what is between text and encoder."""
    renderer = Renderer(patch=8, max_patches=LENGTH)
    return make_sight(renderer, styles=styles, augmentations=augment, raster=raster, seed=SEED)


def pairs(step: int) -> list[Pair]:
    """Return a step's examples, in styles of their own."""
    rng = np.random.default_rng(step)
    found = []
    for i in range(BATCH):
        clean = Example(f"text {i * 37 + step}", f"Écrit {i}, στο {step}")
        found.append((clean, clean._replace(styles=tuple(rng.integers(1 << 31, size=3).tolist()))))
    return found


def train(backend: Backend, raster: str, chunk_size: int, **look: Any) -> dict[str, np.ndarray]:
    """Return the parameters after some steps, flat by name."""
    arguments = {
        "temperature": 0.05,
        "learnable_temperature": False,
        "symmetric": True,
        "hard_negatives": False,
        "mask_false_negatives": True,
        "axis": AXIS,
    }
    objective = make_objective("info_nce", arguments)
    # Adam is steep near a gradient of zero; the larger epsilon keeps rounding from showing.
    optimizer = dataclasses.replace(OPTIMIZER, epsilon=1e-4)
    seen = sight(raster, **look)
    step_fn = mapped_step(
        SMALL,
        objective,
        optimizer,
        backend,
        augmentation=seen.augmentation,
        chunk_size=chunk_size,
    )
    draw = seen.draw(objective.views)
    state = init_state(init_params(SMALL, 0), objective, optimizer)
    for step in range(3):
        batch = draw(pairs(step), LENGTH)
        del batch["cut"]
        batch["group"] = np.full(BATCH, -1, np.int32)
        batch["text_id"] = {view: np.arange(BATCH, dtype=np.int32) for view in objective.views}
        state, _ = step_fn(state, place(batch, backend), np.float32(1e-3), np.uint32(SEED))
    return traverse_util.flatten_dict(jax.device_get(state["params"]["encoder"]), sep="/")


def main(path: str, *variants: str) -> None:
    """Write each variant's parameters as "VARIANT|name", and the number of devices."""
    results: dict[str, Any] = {"devices": np.int32(jax.device_count())}
    for variant in variants:
        backend, raster, chunk_size = variant.split(":")
        params = train(cast(Backend, backend), raster, int(chunk_size))
        results |= {f"{variant}|{name}": value for name, value in params.items()}
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
