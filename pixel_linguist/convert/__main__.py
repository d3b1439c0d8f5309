"""Convert a checkpoint: `python -m pixel_linguist.convert SRC DST`."""

import argparse
import sys
from pathlib import Path

import jax

from pixel_linguist.convert.reference import (
    Converted,
    is_reference,
    read_reference,
    write_reference,
)
from pixel_linguist.model.decoder import load_decoder, save_decoder
from pixel_linguist.model.store import load_model, save_model


def convert(source: Path, target: Path, max_patches: int | None) -> str:
    """Convert whichever way the source asks for, and say what was done.

    Raises:
        FileNotFoundError, ValueError: as `read_reference`, `load_model` and `write_reference`.
    """
    if (target / "config.json").exists():
        raise ValueError(f"{target} holds a model already; name a folder that does not")
    if is_reference(source):
        converted, kind = read_reference(source, max_patches), "a model for SentenceEncoder.load"
        if converted.decoder:
            save_decoder(target, *converted.decoder)
        save_model(target, converted.model)
    else:
        if max_patches is not None:
            raise ValueError("max_patches is for checkpoints of the reference")
        model = load_model(source)
        converted, kind = Converted(model, load_decoder(source, model.config)), "PyTorch's"
        write_reference(target, converted)
    params = (converted.model.params, converted.decoder and converted.decoder[1])
    numbers = sum(leaf.size for leaf in jax.tree.leaves(params))
    with_decoder = " with its decoder" if converted.decoder else ""
    patches = converted.model.config.max_patches
    return f"{target}: {kind}{with_decoder}, {numbers:,} numbers, up to {patches} patches"


def main(arguments: list[str]) -> None:
    """Parse the command line and convert."""
    parser = argparse.ArgumentParser(
        prog="pixel_linguist.convert",
        description="Convert a checkpoint of PIXEL or Pixel-Linguist (a folder as on the Hugging "
        "Face hub) to a model folder, or a model folder to such a checkpoint.",
    )
    parser.add_argument("source", type=Path, metavar="SRC", help="folder to read")
    parser.add_argument("target", type=Path, metavar="DST", help="folder to write")
    parser.add_argument(
        "--max-patches", type=int, help="keep that many positions, the first (64 for sentences)"
    )
    known = parser.parse_args(arguments)
    try:
        print(convert(known.source, known.target, known.max_patches))
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
