"""Pair makers: what makes two texts alike is decided here and nowhere else.

A pair maker is a function of a record, a generator, which is its only source of randomness, and
keyword arguments, which a recipe sets; it returns an `Example`. An argument `pairs` is another one.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pixel_linguist.data.candidates import debiased
from pixel_linguist.data.clusters import cluster_pair
from pixel_linguist.data.dictionary import defined
from pixel_linguist.data.documents import neighbours
from pixel_linguist.data.emoji import captioned
from pixel_linguist.data.emoji_pages import on_page
from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.graph import neighbourhood
from pixel_linguist.data.nearest_texts import with_nearest
from pixel_linguist.data.posts import labelled, posts_of_tag
from pixel_linguist.data.records import Record, column, number_of, text_of
from pixel_linguist.data.representative import representative_sets
from pixel_linguist.data.skills import title_and_skills
from pixel_linguist.data.teacher_pairs import joined_pair, taught_pair
from pixel_linguist.data.topics import disarrayed_topics
from pixel_linguist.data.word_list import one_letter_off
from pixel_linguist.registry import check_arguments, choose
from pixel_linguist.text.spans import crop, two_spans

PairMaker = Callable[[Record, np.random.Generator], Example]


def identity(record: Record, rng: np.random.Generator, *, text: str) -> Example:
    """Take a text and itself: only perturbation and dropout tell the two views apart (SimCSE)."""
    written = text_of(record, text)
    return Example({"anchor": written, "positive": written})


def columns(
    record: Record,
    rng: np.random.Generator,
    *,
    anchor: str,
    positive: str,
    negative: str | None = None,
    alternatives: bool = False,
    facts: Sequence[str] = (),
) -> Example:
    """Take columns of a record: premise and hypothesis, a sentence and its translation, ...

    With `alternatives`, a cell of several that bars separate gives one at random; otherwise a bar
    is a character as any. The example has the record's group if there is one, and its columns
    `facts`.
    """
    names = {"anchor": anchor, "positive": positive, "negative": negative}
    views = {view: text_of(record, name) for view, name in names.items() if name}
    if alternatives:
        views = {view: _draw(text, rng) for view, text in views.items()}
    return Example(views, {**group_of(record), **{name: column(record, name) for name in facts}})


def _draw(text: str, rng: np.random.Generator) -> str:
    """Draw one of the alternatives that bars separate."""
    options = text.split("|")
    return options[rng.integers(len(options))] if len(options) > 1 else text


def teacher_target(record: Record, rng: np.random.Generator, *, text: str, target: str) -> Example:
    """Take a text and the fact "target", float32 [D]: a teacher's vector of it or its translation.

    The vector is in the column `target`.
    """
    vector = np.asarray(column(record, target), np.float32)
    return identity(record, rng, text=text)._replace(facts={"target": vector})


def scored_pair(
    record: Record, rng: np.random.Generator, *, anchor: str, positive: str, score: str
) -> Example:
    """Take two columns of a record, and the fact "score", how alike they are."""
    views = {"anchor": text_of(record, anchor), "positive": text_of(record, positive)}
    return Example(views, {"score": number_of(record, score)})


def alternatives(record: Record, rng: np.random.Generator, *, text: str) -> Example:
    """Draw two of the alternatives in one cell, separated by bars: the synonyms of an entry.

    A cell with only one gives it twice.
    """
    options = text_of(record, text).split("|")
    first, second = rng.permutation(len(options))[:2] if len(options) > 1 else (0, 0)
    return Example({"anchor": options[first], "positive": options[second]})


def spans(
    record: Record, rng: np.random.Generator, *, text: str, shortest: int, longest: int
) -> Example:
    """Draw two spans of one document (topical alignment), `shortest` to `longest` words each.

    The example has the record's group if there is one.
    """
    anchor, positive = two_spans(text_of(record, text), rng, words=(shortest, longest))
    return Example({"anchor": anchor, "positive": positive}, group_of(record))


def crops(
    record: Record,
    rng: np.random.Generator,
    *,
    text: str,
    chunk_words: int = 256,
    shortest_share: float = 0.05,
    longest_share: float = 0.5,
) -> Example:
    """Draw two spans of one chunk of a document independently: they may overlap or coincide.

    The chunk, drawn anew each time, is the text that is cropped. A crop's length is a share of it,
    uniform in `shortest_share` to `longest_share` and rounded down, at least one word; its place is
    uniform. Unlike `spans`, where spans are apart and begin with sentences, overlap teaches exact
    matches. The example has the record's group if there is one.

    Source: Contriever (Izacard et al. 2022, arXiv 2112.09118), section 3.1 and its code: chunks of
    256 tokens, shares of 0.05 to 0.5 in English and 0.1 to 0.5 in many languages.

    Args:
        chunk_words: words of a chunk; shorter documents are taken whole.
        shortest_share: of a chunk's words, in (0, longest_share].
        longest_share: of a chunk's words, in (0, 1].
    """
    if not 0 < shortest_share <= longest_share <= 1:
        raise ValueError(
            f"shares of crops are {shortest_share} to {longest_share}; they must ascend and be in "
            "(0, 1]"
        )
    chunk = crop(text_of(record, text), rng, words=(chunk_words, chunk_words))
    count = len(chunk.split())

    def draw() -> str:
        length = max(int(rng.uniform(shortest_share, longest_share) * count), 1)
        return crop(chunk, rng, words=(length, length))

    return Example({"anchor": draw(), "positive": draw()}, group_of(record))


def with_facts(
    record: Record, rng: np.random.Generator, *, pairs: PairMaker, facts: Mapping[str, Any]
) -> Example:
    """Add facts that all examples share, such as a part's number."""
    made = pairs(record, rng)
    return made._replace(facts={**made.facts, **facts})


def with_concepts(record: Record, rng: np.random.Generator, *, pairs: PairMaker) -> Example:
    """Add the fact "concepts" int32 [M] of records of `NamedSource`."""
    made = pairs(record, rng)
    return made._replace(facts={**made.facts, "concepts": column(record, "concepts")})


PAIR_MAKERS: dict[str, Callable[..., Example]] = {
    "identity": identity,
    "columns": columns,
    "teacher_target": teacher_target,
    "scored_pair": scored_pair,
    "alternatives": alternatives,
    "spans": spans,
    "with_facts": with_facts,
    "crops": crops,
    "captioned": captioned,
    "on_page": on_page,
    "one_letter_off": one_letter_off,
    "cluster_pair": cluster_pair,
    "tagged_posts": posts_of_tag,
    "labelled": labelled,
    "neighbours": neighbours,
    "debiased": debiased,
    "with_nearest": with_nearest,
    "representative_sets": representative_sets,
    "title_and_skills": title_and_skills,
    "defined": defined,
    "joined_pair": joined_pair,
    "taught_pair": taught_pair,
    "disarrayed_topics": disarrayed_topics,
    "with_concepts": with_concepts,
    "neighbourhood": neighbourhood,
}


def make_pair_maker(spec: Mapping[str, Any]) -> PairMaker:
    """Make the pair maker that {"name": ..., **arguments} describes.

    Raises:
        ValueError: for an unknown name or argument, naming the nearest known. A value out of range
            is refused with the first record.
    """
    arguments = dict(spec)
    if "name" not in arguments:
        raise ValueError(
            f"a pair maker is described by 'name' and its arguments, not by {arguments}"
        )
    name = arguments.pop("name")
    function = choose("pair maker", PAIR_MAKERS, name)
    check_arguments(f"pair maker {name!r}", function, arguments, given=2)
    if "pairs" in arguments:
        arguments["pairs"] = make_pair_maker(arguments["pairs"])
    return functools.partial(function, **arguments)
