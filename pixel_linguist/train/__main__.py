"""Run a recipe: `python -m pixel_linguist.train experiments/quickstart.py --workdir DIR`."""

import argparse
import sys
from pathlib import Path

import jax
from absl import flags

from pixel_linguist import config as configs
from pixel_linguist.train import tune
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.stages import run_recipe

EPILOG = """
Any key of the recipe can be set: --config.stages.nli.steps=100. An unknown key stops with the
nearest known one. A run that was cut off goes on from its last checkpoint when the same command
is given again; finished stages are not run again. Every default is in experiments/base.py.

--init MODEL --pairs my.tsv in place of a recipe fine-tunes a model on pairs; see --init --help.
"""


def main(arguments: list[str]) -> None:
    """Parse the command line and run the recipe, or fine-tune a model on pairs."""
    if {"--init", "--pairs"} & {word.partition("=")[0] for word in arguments}:
        tune.main(arguments)
        return
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.train",
        description="Train a pixel sentence encoder by a recipe of stages.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", type=Path, help="a file of experiments/, with get_config()")
    parser.add_argument("--workdir", type=Path, required=True, help="folder for all results")
    parser.add_argument(
        "--profile", action="store_true", help="trace a few steps into WORKDIR/profile"
    )
    known, rest = parser.parse_known_args(arguments)
    if wrong := [word for word in rest if not word.startswith("--config.")]:
        parser.error(f"unknown argument {wrong[0]!r}; recipe keys are set as --config.key=value")
    # Grain's worker processes read absl flags, which nothing else here parses.
    flags.FLAGS.mark_as_parsed()
    try:
        config = configs.load(known.recipe)
        configs.override(config, rest)
        jax.config.update("jax_compilation_cache_dir", str(config.train.compilation_cache))
        with Preemption() as preemption:
            run_recipe(config, known.workdir, preemption, profile=known.profile)
    except Preempted as stop:
        print(f"{stop}; the same command goes on from there")
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
