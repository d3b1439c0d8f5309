"""Texts with those that a frozen model finds most like them."""

import dataclasses
from typing import Any

import numpy as np

from pixel_linguist.data.candidates import nearest
from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, Source, column, text_of

# Texts whose cosines with all others are held at once.
_BLOCK = 512


@dataclasses.dataclass
class NearestTexts:
    """An annotator: the model's vector of each text, and the numbers of the texts nearest to it.

    Vectors are taken less the mean of all, which says nothing of a text, and have length 1. Nearest
    by cosine, best first, never the record itself.

    Attributes:
        text: column of texts.
        count: nearest texts of each.
    """

    text: str
    count: int = 12

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count is {self.count}; at least 1 text is needed")
        self._known: tuple[Source, np.ndarray] | None = None

    def __call__(self, records: Source, rows: range, embed: Any) -> dict[str, np.ndarray]:
        """Return "target" float32 [N, D] and "nearest" int32 [N, count] of the records `rows`.

        Raises:
            ValueError: if there are no more than `count` records.
        """
        if len(records) <= self.count:
            raise ValueError(f"{len(records)} records have no {self.count} nearest others")
        if self._known is None or self._known[0] is not records:
            texts = [text_of(records[i], self.text) for i in range(len(records))]
            vectors = np.asarray(embed(texts), np.float32)
            vectors = vectors - vectors.mean(axis=0)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            self._known = records, vectors / np.maximum(lengths, 1e-12)
        vectors = self._known[1]
        found = []
        for start in range(rows.start, rows.stop, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, rows.stop))
            cosines = vectors[block] @ vectors.T
            cosines[np.arange(len(block)), block] = -2
            found.append(nearest(cosines, self.count).astype(np.int32))
        return {"target": vectors[rows.start : rows.stop], "nearest": np.concatenate(found)}


def with_nearest(
    record: Record, rng: np.random.Generator, *, text: str, number: int, again: float = 0.0
) -> Example:
    """Take a text, "anchor", and some of its nearest, "nearest_1" to "nearest_{number}".

    Records are those that the annotator `NearestTexts` has annotated. The fact "target" is float32
    [1 + number, D], the model's vectors of them all.

    Args:
        text: column of texts.
        number: texts that are drawn, without repetition.
        again: share of examples, 0 to 1, in which "nearest_1" is the text itself, of which
            perturbation and style make another picture.

    Raises:
        ValueError: if a record has fewer nearest texts, or `again` is out of range.
    """
    numbers = column(record, "nearest", "the record without annotations")
    if not 1 <= number <= len(numbers):
        raise ValueError(f"number is {number}; the annotation has {len(numbers)} nearest texts")
    if not 0 <= again <= 1:
        raise ValueError(f"again is {again}; it must be from 0 to 1")
    others = [record["record_of"](int(i)) for i in rng.choice(numbers, number, replace=False)]
    if rng.random() < again:
        others[0] = record
    views = {"anchor": text_of(record, text)}
    views |= {f"nearest_{n}": text_of(other, text) for n, other in enumerate(others, start=1)}
    return Example(views, {"target": np.stack([x["target"] for x in (record, *others)])})
