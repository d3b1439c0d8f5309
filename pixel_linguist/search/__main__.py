"""Answers queries about a file of texts, typos and all.

python -m pixel_linguist.search corpus.jsonl
    asks for queries, and shows the records whose column "text" is nearest to each
... --vectors vectors/
    with the vectors that `python -m pixel_linguist.encode corpus.jsonl vectors/` left, by the same
    model, so that nothing but the queries is encoded
echo "a mna plays teh guitar" | python -m pixel_linguist.search corpus.jsonl --show id text
    queries by line from a file or another program
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import column
from pixel_linguist.data.stream import TEXT, open_records, text_of
from pixel_linguist.encode.shards import read_shards
from pixel_linguist.search.exact import ExactIndex


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pixel_linguist.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("corpus", type=Path, help=".txt, .tsv, .jsonl or .parquet")
    add("--model", default="tiny", help="folder, or name of one that comes with the package (tiny)")
    add("--column", default=TEXT, help="that is searched (text)")
    add("--show", nargs="+", metavar="COLUMN", help="columns shown; default: the one searched")
    add("--vectors", type=Path, metavar="FOLDER", help="of the corpus, encoded before")
    add("-k", type=int, default=5, help="records shown a query (5)")
    return parser.parse_args(arguments)


def read_corpus(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the texts that are searched and, for each, what is shown."""
    records = open_records(options.corpus)
    show = options.show or [options.column]
    texts, shown = [], []
    for number, record in enumerate(records):
        where = records.where(number)
        texts.append(text_of(record, options.column, where))
        shown.append("  ".join(str(column(record, name, where)) for name in show))
    return texts, shown


def vectors_of(
    options: argparse.Namespace, encoder: SentenceEncoder, texts: list[str]
) -> np.ndarray:
    """Return the vectors of the texts, read if they were made before."""
    if options.vectors is None:
        return encoder.encode(texts, show_progress=True)
    vectors = read_shards(options.vectors)
    if vectors.shape != (len(texts), encoder.dimension):
        raise ValueError(
            f"{options.vectors} holds vectors of shape {vectors.shape}; {options.corpus} and the "
            f"model need {(len(texts), encoder.dimension)}"
        )
    return vectors


def asked() -> Iterator[str]:
    """Yield queries, from a terminal until an empty one, else line by line."""
    if not sys.stdin.isatty():
        yield from map(str.strip, sys.stdin)
        return
    while query := input("\nquery (empty to leave): ").strip():
        yield query


def main(arguments: list[str]) -> None:
    """Encode the corpus and answer."""
    options = parse(arguments)
    try:
        texts, shown = read_corpus(options)
        encoder = SentenceEncoder.load(options.model)
        index = ExactIndex(vectors_of(options, encoder, texts))
        for query in asked():
            hits = index.search(encoder.encode([query]), options.k)
            print(f"{query}")
            for score, row in zip(hits.scores[0], hits.rows[0], strict=True):
                print(f"  {score:.3f}  {shown[row]}")
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
    except (EOFError, KeyboardInterrupt):
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
