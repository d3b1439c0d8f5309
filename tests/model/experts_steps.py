"""Train a tiny encoder with experts for a few steps, with each back end.

Run as a program, so that the number of devices can be chosen: experts_steps.py RESULT.npz
"""

import sys
from typing import Any, get_args

import jax
import numpy as np
from flax import traverse_util

from pixel_linguist.data.views import HostBatch
from pixel_linguist.model import ViTEncoder, make_encoder
from pixel_linguist.objective import make_objective
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_state, make_step

BATCH, DOMAINS, STEPS = 8, 3, 4


def encoder(**changes: Any) -> ViTEncoder:
    """Return a tiny encoder of six patches with experts, or another by `changes`."""
    settings: dict[str, Any] = {
        "name": "experts",
        "patch_height": 8,
        "patch_width": 8,
        "max_patches": 6,
        "width": 16,
        "depth": 2,
        "heads": 2,
        "mlp_width": 32,
        "patch_hidden": 0,
        "positions": "learned",
        "pooling": "mean",
        "head": "none",
        "keep_head": False,
        "channels": 1,
        "dropout": 0.0,
        "norm_epsilon": 1e-6,
        "dtype": "float32",
        "remat": "none",
    }
    if changes.get("name") != "vit":
        settings["domains"] = DOMAINS
    return make_encoder(settings | changes)


def random_batch(step: int) -> HostBatch:
    """Draw a batch of mixed domains."""
    rng = np.random.default_rng(step)
    views = {
        name: one_text_a_row(
            rng.integers(0, 256, (BATCH, 6, 8, 8), np.uint8),
            rng.integers(1, 7, BATCH).astype(np.int32),
        )
        for name in ("anchor", "positive")
    }
    ids = {name: {"text_id": np.arange(BATCH, dtype=np.int32)} for name in views}
    facts = {
        "group": np.full((BATCH, 1), -1, np.int32),
        "domain": rng.integers(0, DOMAINS, BATCH, np.int32),
    }
    return HostBatch(views, facts, ids, None)


def train(backend: Backend, **step: Any) -> dict[str, Any]:
    """Return the encoder's parameters after a few steps of InfoNCE."""
    model, objective = encoder(dropout=0.1), make_objective({"name": "info_nce"})
    optimizer = OptimizerConfig(0.9, 0.999, 1e-4, 0.01, 1.0, 1)
    state, constants = init_state(model, model.init(0), objective, optimizer, seed=3)
    step_fn = make_step(model, objective, optimizer, backend, encoder_options=("domain",), **step)
    state = place_state(state, backend, shard_optimizer=False)
    for number in range(STEPS):
        batch = place(random_batch(number), backend)
        state, _ = step_fn(state, constants, batch, np.float32(1e-2), np.uint32(3))
    return jax.device_get(state["params"]["encoder"])


def main(path: str) -> None:
    """Write the number of devices, and the parameters by back end."""
    found: dict[str, Any] = {"devices": np.int32(jax.device_count())}
    for backend in get_args(Backend):
        found |= traverse_util.flatten_dict({backend: train(backend)}, sep="/")
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
