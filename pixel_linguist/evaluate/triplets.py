"""Triplets: is a paraphrase nearer than the sentence itself with its meaning changed?"""

import dataclasses
import re
from collections.abc import Callable
from typing import ClassVar, Literal

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, paired_cosine
from pixel_linguist.evaluate.suite import Measured, Task
from pixel_linguist.registry import choose

Change = Literal["exchange", "negate"]

_PREPOSITION = (
    "about|across|against|along|around|at|behind|by|down|for|from|in front of|into|in|near|off|on|"
    "out of|over|through|towards?|to|under|up|with"
)
_END = "and |or |who |which |that |is |are |with |in |on "
_NOUN = rf"(?:an?|the|one) (?:(?!{_END})[\w'-]+ ){{0,3}}[\w'-]+"
_CLAUSE = re.compile(
    rf"({_NOUN}) (is (?:\w+ly )?\w+ing(?: (?:{_PREPOSITION}))?) ({_NOUN})\W*", re.IGNORECASE
)
_COPULA = re.compile(r"\b(is|are|was|were)\b")
_NEGATED = re.compile(r"\b(no|not|nobody|nothing|none|never|without)\b|n't", re.IGNORECASE)


def exchange(text: str) -> str | None:
    """Exchange subject and object: "A dog is chasing a cat" → "A cat is chasing a dog".

    None unless the text is one clause, "SUBJECT is VERBing OBJECT", with two noun phrases in the
    singular.
    """
    clause = _CLAUSE.fullmatch(text)
    if not clause:
        return None
    subject, verb, thing = (part.lower() for part in clause.groups())
    return None if subject == thing else f"{thing} {verb} {subject}".capitalize()


def negate(text: str) -> str | None:
    """Deny a sentence: "A dog is running" → "A dog is not running".

    None unless the text has one form of "to be", and is not negated already.
    """
    if _NEGATED.search(text) or len(_COPULA.findall(text)) != 1 or text.startswith("There "):
        return None
    return _COPULA.sub(r"\1 not", text)


CHANGES: dict[str, Callable[[str], str | None]] = {"exchange": exchange, "negate": negate}


@dataclasses.dataclass(frozen=True)
class Triplets(Task):
    """The share of anchors whose paraphrase has a higher cosine than their changed version.

    The changed version shares nearly all words with its anchor, the paraphrase fewer: 0.5 is not
    chance, and a bag of words comes close to 0.

    Attributes:
        anchors: N texts.
        same: their paraphrases.
        changed: texts of another meaning.
    """

    anchors: tuple[str, ...]
    same: tuple[str, ...]
    changed: tuple[str, ...]

    metric: ClassVar[str] = "accuracy"
    embedded: ClassVar = ("anchors", "same", "changed")
    perturbed: ClassVar = "anchors"

    @classmethod
    def from_source(
        cls, source: Source, *, change: Change, score: str = "score", lowest: float = 4.5
    ) -> "Triplets":
        """Read records with columns sentence1, sentence2 and the gold score.

        Args:
            change: makes the changed version of sentence1; pairs of which it makes none are left
                out.
            score: the column of the gold score.
            lowest: the least score of a paraphrase.

        Raises:
            ValueError: for an unknown change, a missing column, or if no pair is left.
        """
        alter = choose("change", CHANGES, change)
        sides = (read_texts(source, side, "pair") for side in ("sentence1", "sentence2"))
        kept = [
            (anchor, same, changed)
            for anchor, same, gold in zip(*sides, read_numbers(source, score, "pair"), strict=True)
            if gold >= lowest and anchor != same and (changed := alter(anchor))
        ]
        if not kept:
            raise ValueError(f"no pair of {score} {lowest} or more has a sentence1 to {change}")
        return cls(*zip(*kept, strict=True))

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy" and the mean cosines "same" and "changed".

        An equal cosine is wrong. Observations are anchors.
        """
        anchors, same, changed = self.embed_each(embed)
        near, far = paired_cosine(anchors, same), paired_cosine(anchors, changed)
        right = (near > far).astype(float)
        scores = {"accuracy": right.mean(), "same": near.mean(), "changed": far.mean()}
        return Measured(scores, Observations((right,)))
