"""Dictionaries: definitions, each with the entries that it defines."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example, padded
from pixel_linguist.data.records import Record, Source, column, in_split, read_rows, text_of


def dictionary(
    root: Path,
    *,
    path: str,
    definition: str = "definition",
    entries: str = "entries",
    shortest: int = 0,
    remainders: Sequence[int] = (),
) -> list[Record]:
    """Read the definitions of a table, and number their entries.

    Args:
        definition: column of definitions.
        entries: column of the entries of a definition, of any number of words, joined by bars.
        shortest: number of the definitions with the fewest letters that are taken; 0: all.
        remainders: of the definition's number in the table.

    Returns:
        A record a definition: {"text", "names": its entries, "entries": their numbers among the
        entries of all these records, then -1 up to one length}.

    Raises:
        ValueError: for a definition without an entry or an entry without a definition.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    for number, (row, where) in enumerate(read_rows(root, path, (definition, entries))):
        text, cell = (text_of(row, name, where).strip() for name in (definition, entries))
        names = tuple(dict.fromkeys(name.strip() for name in cell.split("|") if name.strip()))
        if not text or not names:
            raise ValueError(f"{where}: {names or 'no entry'} has the definition {text!r}")
        if in_split(number, remainders):
            found.append((text, names))
    if shortest:
        found = sorted(found, key=lambda record: len(record[0]))[:shortest]
    distinct = dict.fromkeys(name for _, names in found for name in names)
    numbers = {name: number for number, name in enumerate(distinct)}
    most = max((len(names) for _, names in found), default=0)
    return [
        {"text": text, "names": names, "entries": padded([numbers[x] for x in names], most)}
        for text, names in found
    ]


def defined(record: Record, rng: np.random.Generator) -> Example:
    """Take a definition as "anchor", and one of its entries by chance as "positive".

    Its entries are facts: "entries" int32 [M], and the groups, so that a definition of an entry is
    no negative of another one of it.
    """
    names, entries = (column(record, name) for name in ("names", "entries"))
    views = {"anchor": text_of(record, "text"), "positive": names[int(rng.integers(len(names)))]}
    return Example(views, {"group": tuple(entries), "entries": tuple(entries)})


@dataclasses.dataclass(frozen=True)
class Definitions:
    """An annotator: the model's vector of each definition, beside the numbers of its entries."""

    def __call__(self, records: Source, rows: range, embed: Any) -> dict[str, np.ndarray]:
        """Return "definition" float32 [N, D] and "entries" int32 [N, M]."""
        texts = [text_of(records[i], "text") for i in rows]
        entries = [column(records[i], "entries") for i in rows]
        vectors = np.asarray(embed(texts), np.float32)
        return {"definition": vectors, "entries": np.array(entries, np.int32)}


def entry_vectors(vectors: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Return the vectors of entries, float32 [K, D]: the mean over the definitions of each.

    Args:
        vectors: of definitions, float [N, D].
        entries: int [N, M], of each definition, then -1; together they are 0 to K - 1.

    Raises:
        ValueError: for an entry without a definition.
    """
    definition, place = np.nonzero(entries >= 0)
    number = entries[definition, place]
    counts = np.bincount(number)
    if not len(counts) or not counts.all():
        raise ValueError(f"entry {int(np.argmin(counts)) if len(counts) else 0} has no definition")
    sums = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(sums, number, np.asarray(vectors, float)[definition])
    return (sums / counts[:, None]).astype(np.float32)
