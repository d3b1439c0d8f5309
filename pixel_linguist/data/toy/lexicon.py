"""The concepts of the generated world, read from the word lists in `resources/`.

A concept is what synonyms share. Its name is its first English word.
"""

import dataclasses
import functools
from importlib import resources

KINDS = (
    "animate",
    "inanimate",
    "verb animate",
    "verb inanimate",
    "adjective",
    "adjective animate",
    "adjective inanimate",
    "place",
    "time",
    "manner",
    "quantity",
)
GENERAL = "general"
_FILES = ("themes.txt", "general.txt")


@dataclasses.dataclass(frozen=True)
class Concept:
    """What the synonyms of one group mean.

    Attributes:
        name: the first English synonym; no two concepts share one.
        kind: one of `KINDS`; "verb animate" is a verb whose patient is animate.
        theme: the section of the word list, `GENERAL` for concepts of every theme.
        english: its synonyms as listed: "knife:knives", "sing:sang:sung".
        preposition: English, of places and times; "" for an adverb.
        opposites: names of the concepts that exclude this one.
    """

    name: str
    kind: str
    theme: str
    english: tuple[str, ...]
    preposition: str = ""
    opposites: tuple[str, ...] = ()


def parse(text: str, file: str) -> list[Concept]:
    """Read the concepts of one word list; the format is explained at the top of themes.txt.

    Raises:
        ValueError: naming the file and line, for what cannot be read.
    """
    concepts, theme = [], ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            theme = line.strip("[]")
            continue
        head, colon, body = line.partition(": ")
        kind, preposition = head, ""
        if head.partition(" ")[0] in ("place", "time"):
            kind, _, preposition = head.partition(" ")
        if kind not in KINDS or not colon or not theme:
            raise ValueError(
                f"{file}, line {number}: {line[:40]!r} is not of the form 'kind: words' below a "
                f"[theme]; the kinds are {', '.join(KINDS)}"
            )
        for group in body.split(","):
            members = [tuple(member.split()) for member in group.split("~")]
            if not all(members):
                raise ValueError(f"{file}, line {number}: a concept without words in {group!r}")
            names = [words[0].partition(":")[0] for words in members]
            for name, words in zip(names, members, strict=True):
                others = tuple(other for other in names if other != name)
                concepts.append(Concept(name, kind, theme, words, preposition, others))
    return concepts


@functools.cache
def concepts() -> dict[str, Concept]:
    """Return every concept of the world by name, in the order of the word lists.

    Raises:
        ValueError: if two concepts have the same name.
    """
    found: dict[str, Concept] = {}
    folder = resources.files(__package__) / "resources"
    for file in _FILES:
        for concept in parse((folder / file).read_text(encoding="utf-8"), file):
            if concept.name in found:
                raise ValueError(f"{file}: the concept {concept.name!r} is listed twice")
            found[concept.name] = concept
    return found


@functools.cache
def concept_numbers() -> dict[str, int]:
    """Return each concept's place in the word lists, from 0."""
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
    """Return the themes, `GENERAL` left out."""
    found = dict.fromkeys(concept.theme for concept in concepts().values())
    return tuple(theme for theme in found if theme != GENERAL)
