"""Converts a checkpoint of PIXEL or Pixel-Linguist to a model folder, or a model folder to one.

pixel-linguist convert path/to/checkpoint my_model --max-patches 64
    a folder as on the Hugging Face hub to a model for SentenceEncoder.load
pixel-linguist convert my_model path/to/new_checkpoint
    the other way
"""

import argparse
from pathlib import Path

import jax

from pixel_linguist.cli.main import path
from pixel_linguist.convert.reference import (
    Converted,
    is_reference,
    load_decoder,
    read_reference,
    save_decoder,
    write_reference,
)
from pixel_linguist.files import check_model_folder
from pixel_linguist.model.store import load_model, save_model


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser.add_argument("source", type=path, metavar="SRC", help="folder to read")
    parser.add_argument("target", type=path, metavar="DST", help="folder to write")
    parser.add_argument("--max-patches", type=int, help="positions to keep (64 for sentences)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Convert."""
    print(convert(options.source, options.target, options.max_patches))


def convert(source: Path, target: Path, max_patches: int | None) -> str:
    """Convert in the direction that the source implies; returns a line about the result.

    Raises:
        FileNotFoundError, ValueError: as `read_reference`, `load_model` and `write_reference`.
    """
    if (target / "config.json").exists():
        raise ValueError(f"{target} holds a model already; name another folder")
    check_model_folder(source)
    if is_reference(source):
        converted, kind = read_reference(source, max_patches), "a model for SentenceEncoder.load"
        if converted.decoder:
            save_decoder(target, *converted.decoder)
        save_model(target, converted.model)
    else:
        if max_patches is not None:
            raise ValueError("--max-patches is for checkpoints of the reference")
        model = load_model(source)
        converted, kind = Converted(model, load_decoder(source)), "PyTorch's"
        write_reference(target, converted)
    params = (converted.model.params, converted.decoder and converted.decoder[1])
    numbers = sum(leaf.size for leaf in jax.tree.leaves(params))
    with_decoder = " with its decoder" if converted.decoder else ""
    patches = converted.model.config.max_patches
    return f"{target}: {kind}{with_decoder}, {numbers:,} numbers, up to {patches} patches"
