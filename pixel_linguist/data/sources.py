"""Sources of records: sequences of dicts, chosen by name with keyword arguments.

A source is read and checked when it is made, so that bad input is refused before work starts.
Paths are relative to the recipe's `data_dir`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.bucket import data_root
from pixel_linguist.data.arrow import HuggingFaceSource, ParquetSource
from pixel_linguist.data.clusters import clusters
from pixel_linguist.data.concepts import NamedSource
from pixel_linguist.data.dictionary import dictionary
from pixel_linguist.data.documents import passages
from pixel_linguist.data.emoji import emoji
from pixel_linguist.data.emoji_pages import emoji_pages
from pixel_linguist.data.graph import linked, neighbourhoods
from pixel_linguist.data.nli import nli_triples
from pixel_linguist.data.posts import tagged_posts
from pixel_linguist.data.records import Record, Source, column, present, read_table, text_of
from pixel_linguist.data.representative import cut
from pixel_linguist.data.skills import skill_lists
from pixel_linguist.data.tfds import TfdsSource, tfds_folder, tfds_nli_triples
from pixel_linguist.data.topics import topics
from pixel_linguist.data.toy import ToySource
from pixel_linguist.data.walks import entity_pairs, tuples, walks
from pixel_linguist.data.word_list import words
from pixel_linguist.data.word_pages import WordPages, word_pages
from pixel_linguist.registry import make

__all__ = ["Record", "Source", "column", "make_source", "source_files", "source_folder"]


def rows(
    root: Path,
    *,
    path: str,
    columns: Sequence[str] | None = None,
    skip_bad_lines: bool = False,
) -> list[Record]:
    """Read columns (None: all) of a file of any kind that `read_table` reads."""
    return read_table(root / path, columns, skip_bad_lines=skip_bad_lines)


def sentences(
    root: Path, *, paths: Sequence[str], columns: Sequence[str], skip_bad_lines: bool = False
) -> list[Record]:
    """Collect the distinct texts in columns of files, as {"text"}; null is left out.

    A cell is split at vertical bars, which separate the entries of a list.
    """
    texts: dict[str, None] = {}
    for path in paths:
        table = read_table(root / path, columns, skip_bad_lines=skip_bad_lines)
        for number, row in enumerate(table, start=1):
            for name in columns:
                if row[name] is not None:
                    parts = text_of(row, name, f"{path}, record {number}").split("|")
                    texts |= dict.fromkeys(part.strip() for part in parts)
    return [{"text": text} for text in texts if text]


def aligned(
    root: Path, *, paths: Mapping[str, str], columns: Sequence[str], pivot: str
) -> list[Record]:
    """Pair sentences of files whose rows are translations of each other.

    Args:
        paths: language -> file; all have the same number of rows.
        pivot: the language with which each other one is paired.

    Returns:
        Distinct {"sentence1" (pivot), "sentence2", "language1", "language2"}.
    """
    if pivot not in paths:
        raise ValueError(f"the pivot {pivot!r} is not among the languages {', '.join(paths)}")
    tables = _same_length(root, paths, columns)
    pairs = dict.fromkeys(
        (
            text_of(ours, name, f"{paths[pivot]}, record {number}"),
            text_of(theirs, name, f"{paths[language]}, record {number}"),
            language,
        )
        for language, table in tables.items()
        if language != pivot
        for number, (ours, theirs) in enumerate(zip(tables[pivot], table, strict=True), start=1)
        for name in columns
    )
    return [
        {"sentence1": first, "sentence2": second, "language1": pivot, "language2": language}
        for first, second, language in pairs
    ]


def translations(root: Path, *, paths: Mapping[str, str], columns: Sequence[str]) -> list[Record]:
    """Join each sentence in all languages into one text, {"text"}; for files see `aligned`."""
    tables = _same_length(root, paths, columns)
    texts = (
        " ".join(text_of(row, name, path) for path, row in zip(paths.values(), rows, strict=True))
        for name in columns
        for rows in zip(*tables.values(), strict=True)
    )
    return [{"text": text} for text in dict.fromkeys(texts)]


def _same_length(
    root: Path, paths: Mapping[str, str], columns: Sequence[str]
) -> dict[str, list[Record]]:
    """Read files that must have the same number of rows."""
    tables = {language: read_table(root / path, columns) for language, path in paths.items()}
    if len({len(table) for table in tables.values()}) > 1:
        counts = (f"{len(table)} in {paths[language]}" for language, table in tables.items())
        raise ValueError(f"aligned files need the same number of rows: {', '.join(counts)}")
    return tables


def articles(
    root: Path, *, path: str, minimum_words: int, skip_bad_lines: bool = False
) -> list[Record]:
    """Read articles {"title", "sections": [{"heading", "paragraphs": [str, ...]}, ...]}.

    Each section of at least `minimum_words` words is a record {"text", "title", "group"}; the
    sections of an article share its group, so that they are never negatives of each other.
    """
    table = read_table(root / path, ("title", "sections"), skip_bad_lines=skip_bad_lines)
    records = []
    for number, article in enumerate(table, start=1):
        where = f"{path}, record {number}"
        for section in present(article, "sections", where):
            paragraphs = present(section, "paragraphs", where)
            if not all(isinstance(paragraph, str) for paragraph in paragraphs):
                raise ValueError(f"{where}: 'paragraphs' holds something else than texts")
            text = " ".join(paragraphs)
            if len(text.split()) >= minimum_words:
                records.append({"text": text, "title": article["title"], "group": number})
    return records


def toy(
    root: Path, *, task: str, split: str, size: int, languages: Sequence[str], seed: int
) -> ToySource:
    """Make records of the generated world; `root` is not used."""
    return ToySource(task, split=split, size=size, languages=tuple(languages), seed=seed)


def named(
    root: Path, *, source: Mapping[str, Any], column: str, names: Sequence[str] = (), most: int = 0
) -> NamedSource:
    """Number the concepts in a column of another source's records; see `NamedSource`."""
    return NamedSource(make_source(root, source), column, names, most)


def cut_documents(
    root: Path, *, source: Mapping[str, Any], text: str, size: int, least: int = 10
) -> list[Record]:
    """Cut the documents of another source into passages, as `cut` says."""
    return cut(make_source(root, source), text=text, size=size, least=least)


def pages_of_words(root: Path, *, source: Mapping[str, Any], **options: Any) -> WordPages:
    """Make pages of the texts of another source, as `word_pages` says."""
    return word_pages(make_source(root, source), **options)


def linked_records(root: Path, *, source: Mapping[str, Any], text: str, by: str) -> list[Record]:
    """Make a graph of another source's records, as `linked` says."""
    return linked(make_source(root, source), text=text, by=by)


SOURCES: dict[str, Callable[..., Source]] = {
    "txt": rows,
    "tsv": rows,
    "csv": rows,
    "jsonl": rows,
    "sentences": sentences,
    "nli_triples": nli_triples,
    "aligned": aligned,
    "translations": translations,
    "articles": articles,
    "parquet": ParquetSource,
    "huggingface": HuggingFaceSource,
    "tfds": TfdsSource,
    "tfds_nli_triples": tfds_nli_triples,
    "toy": toy,
    "emoji": emoji,
    "emoji_pages": emoji_pages,
    "word_pages": pages_of_words,
    "words": words,
    "clusters": clusters,
    "tagged_posts": tagged_posts,
    "passages": passages,
    "skill_lists": skill_lists,
    "cut_documents": cut_documents,
    "walks": walks,
    "tuples": tuples,
    "entity_pairs": entity_pairs,
    "dictionary": dictionary,
    "topics": topics,
    "named": named,
    "neighbourhoods": neighbourhoods,
    "linked": linked_records,
}


def make_source(root: str | Path, spec: Mapping[str, Any]) -> Source:
    """Make the source that {"name": ..., **arguments} describes.

    Args:
        root: the folder of data, on this machine or gs://BUCKET/FOLDER.

    Raises:
        ValueError: for an unknown name, wrong arguments, or an empty source.
        FileNotFoundError: naming a missing file.
    """
    source = make("source", SOURCES, spec, data_root(root, spec))
    if len(source) == 0:
        raise ValueError(f"the source {dict(spec)} is empty")
    return source


def source_files(root: str | Path, spec: Mapping[str, Any]) -> list[Path]:
    """Return the files that a source's "path" or "paths" name, relative to `root`."""
    if "source" in spec:
        return source_files(root, spec["source"])
    paths = spec.get("paths", ())
    files = [*(paths.values() if isinstance(paths, Mapping) else paths), spec.get("path")]
    folder = data_root(root, spec)
    return [Path(path) for path in files if path and (folder / path).is_file()]


def source_folder(root: str | Path, spec: Mapping[str, Any]) -> Path | None:
    """Return the folder that holds a source's data set: of TFDS, or in `root`.

    In `root` are those of Hugging Face, and the folders that a "path" names. None for any other
    source, and for a data set on the Hub.
    """
    here = data_root(root, spec)
    if spec["name"] in ("tfds", "tfds_nli_triples"):
        return tfds_folder(here, spec["dataset"])
    named = spec["dataset"] if spec["name"] == "huggingface" else spec.get("path")
    folder = here / named if named else None
    return folder if folder and folder.is_dir() else None
