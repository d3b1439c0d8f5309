"""Pair makers: what makes two texts alike is decided here and nowhere else.

A pair maker turns a record into an `Example`; it is chosen by name with its keyword arguments.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from pixel_linguist.data.sources import Record, column
from pixel_linguist.text.spans import two_spans


class Example(NamedTuple):
    """An anchor, its positive, and a hard negative ("" if it has none).

    Examples of one group (-1: none) are never negatives of each other. The target is what the
    anchor's embedding is to be, float [D], where a teacher has given one; the score says how alike
    anchor and positive are, where people have said so. Of an example as it is shown, `styles` are
    the seeds of the styles in which anchor, positive and negative are drawn.
    """

    anchor: str
    positive: str
    negative: str = ""
    group: int = -1
    target: np.ndarray | None = None
    score: float | None = None
    styles: tuple[int, ...] = (0, 0, 0)

    def style(self, view: str) -> int:
        """Return the seed of the style in which a view is drawn."""
        return self.styles[self._fields.index(view)]


class PairMaker(Protocol):
    """Turns a record into an example, with randomness from the generator alone."""

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        ...


def _draw(text: str, rng: np.random.Generator) -> str:
    """Draw one of the alternatives that bars separate."""
    options = text.split("|")
    return options[rng.integers(len(options))] if len(options) > 1 else text


@dataclasses.dataclass(frozen=True)
class Identity:
    """A text and itself: only perturbation and dropout tell the two views apart (SimCSE)."""

    text: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        text = column(record, self.text, "the record")
        return Example(text, text)


@dataclasses.dataclass(frozen=True)
class Columns:
    """Columns of a record: premise and hypothesis, a sentence and its translation, ...

    With `alternatives`, a cell of several that bars separate gives one at random; otherwise a bar
    is a character as any. The example has the record's group if there is one.
    """

    anchor: str
    positive: str
    negative: str | None
    alternatives: bool

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        anchor, positive, negative = (
            column(record, name, "the record") if name else ""
            for name in (self.anchor, self.positive, self.negative)
        )
        if self.alternatives:
            anchor, positive, negative = (_draw(text, rng) for text in (anchor, positive, negative))
        return Example(anchor, positive, negative, int(record.get("group", -1)))


@dataclasses.dataclass(frozen=True)
class Taught:
    """A text and the vector that a teacher has given for it, or for its translation."""

    text: str
    target: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example; its positive is its anchor."""
        text = column(record, self.text, "the record")
        target = np.asarray(column(record, self.target, "the record"), np.float32)
        return Example(text, text, target=target)


@dataclasses.dataclass(frozen=True)
class Graded:
    """Two columns of a record, and the one that says how alike they are."""

    anchor: str
    positive: str
    score: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        anchor, positive, score = (
            column(record, name, "the record") for name in (self.anchor, self.positive, self.score)
        )
        try:
            return Example(anchor, positive, score=float(score))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.score!r} is {score!r}, no number, in {record}") from error


@dataclasses.dataclass(frozen=True)
class Alternatives:
    """Two of the alternatives in one cell, separated by bars: the synonyms of an entry.

    A cell with only one gives it twice.
    """

    text: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        options = column(record, self.text, "the record").split("|")
        first, second = rng.permutation(len(options))[:2] if len(options) > 1 else (0, 0)
        return Example(options[first], options[second])


@dataclasses.dataclass(frozen=True)
class Spans:
    """Two spans of one document (topical alignment), `shortest` to `longest` words each."""

    text: str
    shortest: int
    longest: int

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example; it has the record's group if there is one."""
        text = column(record, self.text, "the record")
        anchor, positive = two_spans(text, rng, words=(self.shortest, self.longest))
        return Example(anchor, positive, group=int(record.get("group", -1)))


PAIR_MAKERS: dict[str, type] = {
    "identity": Identity,
    "columns": Columns,
    "taught": Taught,
    "graded": Graded,
    "alternatives": Alternatives,
    "spans": Spans,
}


def make_pair_maker(spec: Mapping[str, Any]) -> PairMaker:
    """Make the pair maker that {"name": ..., **arguments} describes."""
    arguments = dict(spec)
    name = arguments.pop("name", None)
    if name not in PAIR_MAKERS:
        raise ValueError(f"no pair maker {name!r}; there are {', '.join(PAIR_MAKERS)}")
    known = {field.name for field in dataclasses.fields(PAIR_MAKERS[name])}
    if wrong := set(arguments) ^ known:
        raise ValueError(
            f"pair maker {name!r} takes {', '.join(sorted(known))}; "
            f"unknown or missing: {', '.join(sorted(wrong))}"
        )
    return PAIR_MAKERS[name](**arguments)
