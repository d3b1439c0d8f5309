"""Records of files: the one reader for training, evaluation and encoding.

| file | a record |
|---|---|
| .txt | a line, as {"text": line}; an empty line is an empty text |
| .tsv, .csv | a row below the header, as {column: str}; blank lines are skipped |
| .jsonl | a JSON object a line; blank lines are skipped, null is None |
| .parquet | a row; null is None |

Columns of the same name are numbered as pandas does (id, id.1).

Text files may be gzipped (.tsv.gz). They are UTF-8 with or without a byte-order mark; lines end
with LF or CRLF, and all other line breaks (CR, U+0085, U+2028, ...) are text.

A .csv cell is quoted as Python's csv module writes it (dialect "excel"), a .tsv cell likewise
("excel-tab") if all names in the header are quoted. Most .tsv files have no quoting, so that
otherwise a .tsv cell enclosed in quotation marks is unquoted only if it is empty or holds a tab, a
line break or doubled quotation marks: the cells that pandas, Excel and csv quote in a .tsv. A
quotation mark anywhere else is text. Where a line break may end a row or stand in a cell, it ends
the row, as always in a .tsv of one column; a quoted header, or .csv, leaves no doubt.
"""

import collections
import contextlib
import dataclasses
import gzip
import itertools
import json
import logging
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pixel_linguist.files import local_path

Record = dict[str, Any]
TEXT = "text"
# A quoted cell that holds more lines is read as lines of text.
LONGEST_CELL = 1000


class Source(Protocol):
    """A random-access sequence of records."""

    def __len__(self) -> int:
        """Return the number of records."""
        ...

    def __getitem__(self, index: int) -> Record:
        """Return one record."""
        ...


def in_split(number: int, remainders: Sequence[int]) -> bool:
    """Return whether a number leaves one of the remainders when divided by 10; () is all."""
    return not remainders or number % 10 in remainders


class Raw(NamedTuple):
    """A record that is not parsed yet: its first line, or row, from 1, and its content."""

    number: int
    content: Any


@dataclasses.dataclass(frozen=True)
class Records:
    """The records of a file, read and parsed one by one, so that memory does not grow.

    Attributes:
        path: of the file.
        raw: starts to read; yields records that are not parsed, so that skipping them costs little.
        parser: content of a raw record -> the record; raises ValueError.
        unit: what `Raw.number` counts.
    """

    path: Path
    raw: Callable[[], Iterator[Raw]]
    parser: Callable[[Any], Record]
    unit: str = "line"

    def where(self, raw: Raw) -> str:
        """Return the place of a record for messages: file and line."""
        return f"{self.path}, {self.unit} {raw.number}"

    def parse(self, raw: Raw) -> Record:
        """Parse a record; ValueError names file and line."""
        try:
            return self.parser(raw.content)
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.where(raw)}: not UTF-8: {error}") from error
        except ValueError as error:
            raise ValueError(f"{self.where(raw)}: {error}") from error

    def __iter__(self) -> Iterator[tuple[Record, str]]:
        """Yield each record and its place."""
        return ((self.parse(raw), self.where(raw)) for raw in self.raw())


def open_records(path: str | Path) -> Records:
    """Open a file of one of the kinds above.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a URL; if it has no records, or another ending. A bad line is reported when
            it is parsed.
    """
    path = local_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in READERS:
        raise ValueError(f"{path} ends in {kind!r}; what is read ends in {', '.join(READERS)}")
    records = READERS[kind](path)
    if next(records.raw(), None) is None:
        raise ValueError(f"{path} has no records")
    return records


def read_table(
    path: Path, columns: Sequence[str] | None = None, *, skip_bad_lines: bool = False
) -> list[Record]:
    """Read a whole file.

    Args:
        columns: of the records; None for all.
        skip_bad_lines: leave out lines that cannot be read or lack a column, with a logged warning
            that counts them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as `open_records`; for the first bad line, with file and line; or if all are.
    """
    records = open_records(path)
    found: list[Record] = []
    bad: list[ValueError] = []
    for raw in records.raw():
        try:
            record = records.parse(raw)
            if columns is not None:
                record = {name: column(record, name, records.where(raw)) for name in columns}
            found.append(record)
        except ValueError as error:
            bad.append(error)
            if not skip_bad_lines:
                raise
    if not found:
        raise bad[0]
    if bad:
        total = len(found) + len(bad)
        message = "%d of %d records are left out; the first: %s"
        logging.getLogger(__name__).warning(message, len(bad), total, bad[0])
    return found


def read_rows(
    root: Path,
    path: str,
    columns: Sequence[str] | None = None,
    *,
    skip_bad_lines: bool = False,
) -> Iterator[tuple[Record, str]]:
    """Yield each record of `read_table`, and its place for messages, as "a.tsv, record 3"."""
    rows = read_table(root / path, columns, skip_bad_lines=skip_bad_lines)
    return ((row, f"{path}, record {number}") for number, row in enumerate(rows, start=1))


def column(row: Mapping[str, Any], name: str, where: str = "the record") -> Any:
    """Return a column of a record; ValueError names the place and the columns there are."""
    if name not in row:
        raise ValueError(f"{where} has no column {name!r}; it has {', '.join(row)}")
    return row[name]


def present(row: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a column of a record; ValueError if there is none, or it is null."""
    value = column(row, name, where)
    if value is None:
        raise ValueError(f"{where}: {name!r} is null")
    return value


def text_of(row: Mapping[str, Any], name: str, where: str = "the record") -> str:
    """Return the text in a column; ValueError if there is no such column, or it holds no text."""
    text = column(row, name, where)
    if not isinstance(text, str):
        raise ValueError(f"{where}: {name!r} is a {type(text).__name__}, not a text: {text!r:.80}")
    return text


def id_of(row: Mapping[str, Any], name: str, where: str) -> str:
    """Return the id in a column, a text or an integer, as a text; ValueError for anything else."""
    value = column(row, name, where)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{where}: {name!r} is {value!r:.80}, not an id: a text or an integer")
    return str(value)


def number_of(row: Mapping[str, Any], name: str, where: str = "the record") -> float:
    """Return the number in a column; ValueError if it is none, or not finite."""
    value = column(row, name, where)
    with contextlib.suppress(TypeError, ValueError):
        if math.isfinite(number := float(value)):
            return number
    raise ValueError(f"{where}: {name!r} is {value!r}, not a finite number")


def _lines(path: Path) -> Iterator[Raw]:
    """Yield lines as bytes without their end."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                yield Raw(number, line.removesuffix(b"\n").removesuffix(b"\r"))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is not gzip, or damaged: {error}") from error


def _text(path: Path) -> Records:
    return Records(path, lambda: _lines(path), lambda line: {TEXT: line.decode()})


def _jsonl(path: Path) -> Records:
    def parse(line: bytes) -> Record:
        try:
            record = json.loads(line.decode())
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(f"not a JSON object: {record!r:.80}")
        return record

    return Records(path, lambda: (raw for raw in _lines(path) if raw.content.strip()), parse)


def _parquet(path: Path) -> Records:
    from pyarrow import ArrowException, parquet

    def rows() -> Iterator[Raw]:
        try:
            with parquet.ParquetFile(path) as file:
                names = list(_distinct(file.schema_arrow.names))
                batches = file.iter_batches(1024)
                lists = (batch.rename_columns(names).to_pylist() for batch in batches)
                rows = enumerate(itertools.chain.from_iterable(lists), start=1)
                yield from itertools.starmap(Raw, rows)
        except (ArrowException, OSError) as error:
            raise ValueError(f"{path} is not Parquet, or damaged: {error}") from error

    return Records(path, rows, lambda row: row, "row")


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Number repeated column names as pandas does: a, a.1, a.2."""
    found: dict[str, None] = {}
    for name in names:
        numbered = (f"{name}.{number}" for number in itertools.count(1))
        found[next(new for new in itertools.chain([name], numbered) if new not in found)] = None
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class Table:
    """The layout of a .tsv or .csv file."""

    delimiter: str
    quoted: bool
    header: tuple[str, ...] = ()

    def parse(self, row: bytes) -> Record:
        """Return a row's cells by column."""
        cells = self.cells(row.decode())
        if len(cells) != len(self.header):
            names = ", ".join(self.header)
            raise ValueError(
                f"{len(cells)} columns, but the header has {len(self.header)}: {names}"
            )
        return dict(zip(self.header, cells, strict=True))

    def cells(self, row: str) -> list[str]:
        """Split a row; delimiters in quoted cells count only if that gives too many cells."""
        cells = row.split(self.delimiter)
        if '"' not in row:
            return cells
        if self.quoted or "\n" in row or len(cells) != len(self.header):
            sep = self.delimiter
            quoted = re.findall(rf'(?:\A|{sep})("(?:[^"]|"")*"|[^{sep}\n]*)(?={sep}|\Z)', row)
            if self.quoted or len(quoted) == len(self.header):
                cells = quoted
        return [self._unquoted(cell) for cell in cells]

    def _unquoted(self, cell: str) -> str:
        if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
            return cell
        inner = cell[1:-1]
        rest = inner.replace('""', "")
        needed = rest != inner or not inner or self.delimiter in inner or "\n" in inner
        return inner.replace('""', '"') if '"' not in rest and (self.quoted or needed) else cell

    def rows(self, lines: Iterator[Raw]) -> Iterator[Raw]:
        """Join the lines of quoted cells that hold line breaks, and drop blank lines.

        A line in which a quoted cell does not end is joined with the lines up to its end. If the
        line by itself has the right number of cells, which a lone quotation mark may explain, this
        is done only if none of those lines has, and in any case if the header is quoted.
        """
        waiting: collections.deque[Raw] = collections.deque()
        delimiter = self.delimiter.encode()

        def next_line() -> Raw | None:
            return waiting.popleft() if waiting else next(lines, None)

        def is_row(line: Raw) -> bool:
            return not self.quoted and line.content.count(delimiter) + 1 == len(self.header)

        while (line := next_line()) is not None:
            quotes = line.content.count(b'"')
            if quotes % 2 and (line.content[:1] == b'"' or delimiter + b'"' in line.content):
                parts = [line]
                while quotes % 2 and len(parts) < LONGEST_CELL and (part := next_line()):
                    parts.append(part)
                    if is_row(line) and is_row(part):
                        break
                    quotes += part.content.count(b'"')
                row = b"\n".join(part.content for part in parts)
                cells = self.cells(row.decode(errors="replace"))
                if quotes % 2 == 0 and len(cells) == len(self.header):
                    line = Raw(line.number, row)
                else:
                    waiting.extendleft(reversed(parts[1:]))
            if line.content:
                yield line


def _table(path: Path, delimiter: str, quoted: bool) -> Records:
    text = _text(path)
    first = next((raw for raw in text.raw() if raw.content), None)
    if first is None:
        return text
    names = text.parse(first)[TEXT]
    quoted = quoted or all(re.fullmatch('".*"', name) for name in names.split(delimiter))
    table = Table(delimiter, quoted, _distinct(Table(delimiter, quoted).cells(names)))

    def rows() -> Iterator[Raw]:
        return table.rows(itertools.dropwhile(lambda raw: raw.number <= first.number, _lines(path)))

    return Records(path, rows, table.parse)


READERS: dict[str, Callable[[Path], Records]] = {
    ".txt": _text,
    ".tsv": lambda path: _table(path, "\t", quoted=False),
    ".csv": lambda path: _table(path, ",", quoted=True),
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
