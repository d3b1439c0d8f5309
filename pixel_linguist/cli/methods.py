"""Prints the published methods that are here: what each brought, and its recipe.

pixel-linguist methods
    the table of docs/methods.md
"""

import argparse
from importlib.resources import files


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line, which takes nothing."""
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Print the table."""
    print((files("pixel_linguist.cli") / "methods.md").read_text("utf-8"), end="")
