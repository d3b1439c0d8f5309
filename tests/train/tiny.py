"""Tiny parts of a training run: an encoder, batches of random pixels, a recipe of small stages."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import traverse_util
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.data.views import HostBatch
from pixel_linguist.evaluate.build import make_tasks
from pixel_linguist.model import ViTEncoder, make_encoder
from pixel_linguist.recipe import get_config
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.context import RunContext, make_context
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.scores import Scorer
from pixel_linguist.train.stage import Stage, make_stage, stage_settings

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
BATCH, LENGTH, DOMAINS = 8, 6, 3
SETTINGS: dict[str, Any] = {
    **get_config().model,
    "patch_height": 8,
    "patch_width": 8,
    "max_patches": LENGTH,
    "width": 16,
    "depth": 1,
    "heads": 2,
    "mlp_width": 32,
}
# Adam is steep near a gradient of zero; the larger epsilon keeps rounding from showing.
OPTIMIZER = OptimizerConfig(
    b1=0.9, b2=0.999, epsilon=1e-4, weight_decay=0.1, clip_norm=0.1, accumulate=1
)
DECODER = {"width": 16, "depth": 1, "heads": 2, "mlp_width": 32}


def encoder(**changes: Any) -> ViTEncoder:
    """Return a tiny encoder."""
    return make_encoder(SETTINGS | changes)


def random_batch(seed: int, rows: int = BATCH) -> HostBatch:
    """Draw a batch of mixed domains: some texts and groups are equal, some negatives missing."""
    rng = np.random.default_rng(seed)
    views, view_facts = {}, {}
    for view in ("anchor", "positive", "negative"):
        pixels = rng.integers(0, 256, (rows, LENGTH, 8, 8), np.uint8)
        views[view] = one_text_a_row(pixels, rng.integers(1, LENGTH + 1, rows).astype(np.int32))
        view_facts[view] = {
            "text_id": rng.integers(0, 30, rows).astype(np.int32),
            "present": rng.random(rows) < 0.7 if view == "negative" else np.ones(rows, bool),
        }
    group = rng.integers(-1, 4, (rows, 1)).astype(np.int32)
    domain = rng.integers(0, DOMAINS, rows, np.int32)
    facts = {"group": group, "domain": domain, "language": domain}
    return HostBatch(views, facts, view_facts, None)


def flat(tree: Any) -> dict[str, np.ndarray]:
    """Return a tree's arrays by name, on the host."""
    return traverse_util.flatten_dict(jax.device_get(tree), sep="/")


def largest_difference(a: Any, b: Any) -> float:
    """Return the largest difference of two trees of one structure."""
    differences = jax.tree.map(lambda x, y: float(np.abs(np.subtract(x, y)).max()), a, b)
    return max(jax.tree.leaves(differences))


def recipe(*stages: str) -> ConfigDict:
    """Return the quickstart with stages of four steps on sentences, and one small task.

    Args:
        stages: their names; each starts from scratch.
    """
    config = configs.load(EXPERIMENTS / "quickstart.py").unlock()
    config.render.update(patch_height=8, patch_width=8, max_patches=16)
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    tiny = config.stages.visual_both
    tiny.update(steps=4, batch_size=8, length=12, evaluate_every=2, init_from=())
    tiny.update(evaluate_tasks=())
    tiny.data.sentences.source.size = 500
    average = config.stages.visual
    average.init_from = stages
    config.stages = ConfigDict({name: tiny.copy_and_resolve_references() for name in stages})
    if len(stages) > 1:
        config.stages["average"] = average
    # A ConfigDict sorts its keys.
    config.order = tuple(sorted(config.stages, key=[*stages, "average"].index))
    config.tasks = ConfigDict({"sts-en": config.tasks["sts-en"]})
    config.tasks["sts-en"].source.size = 20
    config.evaluate.update(report_tasks=("sts-en",), batch_size=16)
    config.train.log_every = 1
    return config.lock()


def change(config: ConfigDict, key: str, value: Any) -> None:
    """Set "stages.NAME.key" or another key of a locked recipe."""
    *parents, last = key.split(".")
    with config.unlocked():
        node = config
        for name in parents:
            node = node[name]
        with node.ignore_type():
            node[last] = ConfigDict(value) if isinstance(value, dict) else value


def begun(config: ConfigDict, name: str, folder: Path) -> tuple[RunContext, Stage, Scorer]:
    """Return the parts of a stage that has begun in a folder."""
    context = make_context(config, folder)
    stage = make_stage(context, name)
    context.folder.begin_stage(name, stage_settings(context, name, {}))
    return context, stage, Scorer(context, make_tasks(config.data_dir, config.tasks))


def replace(optimizer: OptimizerConfig = OPTIMIZER, **changes: Any) -> OptimizerConfig:
    """Return an optimiser's settings with changes."""
    return dataclasses.replace(optimizer, **changes)
