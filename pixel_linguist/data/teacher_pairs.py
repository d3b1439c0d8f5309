"""Pairs for a teacher that reads both texts in one sequence, and for the student of its scores."""

import dataclasses
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, Source, column, number_of, text_of


def joined(first: str, second: str, separator: str) -> str:
    """Return both texts of a pair as one."""
    return f"{first} {separator} {second}"


def _scaled(record: Record, name: str, bounds: tuple[float, float]) -> float:
    """Return a score as a share of its scale."""
    score, (low, high) = number_of(record, name, "the record"), bounds
    if not low <= score <= high:
        raise ValueError(f"the score is {score}, not from {low} to {high}: {record!r:.200}")
    return (score - low) / (high - low)


@dataclasses.dataclass(frozen=True)
class JoinedPair:
    """Both texts of a scored pair as one text, in either order.

    Attributes:
        first: column of a text.
        second: column of the other one.
        score: column of the score.
        bounds: least and greatest score; they become 0 and 1.
        separator: between the texts.
    """

    first: str
    second: str
    score: str
    bounds: tuple[float, float] = (0.0, 5.0)
    separator: str = "¶"

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example: the view "anchor", and the fact "score" in [0, 1]."""
        texts = [text_of(record, name, "the record") for name in (self.first, self.second)]
        if rng.random() < 0.5:
            texts.reverse()
        score = _scaled(record, self.score, self.bounds)
        return Example({"anchor": joined(texts[0], texts[1], self.separator)}, {"score": score})


@dataclasses.dataclass(frozen=True)
class TaughtPair:
    """A pair with the score of a teacher, and its own score if it has one.

    Records are those that the annotator `JointScores` has annotated.

    Attributes:
        first: column of a text.
        second: column of the other one.
        score: column of the score; None: these pairs have no label.
        bounds: least and greatest score; they become 0 and 1.
    """

    first: str
    second: str
    score: str | None = None
    bounds: tuple[float, float] = (0.0, 5.0)

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example, with facts "target" (the teacher's), "score" and "labelled"."""
        names = {"anchor": self.first, "positive": self.second}
        views = {view: text_of(record, name, "the record") for view, name in names.items()}
        score = _scaled(record, self.score, self.bounds) if self.score else 0.0
        target = float(column(record, "target", "the record without annotations"))
        facts = {"target": target, "score": score, "labelled": self.score is not None}
        return Example(views, facts)


@dataclasses.dataclass(frozen=True)
class JointScores:
    """An annotator: the scores that a teacher (`JoinedScore`) gives pairs, the mean of both orders.

    Attributes:
        first: column of a text.
        second: column of the other one.
        separator: as the teacher was trained with.
    """

    first: str
    second: str
    separator: str = "¶"

    def __call__(self, records: Source, rows: range, embed: Any) -> dict[str, np.ndarray]:
        """Return "target" float32 [N]."""
        names = (self.first, self.second)
        pairs = [[text_of(records[i], x, "the record") for x in names] for i in rows]
        texts = [joined(a, b, self.separator) for a, b in pairs]
        texts += [joined(b, a, self.separator) for a, b in pairs]
        scores = np.asarray(embed(texts), np.float32)[:, 0]
        return {"target": scores.reshape(2, -1).mean(axis=0)}
