"""The concepts of the generated world, read from `resources/`, and draws by Zipf's law."""

import dataclasses
import functools
import hashlib
from bisect import bisect
from collections.abc import Sequence
from importlib import resources
from itertools import accumulate

from numpy.random import Generator

NOUNS = ("animate", "inanimate")
VERBS = ("verb animate", "verb inanimate")
GENERAL = "general"


@dataclasses.dataclass(frozen=True)
class Concept:
    """The meaning of a group of synonyms.

    Attributes:
        name: the first English synonym; no two concepts share one.
        kind: of words: of `NOUNS`, `VERBS` ("verb animate" takes an animate patient), "adjective"
            (perhaps with the kind of its noun), "place", "time", "manner", "quantity".
        theme: the section of the word list, `GENERAL` for concepts of every theme.
        english: its synonyms as listed: "knife:knives", "sing:sang:sung".
        preposition: English, of places and times; "" for an adverb.
        opposites: names of the concepts that exclude this one.
    """

    name: str
    kind: str
    theme: str
    english: tuple[str, ...]
    preposition: str
    opposites: tuple[str, ...]


@functools.cache
def concepts() -> dict[str, Concept]:
    """Return every concept by name, in the order of the word lists.

    Their format is explained at the top of themes.txt.
    """
    found = {}
    for file in ("themes.txt", "general.txt"):
        text = (resources.files(__package__) / "resources" / file).read_text(encoding="utf-8")
        theme = ""
        for line in text.splitlines():
            if line.startswith("["):
                theme = line.strip("[]")
            if not line or line[0] in "[#":
                continue
            kind, body = line.split(": ")
            preposition = ""
            if kind.startswith(("place", "time")):
                kind, _, preposition = kind.partition(" ")
            for group in body.split(","):
                members = [tuple(member.split()) for member in group.split("~")]
                names = [words[0].partition(":")[0] for words in members]
                for name, words in zip(names, members, strict=True):
                    opposites = tuple(other for other in names if other != name)
                    found[name] = Concept(name, kind, theme, words, preposition, opposites)
    return found


@functools.cache
def concept_numbers() -> dict[str, int]:
    """Return each concept's index in the word lists."""
    return {name: number for number, name in enumerate(concepts())}


@functools.cache
def of_kind(*kinds: str, theme: str | None = None) -> tuple[str, ...]:
    """Return the names of the concepts of some kinds, of all themes or of one."""
    return tuple(
        concept.name
        for concept in concepts().values()
        if concept.kind in kinds and theme in (None, concept.theme)
    )


@functools.cache
def themes() -> tuple[str, ...]:
    """Return the themes except `GENERAL`."""
    found = dict.fromkeys(concept.theme for concept in concepts().values())
    return tuple(theme for theme in found if theme != GENERAL)


@functools.cache
def digest(concept: str) -> int:
    """Return a 64-bit hash of a concept, the same in every process."""
    return int.from_bytes(hashlib.blake2b(concept.encode(), digest_size=8).digest(), "big")


def pick(rng: Generator, options: Sequence[str]) -> str:
    """Draw one of the options, all equally likely."""
    return options[int(rng.random() * len(options))]


def pick_rank(rng: Generator, count: int) -> int:
    """Draw one of the ranks 0 to count - 1; the probability of rank r is as 1 / (r + 1)."""
    totals = _totals(count)
    # Rounding may make the product the last total itself.
    return min(bisect(totals, rng.random() * totals[-1]), count - 1)


@functools.cache
def _totals(count: int) -> tuple[float, ...]:
    """Return the sums 1, 1 + 1/2, ... up to 1 + ... + 1/count."""
    return tuple(accumulate(1 / rank for rank in range(1, count + 1)))


def pick_concept(rng: Generator, names: tuple[str, ...]) -> str:
    """Draw one of some concepts by Zipf's law."""
    return _by_frequency(names)[pick_rank(rng, len(names))]


@functools.cache
def _by_frequency(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return concepts by falling frequency, an order that the names determine."""
    return tuple(sorted(names, key=digest))
