"""Records of a file of any size, read as they are used: text, TSV, JSONL, Parquet."""

import dataclasses
import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pixel_linguist.data.records import column

# What one line, or one row of Parquet, is before it is parsed.
Raw = Any
TEXT = "text"


@dataclasses.dataclass(frozen=True)
class Records:
    """A file's records, not yet parsed, so that skipping them costs little.

    Attributes:
        path: of the file.
        raw: starts to read; yields one item a record.
        parse: turns an item into columns by name; the str says where it stands.
        first: number of the first record's line, for messages.
    """

    path: Path
    raw: Callable[[], Iterator[Raw]]
    parse: Callable[[Raw, str], dict[str, Any]]
    first: int

    def where(self, number: int) -> str:
        """Say where record `number` stands."""
        return f"{self.path}, line {number + self.first}"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield parsed records."""
        return (self.parse(raw, self.where(number)) for number, raw in enumerate(self.raw()))


def open_records(path: Path) -> Records:
    """Open .txt (a record a line), .tsv (with a header), .jsonl, their .gz, or .parquet.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is empty, or of another kind. A bad line is told when it is parsed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind not in READERS:
        raise ValueError(f"{path} ends in {kind!r}; what is read ends in {', '.join(READERS)}")
    records = READERS[kind](path)
    if next(iter(records.raw()), None) is None:
        raise ValueError(f"{path} has no records")
    return records


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines; they end at line feeds alone, as other breaks are text."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def _decode(line: bytes, where: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8: {error}") from error


def _text(path: Path) -> Records:
    return Records(path, lambda: _lines(path), lambda raw, where: {TEXT: _decode(raw, where)}, 1)


def _tsv(path: Path) -> Records:
    header = _decode(next(_lines(path), b""), f"{path}, line 1").split("\t")

    def parse(raw: bytes, where: str) -> dict[str, str]:
        cells = _decode(raw, where).split("\t")
        if len(cells) != len(header):
            raise ValueError(
                f"{where}: {len(cells)} columns, but the header has {len(header)}: "
                f"{', '.join(header)}"
            )
        return dict(zip(header, cells, strict=True))

    return Records(path, lambda: itertools.islice(_lines(path), 1, None), parse, 2)


def _jsonl(path: Path) -> Records:
    def parse(raw: bytes, where: str) -> dict[str, Any]:
        try:
            record = json.loads(raw)
        except ValueError as error:
            raise ValueError(f"{where}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(f"{where}: {record!r:.80} is not a JSON object")
        return record

    return Records(path, lambda: _lines(path), parse, 1)


def _parquet(path: Path) -> Records:
    from pyarrow import ArrowInvalid, parquet

    def rows() -> Iterator[dict[str, Any]]:
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(1024):
                    yield from batch.to_pylist()
        except ArrowInvalid as error:
            raise ValueError(f"{path} is not Parquet: {error}") from error

    return Records(path, rows, lambda raw, where: raw, 1)


READERS: dict[str, Callable[[Path], Records]] = {
    ".txt": _text,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}


def text_of(record: dict[str, Any], name: str, where: str) -> str:
    """Return the text in a column.

    Raises:
        ValueError: if there is no such column, with those there are, or it holds no str.
    """
    text = column(record, name, where)
    if not isinstance(text, str):
        raise ValueError(f"{where}: {name!r} is a {type(text).__name__}, not a text: {text!r:.80}")
    return text
