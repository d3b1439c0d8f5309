"""Encodes the texts of a file into a folder of shards.

python -m pixel_linguist.encode corpus.jsonl vectors/
    the column "text" of each record; .txt (a text a line), .tsv, .jsonl (also .gz), .parquet
... --column abstract --keep id title --model runs/small/model
    other columns, copied beside the vectors; another model
... --format npy
    plain arrays in place of Parquet

A run that was cut off goes on when the same command is given again, and several processes that are
given the same command share the work: each shard is written once, whole, in the order of the file.
"""

import argparse
import hashlib
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.api import Dtype, SentenceEncoder
from pixel_linguist.data.records import column
from pixel_linguist.data.stream import TEXT, Records, open_records, text_of
from pixel_linguist.encode.shards import Format, Shards
from pixel_linguist.evaluate.embed import blocks
from pixel_linguist.model.store import Model


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pixel_linguist.encode",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, help="file of texts")
    add("folder", type=Path, help="where the shards go")
    add("--model", default="tiny", help="folder, or name of one that comes with the package (tiny)")
    add("--column", default=TEXT, help="that holds the text (text)")
    add("--keep", nargs="+", default=[], metavar="COLUMN", help="columns copied beside the vectors")
    add("--format", default="parquet", choices=get_args(Format))
    add("--dtype", default="float32", choices=get_args(Dtype))
    add("--batch-size", type=int, default=64, help="texts encoded at once (64)")
    add("--shard-size", type=int, default=16384, help="texts in a file (16384)")
    add("--device", help="cpu, gpu or tpu; default: what JAX prefers")
    parsed = parser.parse_args(arguments)
    if parsed.shard_size < 1:
        parser.error(f"--shard-size is {parsed.shard_size}; it must be at least 1")
    if parsed.keep and parsed.format == "npy":
        parser.error("--keep needs --format parquet: arrays have no room for columns")
    return parsed


def settings(options: argparse.Namespace, model: Model) -> dict[str, Any]:
    """Return all that the shards depend on."""
    weights = hashlib.sha256()
    for array in jax.tree.leaves(model.params):
        weights.update(np.asarray(array).tobytes())
    return {
        "source": options.source.name,
        "bytes": options.source.stat().st_size,
        "weights": weights.hexdigest(),
        "renderer": model.renderer,
        "column": options.column,
        "keep": options.keep,
        "format": options.format,
        "dtype": options.dtype,
        "shard_size": options.shard_size,
    }


def encode_shard(
    encoder: SentenceEncoder, options: argparse.Namespace, rows: Sequence[tuple[Any, str]]
) -> tuple[np.ndarray, dict[str, list[Any]]]:
    """Return vectors [N, D] and the columns kept of N records, each with where it stands."""
    texts = [text_of(record, options.column, where) for record, where in rows]
    kept = {name: [column(record, name, where) for record, where in rows] for name in options.keep}
    vectors = encoder.encode(
        texts, batch_size=options.batch_size, dtype=options.dtype, device=options.device
    )
    return vectors, kept


def encode_records(
    encoder: SentenceEncoder, records: Records, shards: Shards, options: argparse.Namespace
) -> int:
    """Encode the shards that are neither done nor taken; returns how many texts these were."""
    with tqdm(unit="text") as progress:
        for number, block in enumerate(blocks(records.raw(), options.shard_size)):
            with shards.claim(number) as ours:
                if ours:
                    start = number * options.shard_size
                    places = map(records.where, range(start, start + len(block)))
                    rows = [
                        (records.parse(raw, at), at) for raw, at in zip(block, places, strict=True)
                    ]
                    shards.write(number, *encode_shard(encoder, options, rows))
                    progress.update(len(block))
        return progress.n


def main(arguments: list[str]) -> None:
    """Encode the file."""
    options = parse(arguments)
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    try:
        records = open_records(options.source)
        # The first record is tried before the model is loaded.
        first = next(iter(records))
        text_of(first, options.column, records.where(0))
        for name in options.keep:
            column(first, name, records.where(0))
        encoder = SentenceEncoder.load(options.model)
        shards = Shards(options.folder, settings(options, encoder.model), options.format)
        done = encode_records(encoder, records, shards, options)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
    print(f"{done} texts encoded into {options.folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
