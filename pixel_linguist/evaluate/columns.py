"""Columns of a source of records, read whole and checked, for tasks."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from pixel_linguist.data.records import Source, column, number_of, text_of


def read_column(
    source: Source,
    name: str,
    kind: str,
    cell: Callable[[Mapping[str, Any], str, str], Any] = column,
) -> list[Any]:
    """Return a column.

    Args:
        source: N records.
        kind: noun for a record in error messages, as in "STS record".
        cell: returns the column's value in a record, or raises ValueError with the place.

    Raises:
        ValueError: naming the first record without the column; for a source without records.
    """
    if not len(source):
        raise ValueError(f"there is no {kind}")
    return [cell(source[number], name, f"{kind} {number}") for number in range(len(source))]


def read_texts(source: Source, name: str, kind: str) -> tuple[str, ...]:
    """Return a column of strings; arguments and errors are those of `read_column`."""
    return tuple(read_column(source, name, kind, text_of))


def read_numbers(
    source: Source, name: str, kind: str, lowest: float = -math.inf, highest: float = math.inf
) -> tuple[float, ...]:
    """Return a column of finite numbers in lowest..highest, given as numbers or as strings.

    Arguments and errors are those of `read_column`.
    """

    def in_range(record: Mapping[str, Any], name: str, where: str) -> float:
        number = number_of(record, name, where)
        if not lowest <= number <= highest:
            raise ValueError(f"{where}: {name} is {number}, not in {lowest}..{highest}")
        return number

    return tuple(read_column(source, name, kind, in_range))
