"""Named concepts of texts: columns of names become numbers, and what is known of them counts."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example, padded
from pixel_linguist.data.records import Record, Source, column


class NamedSource(Sequence[Record]):
    """Records with the numbers of their concepts.

    Attributes:
        names: of the concepts, by number: the most frequent first.
    """

    def __init__(self, source: Source, names_column: str, names: Sequence[str], most: int):
        """Number the concepts of all records.

        Args:
            source: of records.
            names_column: a column of names, a sequence or a text with bars; empty: none is known.
            names: of the concepts, such as those of a training split; empty: those of the records.
            most: number of names, the most frequent, that are taken; 0: all.

        Raises:
            ValueError: for a concept without a name, or if there are fewer than two.
        """
        self._records = [source[i] for i in range(len(source))]
        own = [_names(record, names_column) for record in self._records]
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
    cell = column(record, name, "the record") or ()
    names = cell.split("|") if isinstance(cell, str) else cell
    return tuple(dict.fromkeys(names))


@dataclasses.dataclass(frozen=True)
class WithConcepts:
    """Another pair maker's examples, with the fact "concepts" int32 [M] of their record.

    Attributes:
        maker: of the views.
    """

    maker: Any

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        made: Example = self.maker(record, rng)
        known = column(record, "concepts", "the record")
        facts: Mapping[str, Any] = {**made.facts, "concepts": tuple(known)}
        return made._replace(facts=facts)
