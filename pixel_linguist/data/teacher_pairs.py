"""Pairs for a teacher that reads both texts in one sequence, and for the student of its scores."""

import dataclasses
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, Source, column, number_of, text_of


def joined(first: str, second: str) -> str:
    """Return both texts of a pair as one."""
    return f"{first} ¶ {second}"


def _scaled(record: Record, name: str, bounds: tuple[float, float]) -> float:
    """Return a score as a share of its scale."""
    score, (low, high) = number_of(record, name), bounds
    if not low <= score <= high:
        raise ValueError(f"the score is {score}, not from {low} to {high}: {record!r:.200}")
    return (score - low) / (high - low)


def joined_pair(
    record: Record,
    rng: np.random.Generator,
    *,
    first: str,
    second: str,
    score: str,
    bounds: tuple[float, float] = (0.0, 5.0),
) -> Example:
    """Take both texts of a scored pair as one text, the view "anchor", in either order.

    Args:
        first: column of a text.
        second: column of the other one.
        score: column of the score, the fact "score".
        bounds: least and greatest score; they become 0 and 1.
    """
    texts = [text_of(record, first), text_of(record, second)]
    if rng.random() < 0.5:
        texts.reverse()
    facts = {"score": _scaled(record, score, bounds)}
    return Example({"anchor": joined(*texts)}, facts)


def taught_pair(
    record: Record,
    rng: np.random.Generator,
    *,
    first: str,
    second: str,
    score: str | None = None,
    bounds: tuple[float, float] = (0.0, 5.0),
) -> Example:
    """Take a pair with facts "target" (a teacher's score), "score" (its own) and "labelled".

    Records are those that the annotator `JointScores` has annotated. Arguments are as of
    `joined_pair`; without `score`, these pairs have no label.
    """
    views = {"anchor": text_of(record, first), "positive": text_of(record, second)}
    own = _scaled(record, score, bounds) if score else 0.0
    target = float(column(record, "target", "the record without annotations"))
    return Example(views, {"target": target, "score": own, "labelled": score is not None})


@dataclasses.dataclass(frozen=True)
class JointScores:
    """An annotator: the scores that a teacher (`JoinedScore`) gives pairs, the mean of both orders.

    Attributes:
        first: column of a text.
        second: column of the other one.
    """

    first: str
    second: str

    def __call__(self, records: Source, rows: range, embed: Any) -> dict[str, np.ndarray]:
        """Return "target" float32 [N]."""
        names = (self.first, self.second)
        pairs = [[text_of(records[i], x) for x in names] for i in rows]
        texts = [joined(a, b) for a, b in pairs] + [joined(b, a) for a, b in pairs]
        scores = np.asarray(embed(texts), np.float32)[:, 0]
        return {"target": scores.reshape(2, -1).mean(axis=0)}
