"""Answers queries about a file of texts, in spite of typos, or about pictures of text.

pixel-linguist search corpus.jsonl
    asks for queries, and shows the records whose column "text" is nearest to each
... --vectors vectors/
    with the vectors that `pixel-linguist encode corpus.jsonl vectors/` wrote with the same model,
    so that only the queries are encoded
echo "a mna plays teh guitar" | pixel-linguist search corpus.jsonl --show id text
    one query a line from a file or another program
pixel-linguist search screenshots/ --model runs/tiny/model --vectors vectors/
    shows the pictures of a folder, or the pages of a .pdf, whose text is nearest to each query
... --picture photo.jpg
    the query is the text in a picture
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import path
from pixel_linguist.data.records import TEXT, column, open_records, text_of
from pixel_linguist.encode import picture_corpus, shards
from pixel_linguist.encode.corpus import origin
from pixel_linguist.encode.picture_corpus import Pages, holds_pages, page_embedder
from pixel_linguist.render.images import read_grey
from pixel_linguist.render.word_pictures import read_page
from pixel_linguist.search.exact import ExactIndex


def parse(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Parse the command line."""
    add = parser.add_argument
    add("corpus", type=path, help=".txt, .tsv, .csv, .jsonl or .parquet; folder or .pdf")
    add("--model", default="tiny", help="folder, or name of a shipped model (tiny)")
    add("--column", default=TEXT, help="column searched (text)")
    add("--show", nargs="+", metavar="COLUMN", help="columns shown (default: the one searched)")
    add("--vectors", type=path, metavar="FOLDER", help="vectors of the corpus")
    add("--picture", type=path, metavar="FILE", help="picture whose text is the query")
    add("-k", type=int, default=5, help="records or pictures shown per query (5)")
    options = parser.parse_args(arguments)
    if options.k < 1:
        parser.error(f"-k is {options.k}; it must be at least 1")
    if options.show and holds_pages(options.corpus):
        parser.error("--show needs a file of records; of pictures, paths and pages are shown")
    return options


def run(options: argparse.Namespace) -> None:
    """Encode the corpus and answer the queries."""
    if holds_pages(options.corpus):
        pages = Pages(options.corpus)
        encoder = SentenceEncoder.load(options.model)
        vectors, shown = read_pages(options, encoder, pages)
    else:
        texts, shown = read_corpus(options)
        encoder = SentenceEncoder.load(options.model)
        vectors = corpus_vectors(options, encoder, texts)
    index = ExactIndex(vectors)
    for query, vector in read_queries(options, encoder):
        hits = index.search(vector, options.k)
        print(query)
        found = zip(hits.scores[0], hits.rows[0], strict=True)
        for rank, (score, row) in enumerate(found, start=1):
            print(f"  {rank:2}  {score:.3f}  {shown[row]}")


def read_pages(
    options: argparse.Namespace, encoder: SentenceEncoder, pages: Pages
) -> tuple[np.ndarray, list[str]]:
    """Return the vectors of pages with text, and the line that is shown for each."""
    embedder = page_embedder(options.model, encoder)
    if options.vectors is None:
        with tqdm(total=len(pages.pages), unit="picture") as progress:
            vectors, words = picture_corpus.embed_pages(
                embedder, pages, pages.pages, progress.update
            )
        picture_corpus.log_unread(words, embedder.encoder.config.max_patches)
    else:
        shards.check_origin(options.vectors, origin(options.corpus, options.column, encoder.model))
        columns = shards.read_columns(options.vectors, ["path", "words"])
        if columns["path"] != [page.name for page in pages.pages]:
            raise ValueError(
                f"{options.vectors} holds vectors of {len(columns['path'])} of "
                f"{len(pages.pages)} pictures; encode the rest"
            )
        vectors, words = shards.read_shards(options.vectors), columns["words"]
    kept = [row for row, count in enumerate(words) if count]
    if not kept:
        raise ValueError(f"no text was found in the pictures of {options.corpus}")
    folder = options.corpus if options.corpus.is_dir() else options.corpus.parent
    return vectors[kept], [str(folder / str(pages.pages[row])) for row in kept]


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
    """Read the vectors of the texts, or encode these."""
    if options.vectors is None:
        return encoder.encode(texts, show_progress=True)
    shards.check_origin(options.vectors, origin(options.corpus, options.column, encoder.model))
    vectors, needed = shards.read_shards(options.vectors), (len(texts), encoder.dimension)
    if vectors.shape != needed:
        raise ValueError(
            f"{options.vectors} holds vectors of shape {vectors.shape}; {options.corpus} and the "
            f"model need {needed}"
        )
    return vectors


def read_queries(
    options: argparse.Namespace, encoder: SentenceEncoder
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield queries and their vectors [1, D]: a picture, or texts."""
    if options.picture is None:
        for text in read_lines():
            yield text, encoder.encode([text])
        return
    words = read_page(read_grey(options.picture))
    if not len(words):
        raise ValueError(f"no text was found in {options.picture}")
    vector, _ = page_embedder(options.model, encoder).embed_words([words])
    yield str(options.picture), vector


def read_lines() -> Iterator[str]:
    """Yield lines: from a terminal until an empty one, else all."""
    if not sys.stdin.isatty():
        yield from map(str.strip, sys.stdin)
        return
    try:
        while query := input("\nquery (empty to leave): ").strip():
            yield query
    except EOFError:
        print()
