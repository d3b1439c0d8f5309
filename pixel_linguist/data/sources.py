"""Sources of records: sequences of dicts, chosen by name with their own keyword arguments.

A source is read and checked when it is made, so that bad input is refused before work starts.
Paths are relative to the recipe's `data_dir`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pixel_linguist.data.world import WorldSource

Record = dict[str, Any]


class Source(Protocol):
    """A random-access sequence of records."""

    def __len__(self) -> int:
        """Return the number of records."""
        ...

    def __getitem__(self, index: int) -> Record:
        """Return one record."""
        ...


def read_lines(path: Path) -> list[str]:
    """Read the lines of a UTF-8 file; they end at line feeds alone, as other breaks are text.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: naming the path, if it is not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no data file {path}; check the recipe's data_dir")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}") from error
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a tab-separated UTF-8 file with a header line and no quoting.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: for a file without rows, or not UTF-8; for a row with too few or too many
            columns, by line.
    """
    lines = read_lines(path)
    if len(lines) < 2:
        raise ValueError(f"{path} has no rows")
    header = lines[0].split("\t")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            raise ValueError(
                f"{path}, line {number}: {len(cells)} columns, but the header has "
                f"{len(header)}: {', '.join(header)}"
            )
        rows.append(dict(zip(header, cells, strict=True)))
    return rows


def column(row: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a column of a record, or say which columns there are."""
    if name not in row:
        raise ValueError(f"{where} has no column {name!r}; it has {', '.join(row)}")
    return row[name]


def tsv(root: Path, *, path: str) -> list[Record]:
    """Read the rows of a tab-separated file as they are."""
    return list(read_table(root / path))


def sentences(root: Path, *, paths: Sequence[str], columns: Sequence[str]) -> list[Record]:
    """Collect the distinct texts of some columns of tab-separated files, as {"text"}.

    A cell is split at bars, so that a list of entries gives its entries.
    """
    texts: dict[str, None] = {}
    for path in paths:
        for row in read_table(root / path):
            for name in columns:
                for text in column(row, name, path).split("|"):
                    if text.strip():
                        texts[text.strip()] = None
    return [{"text": text} for text in texts]


NLI_LABELS = ("entailment", "neutral", "contradiction")


def group_nli(rows: Iterable[tuple[str, str, str]]) -> list[Record]:
    """Group rows (label, premise, hypothesis) by premise.

    Returns:
        {"premise", "entailment", "contradiction"}: each entailment gives one record, with one of
        its premise's contradictions by turns, or "" where the premise has none (the batch then
        gives the only negatives).
    """
    groups: dict[str, dict[str, list[str]]] = {}
    for label, premise, hypothesis in rows:
        groups.setdefault(premise, {}).setdefault(label, []).append(hypothesis)
    records = []
    for premise, group in groups.items():
        contradictions = group.get("contradiction", [""])
        for i, entailment in enumerate(group.get("entailment", [])):
            negative = contradictions[i % len(contradictions)]
            records.append(
                {"premise": premise, "entailment": entailment, "contradiction": negative}
            )
    return records


def nli_triples(root: Path, *, paths: Sequence[str]) -> list[Record]:
    """Group the rows of NLI files (columns label, premise, hypothesis) with `group_nli`."""
    records = []
    for path in paths:
        rows = []
        for line, row in enumerate(read_table(root / path), start=2):
            label, premise, hypothesis = (
                column(row, name, path) for name in ("label", "premise", "hypothesis")
            )
            if label not in NLI_LABELS:
                raise ValueError(f"{path}, line {line}: label {label!r} is not one of NLI's three")
            rows.append((label, premise, hypothesis))
        records += group_nli(rows)
    return records


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
    tables = {language: read_table(root / path) for language, path in paths.items()}
    if pivot not in tables:
        raise ValueError(f"the pivot {pivot!r} is not among the languages {', '.join(paths)}")
    records: dict[tuple[str, str, str], Record] = {}
    for language, table in tables.items():
        if len(table) != len(tables[pivot]):
            raise ValueError(
                f"{paths[language]} has {len(table)} rows, but {paths[pivot]} has "
                f"{len(tables[pivot])}: aligned files need as many"
            )
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


def articles(root: Path, *, path: str, minimum_words: int) -> list[Record]:
    """Read a JSONL file of {"title", "sections": [{"heading", "paragraphs": [str, ...]}, ...]}.

    Each section of at least `minimum_words` words is a record {"text", "title", "group"}; the
    sections of an article share its group, so that they are never negatives of each other.
    """
    file = root / path
    records = []
    for number, line in enumerate(read_lines(file), start=1):
        where = f"{file}, line {number}"
        try:
            article = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where}: not JSON: {error}") from error
        title = column(article, "title", where)
        for section in column(article, "sections", where):
            text = " ".join(column(section, "paragraphs", where))
            if len(text.split()) >= minimum_words:
                records.append({"text": text, "title": title, "group": number})
    return records


def tfds(root: Path, *, dataset: str, split: str, columns: Sequence[str]) -> "TfdsSource":
    """Read a TFDS data set prepared in array_record form; `root` is its data_dir."""
    return TfdsSource(root, dataset, split, tuple(columns))


class TfdsSource:
    """Records of a TFDS data set, read without TensorFlow; bytes become str."""

    def __init__(self, root: Path, name: str, split: str, columns: tuple[str, ...]):
        import tensorflow_datasets
        import tensorflow_datasets.text  # registers glue, multi_nli, xnli, wikipedia

        try:
            self.data = tensorflow_datasets.data_source(
                name,
                split=split,
                data_dir=root,
                download=False,
                builder_kwargs={"file_format": "array_record"},
            )
        except (AssertionError, FileNotFoundError, KeyError, NotImplementedError) as error:
            raise FileNotFoundError(
                f"the TFDS data set {name!r} is not prepared in {root} as array_record; prepare it "
                f"in Python with tensorflow_datasets.builder({name!r}, data_dir={str(root)!r}, "
                "file_format='array_record').download_and_prepare()"
            ) from error
        for wanted in columns:
            column(self.data.dataset_info.features, wanted, f"the TFDS data set {name!r}")
        self.columns = columns

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Record:
        record = self.data[index]
        chosen = {name: record[name] for name in self.columns}
        return {k: v.decode() if isinstance(v, bytes) else v for k, v in chosen.items()}


def tfds_nli_triples(root: Path, *, dataset: str, split: str) -> list[Record]:
    """Group the rows of a TFDS data set in the form of snli and multi_nli with `group_nli`.

    Its labels are numbered as in `NLI_LABELS`; rows on which annotators did not agree (-1) are
    left out.
    """
    data = TfdsSource(root, dataset, split, ("label", "premise", "hypothesis"))
    rows = (data[i] for i in range(len(data)))
    return group_nli(
        (NLI_LABELS[row["label"]], row["premise"], row["hypothesis"])
        for row in rows
        if row["label"] >= 0
    )


def world(
    root: Path, *, task: str, split: str, size: int, languages: Sequence[str], seed: int
) -> WorldSource:
    """Make records of the generated world; `root` is not used."""
    return WorldSource(task, split=split, size=size, languages=tuple(languages), seed=seed)


SOURCES: dict[str, Callable[..., Source]] = {
    "tsv": tsv,
    "sentences": sentences,
    "nli_triples": nli_triples,
    "aligned": aligned,
    "articles": articles,
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
