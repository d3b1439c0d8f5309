"""Encodes the texts of a file, or the pictures of a folder, into a folder of shards.

pixel-linguist encode corpus.jsonl vectors/
    the column "text" of each record; .txt (a text a line), .tsv, .jsonl (also .gz), .parquet
... --column abstract --keep id title --model runs/small/model
    other columns, copied beside the vectors; another model
... --format npy
    plain arrays instead of Parquet
pixel-linguist encode screenshots/ vectors/ --model runs/tiny/model
    the pictures of text in a folder and its subfolders, or the pages of a .pdf (which needs the
    extra `pdf`), by a model that reads pictures

An interrupted run resumes when the same command is given again, and several processes that are
given the same command share the work: each shard is written once, whole, in the order of the file
or of the pictures' paths.
"""

import argparse
from typing import get_args

from pixel_linguist.api import Dtype
from pixel_linguist.cli.main import path
from pixel_linguist.data.records import TEXT
from pixel_linguist.encode.corpus import Job, encode_corpus
from pixel_linguist.encode.picture_corpus import holds_pages
from pixel_linguist.encode.shards import Format


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("source", type=path, help="file of texts, folder of pictures, or .pdf")
    add("folder", type=path, help="folder of the shards")
    add("--model", default="tiny", help="folder, or name of a shipped model (tiny)")
    add("--column", default=TEXT, help="column of the text (text)")
    add("--keep", nargs="+", default=[], metavar="COLUMN", help="columns copied beside the vectors")
    add("--format", default="parquet", choices=get_args(Format))
    add("--dtype", default="float32", choices=get_args(Dtype))
    add("--batch-size", type=int, default=64, help="texts encoded at once (64)")
    add("--shard-size", type=int, help="texts in a file (16384), or pictures (1024)")
    add("--device", help="cpu, gpu or tpu (default: JAX's)")
    options = parser.parse_args(arguments)
    paged = holds_pages(options.source)
    if options.shard_size is None:
        options.shard_size = 1024 if paged else 16384
    for name, size in (("batch", options.batch_size), ("shard", options.shard_size)):
        if size < 1:
            parser.error(f"--{name}-size is {size}; it must be at least 1")
    if options.keep and options.format == "npy":
        parser.error("--keep needs --format parquet: arrays have no room for columns")
    if paged and (options.keep or options.format == "npy"):
        parser.error("vectors of pictures have columns of their own, in --format parquet")
    return options


def run(options: argparse.Namespace) -> None:
    """Encode the file or the pictures."""
    count = encode_corpus(Job(**vars(options)))
    unit = "pictures" if holds_pages(options.source) else "texts"
    print(f"{count} {unit} encoded into {options.folder}")
