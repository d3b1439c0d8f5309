"""Answers queries about a file of texts, in spite of typos.

pixel-linguist search corpus.jsonl
    asks for queries, and shows the records whose column "text" is nearest to each
... --vectors vectors/
    with the vectors that `pixel-linguist encode corpus.jsonl vectors/` wrote with the same model,
    so that only the queries are encoded
echo "a mna plays teh guitar" | pixel-linguist search corpus.jsonl --show id text
    one query a line from a file or another program
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.data.records import TEXT, column, open_records, text_of
from pixel_linguist.encode.corpus import origin
from pixel_linguist.encode.shards import check_origin, read_shards
from pixel_linguist.search.exact import ExactIndex


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("corpus", type=path, help=".txt, .tsv, .csv, .jsonl or .parquet")
    add("--model", default="tiny", help="folder, or name of a shipped model (tiny)")
    add("--column", default=TEXT, help="column searched (text)")
    add("--show", nargs="+", metavar="COLUMN", help="columns shown (default: the one searched)")
    add("--vectors", type=path, metavar="FOLDER", help="vectors of the corpus")
    add("-k", type=int, default=5, help="records shown per query (5)")
    options = parser.parse_args(arguments)
    if options.k < 1:
        parser.error(f"-k is {options.k}; it must be at least 1")
    return options


def run(options: argparse.Namespace) -> None:
    """Encode the corpus and answer the queries."""
    texts, shown = read_corpus(options)
    encoder = SentenceEncoder.load(options.model)
    index = ExactIndex(corpus_vectors(options, encoder, texts))
    for query in read_queries():
        hits = index.search(encoder.encode([query]), options.k)
        print(query)
        for score, row in zip(hits.scores[0], hits.rows[0], strict=True):
            print(f"  {score:.3f}  {shown[row]}")


def read_corpus(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the texts that are searched, and the line that is shown for each."""
    show = options.show or [options.column]
    texts, shown = [], []
    for record, where in open_records(options.corpus):
        texts.append(text_of(record, options.column, where))
        values = [column(record, name, where) for name in show]
        shown.append("  ".join("" if value is None else str(value) for value in values))
    return texts, shown


def corpus_vectors(
    options: argparse.Namespace, encoder: SentenceEncoder, texts: list[str]
) -> np.ndarray:
    """Read the vectors of the texts, or encode these.

    Raises:
        FileNotFoundError: if the folder holds no vectors.
        ValueError: if they are of another file, column or model, or incomplete.
    """
    if options.vectors is None:
        return encoder.encode(texts, show_progress=True)
    check_origin(options.vectors, origin(options.corpus, options.column, encoder.model))
    vectors, needed = read_shards(options.vectors), (len(texts), encoder.dimension)
    if vectors.shape != needed:
        raise ValueError(
            f"{options.vectors} holds vectors of shape {vectors.shape}; {options.corpus} and the "
            f"model need {needed}"
        )
    return vectors


def read_queries() -> Iterator[str]:
    """Yield queries: from a terminal until an empty one, else line by line."""
    if not sys.stdin.isatty():
        yield from map(str.strip, sys.stdin)
        return
    try:
        while query := input("\nquery (empty to leave): ").strip():
            yield query
    except EOFError:
        print()
