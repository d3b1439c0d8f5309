"""Train a tiny encoder for five steps, with each back end, with and without hard negatives.

Run as a program, so that the number of devices can be chosen:
five_steps.py RESULT.npz SEED BACKEND [BACKEND]
"""

import sys
from typing import Any, cast

import jax
import numpy as np
from flax import traverse_util

from pixel_linguist.model import EncoderConfig, init_params
from pixel_linguist.objective import make_objective
from pixel_linguist.train.hosts import AXIS, Backend, place
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_state, mapped_step

ENCODER = EncoderConfig(
    patch_height=8,
    patch_width=8,
    max_patches=6,
    width=32,
    depth=2,
    heads=4,
    mlp_width=64,
    patch_hidden=0,
    positions="learned",
    pooling="mean",
    head="patches",
    keep_head=False,
    channels=1,
    dropout=0.1,
    norm_epsilon=1e-6,
    dtype="float32",
    remat="none",
)
# Adam's epsilon is above rounding: where a gradient happens to be next to nothing, the sum over
# devices would decide the sign of a whole step.
OPTIMIZER = OptimizerConfig(
    b1=0.9, b2=0.999, epsilon=1e-5, weight_decay=0.01, clip_norm=1.0, accumulate=1
)
BATCH = 8


def random_batch(step: int) -> dict[str, Any]:
    """Draw a batch with some equal texts, some equal groups and some missing hard negatives."""
    rng = np.random.default_rng(step)
    views = ("anchor", "positive", "negative")
    batch: dict[str, Any] = {
        "text_id": {view: rng.integers(0, 30, BATCH, np.int32) for view in views}
    }
    batch["group"] = rng.integers(-1, 4, BATCH, np.int32)
    batch["has_negative"] = rng.random(BATCH) < 0.7
    for view in views:
        batch[view] = {
            "patches": rng.integers(0, 256, (BATCH, 6, 8, 8), np.uint8),
            "count": rng.integers(1, 7, BATCH, np.int32),
        }
    return batch


def train(backend: Backend, *, hard_negatives: bool, seed: int, steps: int = 5) -> dict[str, Any]:
    """Return the parameters after some steps, flat by name, and each step's gradient norm."""
    arguments = {
        "temperature": 0.05,
        "learnable_temperature": True,
        "symmetric": True,
        "hard_negatives": hard_negatives,
        "mask_false_negatives": True,
        "axis": AXIS,
    }
    objective = make_objective("info_nce", arguments)
    state = init_state(init_params(ENCODER, 0), objective, OPTIMIZER)
    step_fn = mapped_step(ENCODER, objective, OPTIMIZER, backend)
    norms = []
    for step in range(steps):
        batch = place(random_batch(step), backend)
        state, metrics = step_fn(state, batch, np.float32(1e-3), np.uint32(seed))
        norms.append(float(metrics["gradient_norm"]))
    params = traverse_util.flatten_dict(jax.device_get(state["params"]), sep="/")
    return {**params, "gradient_norms": np.array(norms)}


def main(path: str, seed: str, *backends: str) -> None:
    """Write the number of devices, and each variant's parameters as "backend:hard:name"."""
    results: dict[str, Any] = {"devices": np.int32(jax.device_count())}
    for backend in backends:
        for hard in (False, True):
            params = train(cast(Backend, backend), hard_negatives=hard, seed=int(seed))
            results |= {f"{backend}:{hard}:{name}": value for name, value in params.items()}
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
