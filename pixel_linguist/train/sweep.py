"""Sweeps: several recipes, or several values of keys, one run after the other in one command."""

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.evaluate.suite import score_table
from pixel_linguist.files import read_json, write_json
from pixel_linguist.train.checks import naming
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import prepare, run_recipe

logger = logging.getLogger(__name__)
PREFIX = "--sweep."


def sweep_configs(
    recipes: Sequence[Path], overrides: Sequence[str], varied: Sequence[str]
) -> dict[str, ConfigDict]:
    """Return a config for each recipe and each choice of values, by the names of both.

    Args:
        recipes: files with get_config().
        overrides: "--config.key=value", the same for all.
        varied: "--sweep.key=value,value,...".

    Raises:
        ValueError: for an unknown key, a wrong value, or two runs of one name.
    """
    choices = []
    for word in varied:
        key, equals, values = word.removeprefix(PREFIX).partition("=")
        if not (equals and values):
            raise ValueError(f"{word!r} is not of the form {PREFIX}key=value,value,...")
        choices.append([f"{key}={value}" for value in values.split(",")])
    found: dict[str, ConfigDict] = {}
    for recipe, chosen in itertools.product(recipes, itertools.product(*choices)):
        config = configs.load(recipe)
        configs.override(config, [*overrides, *chosen])
        name = ",".join([recipe.stem, *chosen])
        if name in found:
            raise ValueError(f"two runs of the sweep are called {name!r}")
        found[name] = config
    return found


def run_sweep(
    runs: dict[str, ConfigDict], folder: Path, preemption: Preemption, **options: Any
) -> None:
    """Run all configs, each in its own folder; log and write (sweep.json) their last scores.

    All are checked before the first begins. A run whose loss is not finite does not stop the
    others. `options` and errors, which name the run, are those of `run_recipe`.
    """
    for name, config in runs.items():
        with naming(name):
            prepare(config, folder / name)
    rows, metrics = dict[str, Any](), dict[str, str]()
    for number, (name, config) in enumerate(runs.items(), start=1):
        logger.info("run %d of %d: %s", number, len(runs), name)
        try:
            run = run_recipe(config, folder / name, preemption, **options)
        except FloatingPointError as error:
            logger.warning("%s is given up: %s", name, error)
            rows[name] = {}
            continue
        rows[name] = run.scores()[-1]["scores"]
        tasks = read_json(run.folder / "scores.json")["tasks"]
        metrics |= {task: about["metric"] for task, about in tasks.items()}
    if jax.process_index() == 0:
        write_json(folder / "sweep.json", {"runs": rows, "metrics": metrics})
    logger.info(score_table(rows, metrics))
