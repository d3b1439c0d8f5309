"""What is refused of a recipe before any of it runs."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.data.draw import Draw
from pixel_linguist.data.loader import bucket_lengths, make_examples, preview
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.model import init_params
from pixel_linguist.train.loggers import check_loggers
from pixel_linguist.train.loop import Workshop, stage_objective, stage_sight
from pixel_linguist.train.optim import OptimizerConfig, freeze, learning_rate
from pixel_linguist.train.step import mapped_step


def check_recipe(shop: Workshop, tasks: Mapping[str, Task]) -> None:
    """Refuse a recipe that could not run to its end, before any of it runs.

    Raises:
        ValueError: naming the stage and what is wrong with it.
    """
    config = shop.config
    check_loggers(config.train.loggers)
    check_least("train", config.train, log_every=1, checkpoint_every=1)
    if unknown := set(config.evaluate.report_tasks) - set(tasks):
        raise ValueError(
            f"evaluate.report_tasks names {', '.join(sorted(unknown))}; there are "
            f"{', '.join(tasks)}"
        )
    if sorted(config.order) != sorted(config.stages):
        raise ValueError(
            f"order names {', '.join(config.order)}; stages are {', '.join(config.stages)}"
        )
    for number, name in enumerate(config.order):
        with naming(f"stage {name}"):
            check_stage(shop, config.stages[name], config.order[:number], tasks)


@contextlib.contextmanager
def naming(what: str) -> Iterator[None]:
    """Say of what an error inside is; of its subclasses, some cannot be made from a text."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{what}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def check_least(where: str, config: ConfigDict, **least: int) -> None:
    """Refuse numbers that are below their least."""
    for key, number in least.items():
        if config[key] < number:
            raise ValueError(f"{where}.{key} is {config[key]}; at least {number} is needed")


def check_metric(tasks: Mapping[str, Task], key: str, value: str) -> None:
    """Refuse what is not the name of a task and of a score that it gives."""
    task, _, metric = value.partition("/")
    if task not in tasks:
        raise ValueError(f"{key} {value!r} is not TASK/METRIC, of {', '.join(tasks)}")

    def noise(texts: Sequence[str]) -> np.ndarray:
        """Embed texts anyhow: which scores there are does not depend on it."""
        return np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)

    if metric not in (scores := tasks[task].score(noise)):
        raise ValueError(f"{key} is {value!r}, but {task} gives {', '.join(scores)}")


def check_stage(
    shop: Workshop, stage: ConfigDict, earlier: Sequence[str], tasks: Mapping[str, Task]
) -> None:
    """Refuse a stage that could not begin, or not end."""
    check_least("stage", stage, steps=0)
    for start in stage.init_from:
        if start not in earlier and not (Path(start) / "config.json").is_file():
            raise ValueError(f"init_from {start!r} is no earlier stage and no model's folder")
    if stage.average_by:
        check_metric(tasks, "average_by", stage.average_by)
    if stage.steps:
        check_training(shop, stage, tasks)
    elif not stage.init_from:
        raise ValueError("steps is 0 and init_from is empty: nothing to do")


def check_training(shop: Workshop, stage: ConfigDict, tasks: Mapping[str, Task]) -> None:
    """Refuse steps whose parts do not fit together."""
    check_least("stage", stage, batch_size=1, window=1, evaluate_every=1)
    if stage.batch_size % jax.device_count():
        raise ValueError(
            f"batch_size {stage.batch_size} is not divisible by {jax.device_count()} devices"
        )
    rows = stage.batch_size // jax.device_count()
    if stage.chunk_size and rows % stage.chunk_size:
        raise ValueError(f"chunk_size {stage.chunk_size} does not divide a device's {rows} rows")
    if not 1 <= stage.length <= shop.encoder.max_patches:
        raise ValueError(f"length {stage.length} is not in 1..{shop.encoder.max_patches} patches")
    bucket_lengths(stage.length, stage.length_buckets)
    for task in stage.evaluate_tasks:
        if task not in tasks:
            raise ValueError(f"no task {task!r}; there are {', '.join(tasks)}")
    if stage.best_metric:
        evaluated = {task: tasks[task] for task in stage.evaluate_tasks}
        check_metric(evaluated, "best_metric", stage.best_metric)
    learning_rate(0, steps=stage.steps, **stage.schedule)
    if stage.optimizer.frozen:
        fresh = {"encoder": init_params(shop.encoder, shop.config.seed), "objective": {}}
        freeze(fresh, stage.optimizer.frozen)
    objective = stage_objective(shop, stage)
    train = shop.config.train
    optimizer = OptimizerConfig(**stage.optimizer)
    sharding = {"shard_optimizer": train.shard_optimizer}
    mapped_step(shop.encoder, objective, optimizer, train.backend, **sharding)
    sight = stage_sight(shop, stage)
    # Reading the first example opens every source and tries the pair maker and perturbations;
    # drawing it tries the renderer, though of styles only those that it is drawn in.
    first = list(preview(make_examples(shop.config.data_dir, stage, seed=0), 1))
    Draw(sight.render, objective.views, min(sight.devices, 1))(first, stage.length)
