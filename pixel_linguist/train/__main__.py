"""Run a recipe: `python -m pixel_linguist.train experiments/quickstart.py --workdir DIR`."""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

import jax
from absl import flags

from pixel_linguist.train import tune
from pixel_linguist.train.devices import join_hosts
from pixel_linguist.train.plan import plan_recipe
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.stages import prepare, run_recipe
from pixel_linguist.train.sweep import PREFIX, run_sweep, sweep_configs

EPILOG = """
Any key of the recipe can be set: --config.stages.nli.steps=100. An unknown key stops with the
nearest known one. A run that was cut off goes on from its last checkpoint when the same command
is given again; finished stages are not run again. Every default is in experiments/base.py.

Several recipes, or several values of keys as in --sweep.stages.nli.schedule.peak=1e-4,3e-4, are
run one after the other, each in a folder of its own in WORKDIR, with a table at the end.

--init MODEL --pairs my.tsv in place of a recipe fine-tunes a model on pairs; see --init --help.
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of what is no key of a recipe."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.train",
        description="Train a pixel sentence encoder by a recipe of stages.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "recipe", type=Path, nargs="+", help="a file of experiments/, with get_config()"
    )
    parser.add_argument("--workdir", type=Path, required=True, help="folder for all results")
    parser.add_argument(
        "--plan", action="store_true", help="show what would be done, and what it costs, and stop"
    )
    parser.add_argument(
        "--profile", action="store_true", help="trace a few steps into WORKDIR/profile"
    )
    parser.add_argument(
        "--hosts",
        help="train on several hosts, the same command on each: 'auto' asks the cluster or the "
        "environment who they are, ADDRESS:PORT,PROCESSES,RANK says it; see docs/launching.md",
    )
    return parser


def main(arguments: list[str]) -> None:
    """Parse the command line and run the recipe, or fine-tune a model on pairs."""
    if {"--init", "--pairs"} & {word.partition("=")[0] for word in arguments}:
        tune.main(arguments)
        return
    parser = make_parser()
    known, rest = parser.parse_known_args(arguments)
    if wrong := [word for word in rest if not word.startswith(("--config.", PREFIX))]:
        parser.error(f"unknown argument {wrong[0]!r}; recipe keys are set as --config.key=value")
    varied = [word for word in rest if word.startswith(PREFIX)]
    overrides = [word for word in rest if not word.startswith(PREFIX)]
    sweep = bool(varied) or len(known.recipe) > 1
    if sweep and (known.plan or known.profile):
        parser.error("--plan and --profile take one recipe, and no --sweep")
    # Grain's worker processes read absl flags, which nothing else here parses.
    flags.FLAGS.mark_as_parsed()
    try:
        if known.hosts is not None:
            join_hosts(known.hosts)
        runs = sweep_configs(known.recipe, overrides, varied)
        config = next(iter(runs.values()))
        jax.config.update("jax_compilation_cache_dir", str(config.train.compilation_cache))
        # One host tells how the run goes; errors are told by each.
        quiet = (
            contextlib.redirect_stdout(None) if jax.process_index() else contextlib.nullcontext()
        )
        with quiet, Preemption() as preemption:
            if known.plan:
                print(plan_recipe(prepare(config, known.workdir)[0]))
            elif sweep:
                run_sweep(runs, known.workdir, preemption)
            else:
                run_recipe(config, known.workdir, preemption, profile=known.profile)
    except Preempted as stop:
        print(f"{stop}; the same command goes on from there")
    except (ValueError, OSError, FloatingPointError, ModuleNotFoundError) as error:
        fail(f"error: {error}")
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() == 1:
            raise
        fail(
            f"error: host {jax.process_index()} has lost another one, or failed with it; the same "
            f"command on all hosts goes on from the last checkpoint. {error}"
        )


def fail(message: str) -> NoReturn:
    """End this process with an error, and thereby the other hosts' soon after."""
    if jax.process_count() == 1:
        sys.exit(message)
    print(message, file=sys.stderr, flush=True)
    # A regular exit would wait for minutes for the other hosts, which wait for this one.
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
