"""Sources of records: sequences of dicts, chosen by name with their own keyword arguments.

A source is read and checked when it is made, so that bad input is refused before work starts.
Paths are relative to the recipe's `data_dir`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.data.arrow import huggingface, parquet
from pixel_linguist.data.nli import nli_triples
from pixel_linguist.data.records import (
    Record,
    Source,
    column,
    read_lines,
    read_objects,
    read_table,
)
from pixel_linguist.data.tfds import tfds, tfds_folder, tfds_nli_triples
from pixel_linguist.data.world import WorldSource

__all__ = [
    "Record",
    "Source",
    "column",
    "make_source",
    "read_lines",
    "read_table",
    "source_files",
    "source_folder",
]


def tsv(root: Path, *, path: str, skip_bad_lines: bool = False) -> list[Record]:
    """Read the rows of a tab-separated file as they are."""
    return list(read_table(root / path, skip_bad_lines=skip_bad_lines))


def jsonl(
    root: Path, *, path: str, columns: Sequence[str], skip_bad_lines: bool = False
) -> list[Record]:
    """Read columns of a file of one JSON object a line."""
    records = []
    for number, row in read_objects(root / path, skip_bad_lines=skip_bad_lines):
        where = f"{root / path}, line {number},"
        records.append({name: column(row, name, where) for name in columns})
    return records


def sentences(
    root: Path, *, paths: Sequence[str], columns: Sequence[str], skip_bad_lines: bool = False
) -> list[Record]:
    """Collect the distinct texts of some columns of tab-separated files, as {"text"}.

    A cell is split at bars, so that a list of entries gives its entries.
    """
    texts: dict[str, None] = {}
    for path in paths:
        for row in read_table(root / path, skip_bad_lines=skip_bad_lines):
            for name in columns:
                for text in column(row, name, path).split("|"):
                    if text.strip():
                        texts[text.strip()] = None
    return [{"text": text} for text in texts]


def aligned(
    root: Path, *, paths: Mapping[str, str], columns: Sequence[str], pivot: str
) -> list[Record]:
    """Make parallel sentences from files whose rows are translations of each other.

    Args:
        root: the data folder.
        paths: language → file; all have the same number of rows.
        columns: those that hold sentences.
        pivot: the language with which each other one is paired.

    Returns:
        Distinct {"sentence1" (pivot), "sentence2", "language1", "language2"}.
    """
    if pivot not in paths:
        raise ValueError(f"the pivot {pivot!r} is not among the languages {', '.join(paths)}")
    records: dict[tuple[str, str, str], Record] = {}
    tables = _same_rows(root, {pivot: paths[pivot], **paths})
    for language, table in tables.items():
        if language == pivot:
            continue
        for ours, theirs in zip(tables[pivot], table, strict=True):
            for name in columns:
                pair = (column(ours, name, paths[pivot]), column(theirs, name, paths[language]))
                records[(*pair, language)] = {
                    "sentence1": pair[0],
                    "sentence2": pair[1],
                    "language1": pivot,
                    "language2": language,
                }
    return list(records.values())


def _same_rows(root: Path, paths: Mapping[str, str]) -> dict[str, list[Record]]:
    """Read files whose rows are translations of each other: as many as the first has."""
    tables = {language: read_table(root / path) for language, path in paths.items()}
    first = next(iter(paths))
    for language, table in tables.items():
        if len(table) != len(tables[first]):
            raise ValueError(
                f"{paths[language]} has {len(table)} rows, but {paths[first]} has "
                f"{len(tables[first])}: aligned files need as many"
            )
    return tables


def translations(root: Path, *, paths: Mapping[str, str], columns: Sequence[str]) -> list[Record]:
    """Make one text, {"text"}, of each sentence in all languages; see `aligned`."""
    tables = _same_rows(root, paths)
    texts = (
        " ".join(column(row, name, paths[code]) for code, row in zip(paths, rows, strict=True))
        for name in columns
        for rows in zip(*tables.values(), strict=True)
    )
    return [{"text": text} for text in dict.fromkeys(texts)]


def articles(
    root: Path, *, path: str, minimum_words: int, skip_bad_lines: bool = False
) -> list[Record]:
    """Read a JSONL file of {"title", "sections": [{"heading", "paragraphs": [str, ...]}, ...]}.

    Each section of at least `minimum_words` words is a record {"text", "title", "group"}; the
    sections of an article share its group, so that they are never negatives of each other.
    """
    records = []
    for number, article in read_objects(root / path, skip_bad_lines=skip_bad_lines):
        where = f"{root / path}, line {number}"
        title = column(article, "title", where)
        for section in column(article, "sections", where):
            text = " ".join(column(section, "paragraphs", where))
            if len(text.split()) >= minimum_words:
                records.append({"text": text, "title": title, "group": number})
    return records


def world(
    root: Path, *, task: str, split: str, size: int, languages: Sequence[str], seed: int
) -> WorldSource:
    """Make records of the generated world; `root` is not used."""
    return WorldSource(task, split=split, size=size, languages=tuple(languages), seed=seed)


SOURCES: dict[str, Callable[..., Source]] = {
    "tsv": tsv,
    "jsonl": jsonl,
    "sentences": sentences,
    "nli_triples": nli_triples,
    "aligned": aligned,
    "translations": translations,
    "articles": articles,
    "parquet": parquet,
    "huggingface": huggingface,
    "tfds": tfds,
    "tfds_nli_triples": tfds_nli_triples,
    "world": world,
}


def make_source(root: str | Path, spec: Mapping[str, Any]) -> Source:
    """Make the source that {"name": ..., **arguments} describes.

    Raises:
        ValueError: for an unknown name, wrong arguments, or an empty source.
    """
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if name not in SOURCES:
        raise ValueError(f"no source {name!r}; there are {', '.join(SOURCES)}")
    try:
        source = SOURCES[name](Path(root), **arguments)
    except TypeError as error:
        raise ValueError(f"source {name!r}: {error}") from error
    if len(source) == 0:
        raise ValueError(f"source {name!r} with {arguments} is empty")
    return source


def source_files(root: str | Path, spec: Mapping[str, Any]) -> list[Path]:
    """Return the files that a source's "path" or "paths" name, relative to `root`."""
    paths = spec.get("paths", ())
    named = [*(paths.values() if isinstance(paths, Mapping) else paths), spec.get("path")]
    return [Path(path) for path in named if path and (Path(root) / path).is_file()]


def source_folder(root: str | Path, spec: Mapping[str, Any]) -> Path | None:
    """Return the folder that holds a source's data set: of TFDS, or of Hugging Face in `root`.

    None for any other source, and for a data set from the Hub.
    """
    if spec["name"] in ("tfds", "tfds_nli_triples"):
        return tfds_folder(Path(root), spec["dataset"])
    folder = Path(root) / spec["dataset"] if spec["name"] == "huggingface" else None
    return folder if folder and folder.is_dir() else None
