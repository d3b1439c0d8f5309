"""Trains a pixel sentence encoder by a recipe of stages.

pixel-linguist train experiments/quickstart.py --workdir runs/quickstart
    a run that was interrupted resumes from its last checkpoint when the same command is given
    again; finished stages are not run again
... --config.stages.nli.steps=100
    sets a key of the recipe; every default is in pixel_linguist/recipe.py
... --plan
    prints what the run would do, and its cost
... --rehearse
    runs all stages on tiny shapes, three steps each, so that what would fail fails now; then plans
pixel-linguist train a.py b.py --workdir runs/sweep --sweep.stages.nli.schedule.peak=1e-4,3e-4
    several recipes, or several values of keys, one after the other, with a table at the end
pixel-linguist train --init MODEL --pairs my.tsv
    fine-tunes a model on pairs in place of a recipe; see train --init --help
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import jax
from absl import flags

from pixel_linguist.bucket import bucket_path
from pixel_linguist.cli.main import ERRORS, error_line, path
from pixel_linguist.files import in_bucket
from pixel_linguist.hub import open_model
from pixel_linguist.model.store import save_model
from pixel_linguist.train.accelerators import accelerator
from pixel_linguist.train.finetune import Settings, fine_tune, read_pairs
from pixel_linguist.train.hosts import join_hosts
from pixel_linguist.train.pictures import Report
from pixel_linguist.train.plan import plan_recipe
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.rehearsal import rehearse
from pixel_linguist.train.run import prepare, run_recipe
from pixel_linguist.train.sweep import PREFIX, run_sweep, sweep_configs

FINE_TUNING = """Fine-tunes a model on pairs of texts.

The columns are sentence1 and sentence2, or anchor and positive, and may be joined by score (scored
pairs) or negative (triplets). The model of the best epoch is left in WORKDIR/model.
"""


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line of either way of training."""
    if {"--init", "--pairs"} & {word.partition("=")[0] for word in arguments}:
        return _parse_fine_tuning(parser, arguments)
    add = parser.add_argument
    add("recipe", type=path, nargs="+", help="a file of experiments/, with get_config()")
    add("--workdir", type=workdir, required=True, help="folder for all results, also gs://...")
    add("--plan", action="store_true", help="show the plan of the run and its cost, and stop")
    add("--accelerator", help="plan for another machine: v4-32, v5e-8, H100-8")
    add("--rehearse", action="store_true", help="try the run on tiny shapes first, then plan it")
    add("--profile", action="store_true", help="trace a few steps into WORKDIR/profile")
    add(
        "--hosts",
        help="train on several hosts, the same command on each: 'auto' asks the cluster or the "
        "environment, ADDRESS:PORT,PROCESSES,RANK says it; see docs/launching.md",
    )
    options, rest = parser.parse_known_args(arguments)
    if wrong := [word for word in rest if not word.startswith(("--config.", PREFIX))]:
        parser.error(f"unknown argument {wrong[0]!r}; recipe keys are set as --config.key=value")
    options.varied = [word for word in rest if word.startswith(PREFIX)]
    options.overrides = [word for word in rest if not word.startswith(PREFIX)]
    options.sweep = bool(options.varied) or len(options.recipe) > 1
    if options.accelerator and not (options.plan or options.rehearse):
        parser.error("--accelerator is for --plan and --rehearse")
    if options.sweep and (options.plan or options.rehearse or options.profile):
        parser.error("--plan, --rehearse and --profile take one recipe, and no --sweep")
    options.init = None
    return options


def workdir(argument: str) -> Path:
    """Read an argument as a folder of this machine or of a bucket; argparse prints the error."""
    if not in_bucket(argument):
        return path(argument)
    try:
        return bucket_path(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(options: argparse.Namespace) -> None:
    """Run the recipe, or fine-tune."""
    if options.init is not None:
        _fine_tune(options)
        return
    # Grain's worker processes read absl flags, which nothing else here parses.
    flags.FLAGS.mark_as_parsed()
    try:
        _train(options)
    except Preempted as stop:
        print(f"{stop}; the same command resumes from there")
    except ERRORS as error:
        _leave_hosts(f"{error_line(error)} (host {jax.process_index()})")
        raise
    except jax.errors.JaxRuntimeError as error:
        _leave_hosts(
            f"error: host {jax.process_index()} has lost another one, or failed with it; the same "
            f"command on all hosts resumes from the last checkpoint. {error}"
        )
        raise


def _train(options: argparse.Namespace) -> None:
    if options.hosts is not None:
        join_hosts(options.hosts)
    runs = sweep_configs(options.recipe, options.overrides, options.varied)
    config = next(iter(runs.values()))
    jax.config.update("jax_compilation_cache_dir", str(config.train.compilation_cache))
    # One host reports progress; each reports its errors.
    quiet = contextlib.redirect_stdout(None) if jax.process_index() else contextlib.nullcontext()
    with quiet, Preemption() as preemption:
        target = accelerator(options.accelerator) if options.accelerator else None
        devices = target.devices if target else 0
        if options.rehearse:
            parts = {"devices": devices, **extras()}
            context = rehearse(config, options.workdir, preemption, **parts)
            print("the rehearsal succeeded; the plan of the run:", plan_recipe(context, target))
        elif options.plan:
            print(plan_recipe(prepare(config, options.workdir, devices=devices)[0], target))
        elif options.sweep:
            run_sweep(runs, options.workdir, preemption, **extras())
        else:
            run_recipe(config, options.workdir, preemption, profile=options.profile, **extras())


def extras() -> dict[str, Any]:
    """Return the report and the baselines of a run, where their libraries are installed."""
    if any(importlib.util.find_spec(name) is None for name in ("matplotlib", "sklearn", "jinja2")):
        print("no report: pip install 'pixel-linguist[report]' for plots, pages and TF-IDF's row")
        return {"report": Report(), "baselines": {}}
    from pixel_linguist.evaluate.baselines import tfidf_embed
    from pixel_linguist.report.run_report import RunReport

    return {"report": RunReport(), "baselines": {"tfidf": tfidf_embed}}


def _leave_hosts(message: str) -> None:
    """End this process if it is one of several, and thereby the others soon after."""
    if jax.process_count() > 1:
        print(message, file=sys.stderr, flush=True)
        # A regular exit would wait for minutes for the other hosts, which wait for this one.
        os._exit(1)


def _parse_fine_tuning(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    parser.description = FINE_TUNING
    defaults, add = Settings(), parser.add_argument
    add("--init", required=True, help="model folder, or name of a shipped model")
    add("--pairs", type=path, required=True, help=".tsv, .jsonl or .parquet")
    add("--workdir", type=path, help="default: runs/NAME, by the name of the file of pairs")
    add("--epochs", type=int, default=defaults.epochs)
    add("--batch-size", type=int, default=defaults.batch_size)
    add("--peak", type=float, default=defaults.peak, help="highest learning rate")
    add("--held-out", type=float, default=defaults.held_out, help="share that is scored on")
    add("--patience", type=int, default=defaults.patience, help="epochs without a better score")
    add("--seed", type=int, default=defaults.seed)
    return parser.parse_args(arguments)


def _fine_tune(options: argparse.Namespace) -> None:
    names = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings(**{name: getattr(options, name) for name in names})
    folder = (options.workdir or Path("runs") / options.pairs.stem) / "model"
    if folder.exists():
        raise ValueError(f"{folder} exists; take another --workdir")
    pairs = read_pairs(options.pairs)
    tuned = fine_tune(open_model(options.init), pairs, settings)
    save_model(folder, tuned.model)
    print(f"held-out {tuned.metric}: {', '.join(f'{score:.3f}' for score in tuned.scores)}")
    if tuned.scores[0] == max(tuned.scores):
        print("no epoch was better than the start, so the model is the one it started from")
    print(f"model: {folder}")
