"""Clusters: texts that tell one story, as the headlines of several papers do."""

import collections
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, id_of, in_split, read_rows, text_of

_YEAR = re.compile(r"\b(1[5-9]|20)\d\d\b")


def clusters(
    root: Path,
    *,
    path: str,
    text: str,
    group: str,
    date: str | None = None,
    years: Sequence[int] = (),
    least: int = 2,
    remainders: Sequence[int] = (),
) -> list[Record]:
    """Group the texts of a table, of any format that `read_table` reads.

    Args:
        group: column of a text's cluster.
        date: column of dates, of which the first year with four digits is read.
        years: first and last year whose texts are taken; empty: all.
        least: distinct texts that a cluster must have; smaller ones are left out.
        remainders: of the cluster's number.

    Returns:
        {"texts": distinct texts, "group": number in the order of the table, "year" or None}; the
        year is that of the cluster's first text.

    Raises:
        ValueError: for a date without a year where years are chosen.
    """
    found: dict[str, dict[str, None]] = collections.defaultdict(dict)
    numbers: dict[str, int] = {}
    year_of: dict[str, int | None] = {}
    for row, where in read_rows(root, path):
        name = id_of(row, group, where)
        numbers.setdefault(name, len(numbers))
        written = _YEAR.search(str(column(row, date, where)).replace("T", " ")) if date else None
        year = int(written[0]) if written else None
        if years:
            if year is None:
                raise ValueError(f"{where}: years are chosen, but no date of a year is given")
            if not years[0] <= year <= years[-1]:
                continue
        year_of.setdefault(name, year)
        found[name][text_of(row, text, where)] = None
    return [
        {"texts": tuple(texts), "group": numbers[name], "year": year_of[name]}
        for name, texts in found.items()
        if len(texts) >= least and in_split(numbers[name], remainders)
    ]


def cluster_pair(record: Record, rng: np.random.Generator, *, texts: str = "texts") -> Example:
    """Draw two different texts of a cluster, all pairs of it equally likely; it is their group.

    Clusters are drawn, not pairs: pairs grow with the square of a cluster, and a few large ones
    would be most of the data. Source: HEADLINES (Silcock and Dell 2023, arXiv 2306.17810).

    Raises:
        ValueError: for a cluster of fewer than two texts.
    """
    found = column(record, texts)
    if isinstance(found, str) or len(found) < 2:
        raise ValueError(f"a cluster needs two texts or more: {found!r:.200}")
    first, second = rng.permutation(len(found))[:2]
    return Example({"anchor": found[first], "positive": found[second]}, group_of(record))
