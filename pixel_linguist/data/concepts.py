"""Named concepts of texts: columns of names become numbers."""

import collections
from collections.abc import Sequence
from typing import Any

from pixel_linguist.data.example import padded
from pixel_linguist.data.records import Record, Source, column


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
