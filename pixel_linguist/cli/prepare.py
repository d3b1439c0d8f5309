"""Prepares the data sets of a recipe.

pixel-linguist prepare experiments/pixel_linguist.py
    downloads and prepares all that TFDS prepares without TensorFlow; again after an interruption.
    For all else it prints the command that makes it, on this machine or another
... --list
    shows the data sets, their sizes, and which are there
"""

import argparse
import os

from pixel_linguist.cli.main import path
from pixel_linguist.config import load, override, plain
from pixel_linguist.data.prepare_tfds import DataSet, list_data_sets, prepare


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("recipe", type=path, help="a file of experiments/, with get_config()")
    add("--list", action="store_true", help="show the data sets, and prepare none")
    add("--processes", type=int, default=os.cpu_count(), help="data sets prepared at once")
    options, rest = parser.parse_known_args(arguments)
    options.overrides = rest
    return options


def run(options: argparse.Namespace) -> None:
    """Show or prepare the data sets."""
    config = load(options.recipe)
    override(config, options.overrides)
    found = list_data_sets(config.data_dir, plain(config))
    print("\n".join(map(line, found)))
    missing = [data for data in found if not data.there]
    if options.list or not missing:
        return
    failed = []
    ours = [data.name for data in missing if not data.command]
    for name, error in prepare(config.data_dir, ours, max(options.processes, 1)):
        print(f"{name}: {error or 'prepared'}", flush=True)
        failed += [name] if error else []
    if others := [data.command for data in missing if data.command]:
        print("to be run by you; copy what they make to the data folder:", *others, sep="\n  ")
    if failed:
        raise OSError(f"{len(failed)} data sets could not be prepared: {', '.join(failed)}")


def line(data: DataSet) -> str:
    """Return a line on one data set."""
    size = f"{data.size / 2**20:,.0f} MB" if data.size else "size unknown"
    word = "there" if data.there else "missing"
    if data.needs and not data.there:
        word += f", needs {data.needs} to prepare"
    return f"{data.name:32}{size if data.there else f'{size} to download':28}{word}"
