"""Writes an encoder as StableHLO, its weights inside, for batches of any size.

pixel-linguist export MODEL OUT
    encoder.stablehlo, which jax.export.deserialize reads, and renderer.json
"""

import argparse

from pixel_linguist.cli.main import path
from pixel_linguist.convert.stablehlo import PLATFORMS, write_export
from pixel_linguist.hub import open_model


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser.add_argument("model", metavar="MODEL", help="model folder, or name of a shipped model")
    parser.add_argument("out", type=path, metavar="OUT", help="folder to write")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Export."""
    path = write_export(options.out, open_model(options.model))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB for {', '.join(PLATFORMS)}")
