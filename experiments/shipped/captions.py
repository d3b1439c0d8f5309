"""Sentences made of others' parts: what differs by one of them, or by a "not", means other things.

A teacher says of such sentences what each part does to the whole. Captions, "A man is playing a
guitar", fall apart easily: into who, "is" or "are", what is done, to what, and where.
"""

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

WHO = (
    r"((?:An?|The|One|Two|Three|Some|Several|Many|People|Men|Women|Children|Dogs|Kids)\b"
    r"[^,]{0,60}?)"
)
CAPTION = re.compile(WHO + r" (is|are) ((?:\w+ )?\w+ing)\b(.*)$")
PLACE = re.compile(r" (?:in|on|at|near|through|over|under|across|down|by|outside|inside) .*$")
OBJECT = re.compile(
    r" (?:an?|the|some|two|three|his|her|their) (?:\w+ )?\w+"
    r"(?=$| (?:in|on|at|with|of|and|to|from)\b)"
)
DETERMINER = re.compile(r"^(?:an?|the|one|two|three|some|several|many) ", re.IGNORECASE)
LONGEST = 110
# Of verbs in "-ing" whose participle does not end in "-ed".
PARTICIPLES = {
    "beating": "beaten",
    "building": "built",
    "catching": "caught",
    "cutting": "cut",
    "doing": "done",
    "drawing": "drawn",
    "driving": "driven",
    "eating": "eaten",
    "feeding": "fed",
    "hitting": "hit",
    "holding": "held",
    "making": "made",
    "putting": "put",
    "reading": "read",
    "riding": "ridden",
    "shooting": "shot",
    "spreading": "spread",
    "taking": "taken",
    "throwing": "thrown",
    "writing": "written",
}


class Caption(NamedTuple):
    """A sentence in parts; `what` begins with the object, if there is one, and a space."""

    who: str
    be: str
    doing: str
    what: str
    where: str


def take_apart(texts: Sequence[str]) -> list[Caption]:
    """Return the parts of those texts that are captions, each once."""
    found = []
    for text in texts:
        if match := CAPTION.match(text.strip().rstrip(".")):
            who, be, doing, rest = match.groups()
            where = PLACE.search(rest)
            what = rest[: where.start()] if where else rest
            found.append(Caption(who, be, doing, what, where.group() if where else ""))
    return list(dict.fromkeys(found))


def participle(doing: str) -> str:
    """Return the participle of a verb in "-ing": "played" of "playing"."""
    if doing in PARTICIPLES:
        return PARTICIPLES[doing]
    stem = doing.removesuffix("ing")
    return stem[:-1] + "ied" if stem.endswith("y") and stem[-2:-1] not in "aeiou" else stem + "ed"


def passive(caption: Caption) -> str | None:
    """Return "A guitar is being played by a man" of "A man is playing a guitar"."""
    found = OBJECT.match(caption.what)
    if not found or " " in caption.doing:
        return None
    thing, rest = found.group()[1:], caption.what[found.end() :]
    be = "are" if thing.split()[0] in ("some", "two", "three") else "is"
    who = caption.who[0].lower() + caption.who[1:]
    by = f"{participle(caption.doing)}{rest} by {who}{caption.where}"
    return f"{thing[0].upper()}{thing[1:]} {be} being {by}"


def phrase(caption: Caption, rng: random.Random) -> str | None:
    """Return a caption in one of several ways, a quarter of them denied; None if it has not one."""
    who, be, doing, what, where = caption
    act = f"{doing}{what}{where}"
    bare = DETERMINER.sub("", who)
    low = who[0].lower() + who[1:]
    ways = [
        (10, f"{who} {be} {act}"),
        (2, f"The {bare} {be} {act}"),
        (1, f"There {be} {low} {act}"),
        (2, passive(caption)),
        (2, f"{who} {be} not {act}"),
        (2, f"There {be} no {bare} {act}"),
        (0.5, f"Nobody is {act}"),
        (0.5, f"No {bare} {be} {act}"),
    ]
    return rng.choices([text for _, text in ways], [weight for weight, _ in ways])[0]


def exchange(caption: Caption, other: Caption, rng: random.Random) -> Caption:
    """Return a caption of which one part is another's."""
    if rng.random() < 0.3:
        return caption._replace(who=other.who, be=other.be)
    if rng.random() < 0.3:
        return other._replace(who=caption.who, be=caption.be)
    if rng.random() < 0.5:
        return caption._replace(where=other.where)
    mine, others = OBJECT.search(caption.what), OBJECT.search(other.what)
    if not mine or not others:
        return caption._replace(what=other.what) if rng.random() < 0.3 else caption
    what = caption.what[: mine.start()] + others.group() + caption.what[mine.end() :]
    return caption._replace(what=what)


def make_captions(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """Return so many different sentences made of the parts of captions among some texts.

    Raises:
        ValueError: there are too few captions.
    """
    captions, rng = take_apart(texts), random.Random(seed)
    if len(captions) ** 2 < 10 * number:
        raise ValueError(f"{len(captions)} captions are too few to make {number} others of")
    found: dict[str, None] = {}
    while len(found) < number:
        caption = rng.choice(captions)
        for _ in range(rng.randrange(3)):
            caption = exchange(caption, rng.choice(captions), rng)
        text = phrase(caption, rng)
        if text and len(text) <= LONGEST:
            found[text] = None
    return list(found)
