"""Records, and text files as records: what is read is checked to its last line at once."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

Record = dict[str, Any]
T = TypeVar("T")


class Source(Protocol):
    """A random-access sequence of records."""

    def __len__(self) -> int:
        """Return the number of records."""
        ...

    def __getitem__(self, index: int) -> Record:
        """Return one record."""
        ...


def column(row: Mapping[str, Any], name: str, where: str) -> Any:
    """Return a column of a record, or say which columns there are."""
    if name not in row:
        raise ValueError(f"{where} has no column {name!r}; it has {', '.join(row)}")
    return row[name]


def read_lines(path: Path) -> list[str]:
    """Read the lines of a UTF-8 file; they end at line feeds alone, as other breaks are text.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: naming the path and the line, if it is not UTF-8.
    """
    return _parse_lines(path, str)


def read_table(path: Path, *, skip_bad_lines: bool = False) -> list[dict[str, str]]:
    """Read a tab-separated UTF-8 file with a header line and no quoting.

    Args:
        path: of the file.
        skip_bad_lines: leave out the rows that cannot be read, with a warning that counts them.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: for a file without rows; for a row that is not UTF-8, or has too few or too
            many columns, by line.
    """
    header: list[str] = []

    def parse(line: str) -> dict[str, str] | None:
        cells = line.split("\t")
        if not header:
            header.extend(cells)
            return None
        if len(cells) != len(header):
            names = ", ".join(header)
            raise ValueError(f"{len(cells)} columns, but the header has {len(header)}: {names}")
        return dict(zip(header, cells, strict=True))

    rows = [row for row in _parse_lines(path, parse, skip_bad_lines) if row is not None]
    if not rows:
        raise ValueError(f"{path} has no rows")
    return rows


def read_objects(path: Path, *, skip_bad_lines: bool = False) -> list[tuple[int, Record]]:
    """Read a file of one JSON object a line: (line number, object).

    Args:
        path: of the file.
        skip_bad_lines: leave out the lines that are none, with a warning that counts them.

    Raises:
        FileNotFoundError: naming the path.
        ValueError: naming the path and the line.
    """

    def parse(line: str) -> Record:
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"not a JSON object: {line:.80}")
        return value

    return _parse_lines(path, parse, skip_bad_lines, numbered=True)


def _parse_lines(
    path: Path, parse: Callable[[str], T], skip_bad_lines: bool = False, numbered: bool = False
) -> list[Any]:
    """Parse each line of a UTF-8 file; what `parse` raises is told with file and line."""
    if not path.is_file():
        raise FileNotFoundError(f"no data file {path}; check the recipe's data_dir")
    content = path.read_bytes().replace(b"\r\n", b"\n").removesuffix(b"\n")
    lines = content.split(b"\n") if content else []
    parsed: list[Any] = []
    bad = []
    for number, line in enumerate(lines, start=1):
        try:
            value = parse(line.decode())
        except ValueError as error:  # a UnicodeDecodeError is one
            kind = "not UTF-8: " if isinstance(error, UnicodeDecodeError) else ""
            bad.append(f"{path}, line {number}: {kind}{error}")
            if not skip_bad_lines:
                raise ValueError(bad[0]) from error
        else:
            parsed.append((number, value) if numbered else value)
    if bad:
        warnings.warn(
            f"{len(bad)} of {len(lines)} lines are left out; the first: {bad[0]}", stacklevel=4
        )
    return parsed
