"""Sources of records: sequences of dicts, chosen by name with keyword arguments.

A source is read and checked when it is made, so that bad input is refused before work starts: a
missing file by FileNotFoundError; a missing column, null or another value than is expected by
ValueError, with the file and the record. Arguments that many sources have:

- root: the recipe's `data_dir`, to which `path` and `paths` are relative.
- remainders: of a record's number in its file by ten; records with one of them are taken, so that
  files become splits; empty: all are.
- source: the specification of another source, of whose records this one is made.
"""

import collections
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.bucket import data_root
from pixel_linguist.data.arrow import HuggingFaceSource, ParquetSource
from pixel_linguist.data.clusters import clusters
from pixel_linguist.data.dictionary import dictionary
from pixel_linguist.data.documents import passages
from pixel_linguist.data.edited_texts import EditedTexts
from pixel_linguist.data.emoji import emoji
from pixel_linguist.data.emoji_pages import emoji_pages
from pixel_linguist.data.example import padded
from pixel_linguist.data.graph import linked, neighbourhoods
from pixel_linguist.data.nli import nli_triples
from pixel_linguist.data.posts import tagged_posts
from pixel_linguist.data.records import (
    Record,
    Source,
    column,
    in_split,
    present,
    read_rows,
    read_table,
    text_of,
)
from pixel_linguist.data.representative import cut
from pixel_linguist.data.skills import skill_lists
from pixel_linguist.data.tfds import TfdsSource, tfds_builder, tfds_nli_triples
from pixel_linguist.data.topics import topics
from pixel_linguist.data.toy import ToySource
from pixel_linguist.data.walks import entity_pairs, tuples, walks
from pixel_linguist.data.word_list import words
from pixel_linguist.data.word_pages import word_pages
from pixel_linguist.registry import check_arguments, make


def rows(
    root: Path,
    *,
    path: str,
    columns: Sequence[str] | None = None,
    skip_bad_lines: bool = False,
    remainders: Sequence[int] = (),
) -> list[Record]:
    """Read columns (None: all) of a file of any kind that `read_table` reads.

    `remainders`, if any, are those that the numbers of the records read leave when divided by 10.
    """
    records = read_table(root / path, columns, skip_bad_lines=skip_bad_lines)
    return [x for number, x in enumerate(records) if in_split(number, remainders)]


def sentences(
    root: Path, *, paths: Sequence[str], columns: Sequence[str], skip_bad_lines: bool = False
) -> list[Record]:
    """Collect the distinct texts in columns of files, as {"text"}; null is left out.

    A cell is split at vertical bars, which separate the entries of a list.
    """
    texts: dict[str, None] = {}
    for path in paths:
        for row, where in read_rows(root, path, columns, skip_bad_lines=skip_bad_lines):
            for name in columns:
                if row[name] is not None:
                    parts = text_of(row, name, where).split("|")
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
    tables = _aligned_texts(root, paths, columns)
    pairs = dict.fromkeys(
        (first, second, language)
        for language, table in tables.items()
        if language != pivot
        for ours, theirs in zip(tables[pivot], table, strict=True)
        for first, second in zip(ours, theirs, strict=True)
    )
    return [
        {"sentence1": first, "sentence2": second, "language1": pivot, "language2": language}
        for first, second, language in pairs
    ]


def translations(root: Path, *, paths: Mapping[str, str], columns: Sequence[str]) -> list[Record]:
    """Join each sentence in all languages into one text, {"text"}; for files see `aligned`."""
    tables = _aligned_texts(root, paths, columns)
    texts = (
        " ".join(row[column] for row in same)
        for column in range(len(columns))
        for same in zip(*tables.values(), strict=True)
    )
    return [{"text": text} for text in dict.fromkeys(texts)]


def _aligned_texts(
    root: Path, paths: Mapping[str, str], columns: Sequence[str]
) -> dict[str, list[list[str]]]:
    """Return language → the columns of each row of its file; all have the same number of rows."""
    tables = {
        language: [
            [text_of(row, name, where) for name in columns]
            for row, where in read_rows(root, path, columns)
        ]
        for language, path in paths.items()
    }
    if len({len(table) for table in tables.values()}) > 1:
        counts = (f"{len(table)} in {paths[language]}" for language, table in tables.items())
        raise ValueError(f"aligned files need the same number of rows: {', '.join(counts)}")
    return tables


def texts(source: Source, columns: Sequence[str]) -> list[Record]:
    """Make a record {"text"} of each of some columns of another source, record by record."""
    return [{"text": text_of(source[i], name)} for i in range(len(source)) for name in columns]


def articles(
    root: Path, *, path: str, minimum_words: int, skip_bad_lines: bool = False
) -> list[Record]:
    """Read articles {"title", "sections": [{"heading", "paragraphs": [str, ...]}, ...]}.

    Each section of at least `minimum_words` words is a record {"text", "title", "group"}; the
    sections of an article share its group, so that they are never negatives of each other.
    """
    table = read_rows(root, path, ("title", "sections"), skip_bad_lines=skip_bad_lines)
    records = []
    for number, (article, where) in enumerate(table, start=1):
        for section in present(article, "sections", where):
            paragraphs = present(section, "paragraphs", where)
            if not all(isinstance(paragraph, str) for paragraph in paragraphs):
                raise ValueError(f"{where}: 'paragraphs' holds something else than texts")
            text = " ".join(paragraphs)
            if len(text.split()) >= minimum_words:
                records.append({"text": text, "title": article["title"], "group": number})
    return records


class NamedSource(Sequence[Record]):
    """The records of a source, with the numbers of their concepts in the column "concepts".

    Args:
        column: of names, a sequence or a text with bars; empty: none is known.
        names: of the concepts, such as those of a training split; empty: those of the records, the
            most frequent first.
        most: number of names, the most frequent, that are taken; 0: all.

    Attributes:
        names: of the concepts, by number.

    Raises:
        ValueError: for a concept without a name, or if there are fewer than two.
    """

    def __init__(self, source: Source, column: str, names: Sequence[str] = (), most: int = 0):
        self._records = [source[i] for i in range(len(source))]
        own = [_names(record, column) for record in self._records]
        counts = collections.Counter(name for of_record in own for name in of_record)
        if not names:
            names = sorted(counts, key=lambda name: (-counts[name], name))[: most or None]
        if len(set(names)) < 2 or not all(name.strip() for name in names):
            raise ValueError(f"two concepts or more with names are needed, not {list(names)!r:.80}")
        self.names = tuple(names)
        place = {name: number for number, name in enumerate(self.names)}
        self._concepts = [[place[x] for x in of_record if x in place] for of_record in own]
        self._longest = max(1, *map(len, self._concepts))

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        concepts = padded(self._concepts[index], self._longest)
        return {**self._records[index], "concepts": concepts}


def _names(record: Record, name: str) -> tuple[str, ...]:
    cell = column(record, name) or ()
    names = cell.split("|") if isinstance(cell, str) else cell
    return tuple(dict.fromkeys(names))


def toy(
    root: Path, *, task: str, split: str, size: int, languages: Sequence[str], seed: int
) -> ToySource:
    """Make records of the generated world; `root` is not used."""
    return ToySource(task, split=split, size=size, languages=tuple(languages), seed=seed)


def _of_another(name: str, function: Callable[..., Source]) -> Callable[..., Source]:
    """Return the source that a function of records and keyword arguments makes of another one."""

    def derived(root: Path, *, source: Mapping[str, Any], **options: Any) -> Source:
        check_arguments(f"source {name!r}", function, options, given=1)
        return function(make_source(root, source), **options)

    return derived


SOURCES: dict[str, Callable[..., Source]] = {
    "txt": rows,
    "tsv": rows,
    "csv": rows,
    "jsonl": rows,
    "sentences": sentences,
    "texts": _of_another("texts", texts),
    "edited_texts": _of_another("edited_texts", EditedTexts),
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
    "word_pages": _of_another("word_pages", word_pages),
    "words": words,
    "clusters": clusters,
    "tagged_posts": tagged_posts,
    "passages": passages,
    "skill_lists": skill_lists,
    "cut_documents": _of_another("cut_documents", cut),
    "walks": walks,
    "tuples": tuples,
    "entity_pairs": entity_pairs,
    "dictionary": dictionary,
    "topics": topics,
    "named": _of_another("named", NamedSource),
    "neighbourhoods": neighbourhoods,
    "linked": _of_another("linked", linked),
}


def make_source(root: str | Path, spec: Mapping[str, Any]) -> Source:
    """Make the source that {"name": ..., **arguments} describes.

    Args:
        root: the folder of data, on this machine or gs://BUCKET/FOLDER.

    Raises:
        ValueError: for an unknown name, wrong arguments, or an empty source; as above.
    """
    source = make("source", SOURCES, spec, data_root(root, spec))
    if len(source) == 0:
        raise ValueError(f"the source {dict(spec)} is empty: no record fits its settings")
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
        return Path(tfds_builder(here, spec["dataset"]).data_dir)
    named = spec["dataset"] if spec["name"] == "huggingface" else spec.get("path")
    folder = here / named if named else None
    return folder if folder and folder.is_dir() else None
