"""Train a tiny encoder with Contriever for a few steps, with each back end.

Run as a program, so that the number of devices can be chosen: contriever_steps.py RESULT.npz
"""

import sys
from typing import Any, get_args

import jax
import numpy as np
from flax import traverse_util

from pixel_linguist.data.views import HostBatch
from pixel_linguist.model import ViTEncoder, make_encoder, preset
from pixel_linguist.objective.contriever import Contriever
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_pending, init_state, make_step

BATCH, STEPS, RATE = 8, 7, 1e-2
OBJECTIVE = Contriever(queue_size=20, momentum=0.7, temperature=0.5)


def encoder(dropout: float = 0.0) -> ViTEncoder:
    """Return a tiny encoder of six patches."""
    shape = preset("tiny") | {"width": 16, "depth": 1, "heads": 2, "mlp_width": 32}
    settings: dict[str, Any] = {
        "patch_height": 8,
        "patch_width": 8,
        "max_patches": 6,
        "patch_hidden": 0,
        "positions": "learned",
        "pooling": "mean",
        "head": "none",
        "keep_head": False,
        "channels": 1,
        "norm_epsilon": 1e-6,
        "dtype": "float32",
        "remat": "none",
    }
    return make_encoder({**settings, **shape, "dropout": dropout})


def optimizer(accumulate: int = 1) -> OptimizerConfig:
    """Return AdamW whose epsilon is above rounding, which devices share out differently."""
    return OptimizerConfig(0.9, 0.999, 1e-4, 0.01, 1.0, accumulate)


def random_batch(step: int, batch: int = BATCH) -> HostBatch:
    """Draw a batch with some equal texts and groups."""
    rng = np.random.default_rng(step)
    views = {
        name: one_text_a_row(
            rng.integers(0, 256, (batch, 6, 8, 8), np.uint8),
            rng.integers(1, 7, batch).astype(np.int32),
        )
        for name in ("anchor", "positive")
    }
    ids = {name: {"text_id": rng.integers(0, 40, batch, np.int32)} for name in views}
    return HostBatch(views, {"group": rng.integers(-1, 9, (batch, 1), np.int32)}, ids, None)


def train(
    backend: Backend,
    objective: Contriever = OBJECTIVE,
    *,
    dropout: float = 0.0,
    steps: int = STEPS,
    accumulate: int = 1,
    rate: float = RATE,
    chunk_size: int = 0,
) -> list[dict[str, Any]]:
    """Return the states before each step and after the last, each with its step's metrics."""
    model, optim = encoder(dropout), optimizer(accumulate)
    state, constants = init_state(model, model.init(0), objective, optim, seed=3)
    if accumulate > 1:
        parts = model, objective, optim, state, constants
        state["pending"] = init_pending(*parts, random_batch(0))
    step_fn = make_step(model, objective, optim, backend, chunk_size=chunk_size)
    state = place_state(state, backend, shard_optimizer=False)
    seen = [jax.device_get(state)]
    for step in range(steps):
        batch = place(random_batch(step), backend)
        state, metrics = step_fn(state, constants, batch, np.float32(rate), np.uint32(3))
        seen[-1]["metrics"] = jax.device_get(metrics)
        seen.append(jax.device_get(state))
    return seen


def main(path: str) -> None:
    """Write the number of devices, and the last state by back end."""
    found: dict[str, Any] = {"devices": np.int32(jax.device_count())}
    for backend in get_args(Backend):
        last = train(backend, dropout=0.1)[-1]
        kept = {"params": last["params"]["encoder"], **last["objective"]}
        found |= traverse_util.flatten_dict({backend: kept}, sep="/")
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
