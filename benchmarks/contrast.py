"""What benchmarks of training steps share: a recipe's defaults, and batches of noise."""

from typing import Any

import numpy as np

from pixel_linguist.data.views import HostBatch
from pixel_linguist.model import ViTEncoder, make_encoder
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.recipe import get_config, info_nce, optimizer
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.hosts import place_state
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_state, make_step

SIDE = 16
VIEWS = ("anchor", "positive")
OPTIMIZER = OptimizerConfig(**optimizer())


def encoder(**changes: Any) -> ViTEncoder:
    """Return the default architecture on patches of 16 x 16, with changes."""
    sides = {"patch_height": SIDE, "patch_width": SIDE}
    return make_encoder({**get_config().model, **sides, **changes})


def contrast() -> Objective:
    """Return the default objective, without hard negatives."""
    return make_objective(info_nce(hard_negatives=False))


def compiled_step(
    vit: ViTEncoder, pairs: int, chunk_size: int = 0
) -> tuple[Any, Any, tuple[Any, ...]]:
    """Compile the training step of a batch of noise; nothing is run.

    Returns:
        The compiled function, the state it starts from, and its other arguments.
    """
    objective = contrast()
    step: Any = make_step(vit, objective, OPTIMIZER, "shard_map", chunk_size=chunk_size)
    host, constants = init_state(vit, vit.init(0), objective, OPTIMIZER, seed=0)
    state = place_state(host, "shard_map", shard_optimizer=False)
    batch = noise(pairs, vit.config.max_patches)
    rest = (constants, batch, np.float32(1e-4), np.uint32(0))
    return step.lower(state, *rest).compile(), state, rest


def noise(pairs: int, length: int) -> HostBatch:
    """Return a batch of noise in which every text fills its patches."""
    rng = np.random.default_rng(0)
    count = np.full(pairs, length, np.int32)
    views = {
        view: one_text_a_row(rng.integers(0, 256, (pairs, length, SIDE, SIDE), np.uint8), count)
        for view in VIEWS
    }
    ids = np.arange(2 * pairs, dtype=np.int32).reshape(2, pairs)
    view_facts = {view: {"text_id": own} for view, own in zip(VIEWS, ids, strict=True)}
    return HostBatch(views, {"group": np.full((pairs, 1), -1, np.int32)}, view_facts, None)
