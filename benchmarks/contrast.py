"""What benchmarks of training steps share: a recipe's defaults, and batches of noise."""

from typing import Any

import numpy as np

from experiments.base import get_config, info_nce, optimizer
from pixel_linguist.model import EncoderConfig, init_params
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.train.hosts import AXIS, place_state
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_state, mapped_step

SIDE = 16
OPTIMIZER = OptimizerConfig(**optimizer())


def encoder(**changes: Any) -> EncoderConfig:
    """Return the default architecture on patches of 16 x 16, with changes."""
    sides = {"patch_height": SIDE, "patch_width": SIDE}
    return EncoderConfig(**{**get_config().model, **sides, **changes})


def contrast() -> Objective:
    """Return the default objective, without hard negatives."""
    arguments = info_nce(hard_negatives=False)
    return make_objective(arguments.pop("name"), {**arguments, "axis": AXIS})


def compiled_step(
    config: EncoderConfig, pairs: int, chunk_size: int = 0
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Compile the training step of a batch of noise; nothing is run.

    Returns:
        The compiled function, the state it starts from, and its other arguments.
    """
    objective = contrast()
    step: Any = mapped_step(config, objective, OPTIMIZER, "shard_map", chunk_size=chunk_size)
    host = init_state(init_params(config, 0), objective, OPTIMIZER)
    state = place_state(host, "shard_map", shard_optimizer=False)
    rest = (noise(pairs, config.max_patches), np.float32(1e-4), np.uint32(0))
    return step.lower(state, *rest).compile(), state, rest


def noise(pairs: int, length: int) -> dict[str, Any]:
    """Return a batch of noise in which every text fills its patches."""
    rng = np.random.default_rng(0)
    views = ("anchor", "positive")
    batch: dict[str, Any] = {
        view: {
            "patches": rng.integers(0, 256, (pairs, length, SIDE, SIDE), np.uint8),
            "count": np.full(pairs, length, np.int32),
        }
        for view in views
    }
    ids = np.arange(2 * pairs, dtype=np.int32).reshape(2, pairs)
    batch["text_id"] = dict(zip(views, ids, strict=True))
    batch["group"] = np.full(pairs, -1, np.int32)
    return batch
