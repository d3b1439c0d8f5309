"""A rehearsal: a whole run on tiny shapes, whose failures come in minutes instead of hours."""

import dataclasses
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
from jax.experimental import multihost_utils
from ml_collections import ConfigDict

from pixel_linguist.bucket import Mirror, bucket_path, remove
from pixel_linguist.files import in_bucket
from pixel_linguist.model import make_encoder
from pixel_linguist.model.encoders import encoder_settings
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.results import start_model
from pixel_linguist.train.run import prepare, run_recipe

logger = logging.getLogger(__name__)
STEPS, ROWS, LENGTH, WIDTH = 3, 2, 32, 32


class StopsAfter(Preemption):
    """Asks a run to stop after a number of steps, once."""

    def __init__(self, steps: int):
        super().__init__()
        self.left = steps

    def reached(self) -> bool:
        """Return whether that number of steps has been done."""
        self.left -= 1
        return not self.left


def rehearse(
    config: ConfigDict, folder: Path, preemption: Preemption, *, devices: int = 0, **extras: Any
) -> RunContext:
    """Check a recipe, then run its stages on tiny shapes, interrupted once and resumed.

    Sources, renderer, tasks and objectives are the recipe's own; each stage does three steps, two
    examples a device. Its files lie beside `folder` until it succeeds.

    Args:
        config: the recipe; where a start is required and none given, a tiny one is made.
        devices: of the machine that the recipe is for; 0: those of this one.
        **extras: report and baselines, as `run_recipe` takes them.

    Returns:
        The context of the run itself, for its plan.

    Raises:
        ValueError, FileNotFoundError, OSError: as the run itself would.
    """
    lacking = [name for name, s in config.stages.items() if s.start_required and not s.init_from]
    context, _ = prepare(config, folder, devices=devices, skip=lacking)
    scratch = folder.with_name(f"{folder.name}.rehearsal")
    if jax.process_index() == 0:
        remove(scratch)
        save_starts(scratch / "starts", dict(tiny_starts(context, lacking)))
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("the rehearsal's starts are written")
    tiny = tiny_recipe(context, scratch / "starts")
    try:
        run_recipe(tiny, scratch / "run", StopsAfter(STEPS - 1), **extras)
    except Preempted as stop:
        logger.info("%s; resumed", stop)
        run_recipe(tiny, scratch / "run", preemption, **extras)
    if jax.process_index() == 0:
        remove(scratch)
    return context


def tiny_model(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an encoder's settings with the sizes tiny that cost time."""
    most = {"width": WIDTH, "mlp_width": WIDTH, "patch_hidden": WIDTH, "heads": 2, "depth": 2}
    return {**settings, **{name: min(settings[name], size) for name, size in most.items()}}


def tiny_starts(context: RunContext, lacking: Sequence[str]) -> Iterator[tuple[str, Model]]:
    """Yield stages that start from elsewhere, each with a tiny model of its start's kind."""
    for name, stage in context.config.stages.items():
        for start in stage.init_from:
            if start not in context.config.order:
                found = start_model(context.start(start))
                encoder = make_encoder(tiny_model(encoder_settings(found.encoder)))
                yield name, found._replace(encoder=encoder, params=encoder.init(0))
        if name in lacking:
            encoder = make_encoder(tiny_model(encoder_settings(context.encoder)))
            yield name, dataclasses.replace(context, encoder=encoder).model(encoder.init(0))


def save_starts(folder: Path, models: Mapping[str, Model]) -> None:
    """Save models in a folder, which may be in a bucket, each under its name."""
    with tempfile.TemporaryDirectory() as here:
        mirror = Mirror(Path(here), bucket_path(folder)) if in_bucket(folder) else None
        for name, model in models.items():
            save_model((Path(here) if mirror else folder) / name, model)
        if mirror:
            mirror.push()


def tiny_recipe(context: RunContext, starts: Path) -> ConfigDict:
    """Return the recipe with tiny shapes, three steps a stage, and a checkpoint of every step."""
    config = context.config.copy_and_resolve_references()
    order = config.order
    with config.ignore_type(), config.unlocked():
        config.model.update(tiny_model(config.model))
        # Processes take longer to start than all else here.
        config.train.update(workers=0, loggers=(), log_every=1, checkpoint_every=1)
        for name, stage in config.stages.items():
            own = tuple(start for start in stage.init_from if start in order)
            if len(own) < len(stage.init_from) or stage.start_required:
                stage.init_from = (*own, str(starts / name))
            # One trained row of the table is enough.
            stage.report = name == order[-1]
            if not stage.steps:
                continue
            stage.update(steps=STEPS, batch_size=ROWS * jax.device_count(), evaluate_every=STEPS)
            stage.update(length=min(stage.length, LENGTH), chunk_size=min(stage.chunk_size, 1))
            stage.length_buckets = min(stage.length_buckets, stage.length)
            stage.schedule.warmup = min(stage.schedule.warmup, 1)
            stage.optimizer.accumulate = min(stage.optimizer.accumulate, STEPS - 1)
            if "decoder" in stage.objective:
                stage.objective.decoder.update(width=WIDTH, depth=1, heads=2, mlp_width=WIDTH)
    return config
