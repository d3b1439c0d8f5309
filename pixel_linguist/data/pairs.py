"""Pair makers: what makes two texts alike is decided here and nowhere else.

A pair maker turns a record into an `Example`; it is chosen by name with its keyword arguments.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from pixel_linguist.data.candidates import Debiased
from pixel_linguist.data.clusters import ClusterPair
from pixel_linguist.data.concepts import WithConcepts
from pixel_linguist.data.crops import Crops
from pixel_linguist.data.dictionary import Defined
from pixel_linguist.data.documents import Neighbours
from pixel_linguist.data.emoji import Captioned
from pixel_linguist.data.emoji_pages import OnPage
from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.graph import Neighbourhood
from pixel_linguist.data.posts import Labelled, TaggedPosts
from pixel_linguist.data.records import Record, column, number_of, text_of
from pixel_linguist.data.representative import RepresentativeSets
from pixel_linguist.data.skills import TitleAndSkills
from pixel_linguist.data.teacher_pairs import JoinedPair, TaughtPair
from pixel_linguist.data.topics import DisarrayedTopics
from pixel_linguist.data.word_list import OneLetterOff
from pixel_linguist.registry import make
from pixel_linguist.text.spans import two_spans


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
        text = text_of(record, self.text, "the record")
        return Example({"anchor": text, "positive": text})


@dataclasses.dataclass(frozen=True)
class Columns:
    """Columns of a record: premise and hypothesis, a sentence and its translation, ...

    With `alternatives`, a cell of several that bars separate gives one at random; otherwise a bar
    is a character as any. The example has the record's group if there is one, and its columns
    `facts`.
    """

    anchor: str
    positive: str
    negative: str | None = None
    alternatives: bool = False
    facts: tuple[str, ...] = ()

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        names = {"anchor": self.anchor, "positive": self.positive, "negative": self.negative}
        views = {view: text_of(record, name, "the record") for view, name in names.items() if name}
        if self.alternatives:
            views = {view: _draw(text, rng) for view, text in views.items()}
        facts = {name: column(record, name, "the record") for name in self.facts}
        return Example(views, {**group_of(record), **facts})


@dataclasses.dataclass(frozen=True)
class TeacherTarget:
    """A text and the vector that a teacher has given for it, or for its translation."""

    text: str
    target: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example, with the fact "target" float32 [D]."""
        target = np.asarray(column(record, self.target, "the record"), np.float32)
        text = text_of(record, self.text, "the record")
        return Example({"anchor": text, "positive": text}, {"target": target})


@dataclasses.dataclass(frozen=True)
class ScoredPair:
    """Two columns of a record, and the one that says how alike they are."""

    anchor: str
    positive: str
    score: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example, with the fact "score"."""
        names = {"anchor": self.anchor, "positive": self.positive}
        views = {view: text_of(record, name, "the record") for view, name in names.items()}
        return Example(views, {"score": number_of(record, self.score, "the record")})


@dataclasses.dataclass(frozen=True)
class Alternatives:
    """Two of the alternatives in one cell, separated by bars: the synonyms of an entry.

    A cell with only one gives it twice.
    """

    text: str

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        options = text_of(record, self.text, "the record").split("|")
        first, second = rng.permutation(len(options))[:2] if len(options) > 1 else (0, 0)
        return Example({"anchor": options[first], "positive": options[second]})


@dataclasses.dataclass(frozen=True)
class Spans:
    """Two spans of one document (topical alignment), `shortest` to `longest` words each."""

    text: str
    shortest: int
    longest: int

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example; it has the record's group if there is one."""
        text = text_of(record, self.text, "the record")
        anchor, positive = two_spans(text, rng, words=(self.shortest, self.longest))
        return Example({"anchor": anchor, "positive": positive}, group_of(record))


@dataclasses.dataclass(frozen=True)
class Noted:
    """Another pair maker's examples, with facts that all of them share, such as a part's number."""

    maker: PairMaker
    facts: Mapping[str, Any]

    def __call__(self, record: Record, rng: np.random.Generator) -> Example:
        """Return the example."""
        made = self.maker(record, rng)
        return made._replace(facts={**made.facts, **self.facts})


def with_facts(*, pairs: Mapping[str, Any], facts: Mapping[str, Any]) -> PairMaker:
    """Make the pair maker that `pairs` describes, whose examples have these facts as well."""
    return Noted(make_pair_maker(pairs), dict(facts))


def with_concepts(*, pairs: Mapping[str, Any]) -> PairMaker:
    """Make the pair maker that `pairs` describes, whose examples have their record's concepts."""
    return WithConcepts(make_pair_maker(pairs))


PAIR_MAKERS: dict[str, Callable[..., PairMaker]] = {
    "identity": Identity,
    "columns": Columns,
    "teacher_target": TeacherTarget,
    "scored_pair": ScoredPair,
    "alternatives": Alternatives,
    "spans": Spans,
    "with_facts": with_facts,
    "crops": Crops,
    "captioned": Captioned,
    "on_page": OnPage,
    "one_letter_off": OneLetterOff,
    "cluster_pair": ClusterPair,
    "tagged_posts": TaggedPosts,
    "labelled": Labelled,
    "neighbours": Neighbours,
    "debiased": Debiased,
    "representative_sets": RepresentativeSets,
    "title_and_skills": TitleAndSkills,
    "defined": Defined,
    "joined_pair": JoinedPair,
    "taught_pair": TaughtPair,
    "disarrayed_topics": DisarrayedTopics,
    "with_concepts": with_concepts,
    "neighbourhood": Neighbourhood,
}


def make_pair_maker(spec: Mapping[str, Any]) -> PairMaker:
    """Make the pair maker that {"name": ..., **arguments} describes.

    Raises:
        ValueError: for an unknown name or argument, naming the nearest known.
    """
    return make("pair maker", PAIR_MAKERS, spec)
