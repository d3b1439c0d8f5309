"""Encodes the texts of a file into a folder of shards.

pixel-linguist encode corpus.jsonl vectors/
    the column "text" of each record; .txt (a text a line), .tsv, .jsonl (also .gz), .parquet
... --column abstract --keep id title --model runs/small/model
    other columns, copied beside the vectors; another model
... --format npy
    plain arrays instead of Parquet

An interrupted run resumes when the same command is given again, and several processes that are
given the same command share the work: each shard is written once, whole, in the order of the file.
"""

import argparse
from typing import get_args

from pixel_linguist.api import Dtype
from pixel_linguist.cli.main import path
from pixel_linguist.data.records import TEXT
from pixel_linguist.encode.corpus import Job, encode_corpus
from pixel_linguist.encode.shards import Format


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("source", type=path, help="file of texts")
    add("folder", type=path, help="folder of the shards")
    add("--model", default="tiny", help="folder, or name of a shipped model (tiny)")
    add("--column", default=TEXT, help="column of the text (text)")
    add("--keep", nargs="+", default=[], metavar="COLUMN", help="columns copied beside the vectors")
    add("--format", default="parquet", choices=get_args(Format))
    add("--dtype", default="float32", choices=get_args(Dtype))
    add("--batch-size", type=int, default=64, help="texts encoded at once (64)")
    add("--shard-size", type=int, default=16384, help="texts in a file (16384)")
    add("--device", help="cpu, gpu or tpu (default: JAX's)")
    options = parser.parse_args(arguments)
    for name, size in (("batch", options.batch_size), ("shard", options.shard_size)):
        if size < 1:
            parser.error(f"--{name}-size is {size}; it must be at least 1")
    if options.keep and options.format == "npy":
        parser.error("--keep needs --format parquet: arrays have no room for columns")
    return options


def run(options: argparse.Namespace) -> None:
    """Encode the file."""
    count = encode_corpus(Job(**vars(options)))
    print(f"{count} texts encoded into {options.folder}")
