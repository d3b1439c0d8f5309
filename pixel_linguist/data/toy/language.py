"""Common to all languages of the generated world: words for concepts, and choices of wording."""

import abc
import dataclasses
from collections.abc import Mapping

from numpy.random import Generator

from pixel_linguist.data.toy.lexicon import pick, pick_rank
from pixel_linguist.data.toy.proposition import Proposition

# Form (singular, past, accusative, ...) → word; the first is the dictionary form.
Forms = Mapping[str, str]
Vocabulary = Mapping[str, tuple[Forms, ...]]

# Sentences longer than this many characters are worded anew, at most so often.
LONGEST = 60
_TRIES = 8
_PASSIVE = 0.4
_FRONTED = 0.35
_DEFINITE = 0.6


@dataclasses.dataclass(frozen=True)
class Wording:
    """The choices that a language leaves open in saying a proposition.

    Attributes:
        synonyms: concept → index of one of its words.
        passive: whether the patient is the subject.
        front: the role that opens the sentence, or None.
        definite: roles (agent, patient) whose noun is definite, for languages with articles.
    """

    synonyms: Mapping[str, int]
    passive: bool
    front: str | None
    definite: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Language(abc.ABC):
    """A language: its words, and sentences from propositions."""

    vocabulary: Vocabulary

    @abc.abstractmethod
    def write(self, proposition: Proposition, wording: Wording) -> str:
        """Say a proposition in one sentence without a full stop."""

    def forms(self, wording: Wording, concept: str) -> Forms:
        """Return the forms of the word that a wording chooses for a concept."""
        return self.vocabulary[concept][wording.synonyms[concept]]

    def compose(
        self,
        rng: Generator,
        proposition: Proposition,
        other: Wording | None = None,
        differ: float = 0.5,
    ) -> tuple[str, Wording]:
        """Draw a wording and write the sentence; the shortest of some tries if it is long.

        Args:
            rng: source of randomness.
            proposition: the meaning.
            other: the wording of another sentence in the same language, from which to differ.
            differ: probability that a choice differs from the other's, where both have it.
        """
        tries = []
        for _ in range(_TRIES):
            wording = self._draw_wording(rng, proposition, other, differ)
            tries.append((self.write(proposition, wording), wording))
            if len(tries[-1][0]) <= LONGEST:
                break
        return min(tries, key=lambda written: len(written[0]))

    def _draw_wording(
        self,
        rng: Generator,
        proposition: Proposition,
        other: Wording | None,
        differ: float,
    ) -> Wording:
        """Draw the choices of a wording, freely or in relation to another one."""
        synonyms = {}
        known = other.synonyms if other else {}
        for concept in proposition.concepts():
            count, old = len(self.vocabulary[concept]), known.get(concept)
            if old is None:
                synonyms[concept] = pick_rank(rng, count)
            elif count > 1 and rng.random() < differ:
                synonyms[concept] = (old + 1 + int(rng.random() * (count - 1))) % count
            else:
                synonyms[concept] = old
        frontable = [role for role in ("place", "time", "manner") if getattr(proposition, role)]
        front = pick(rng, frontable) if frontable and rng.random() < _FRONTED else None
        passive = rng.random() < _PASSIVE
        definite = frozenset(role for role in ("agent", "patient") if rng.random() < _DEFINITE)
        if other:
            passive = other.passive != (rng.random() < differ)
            if rng.random() >= differ:
                front = other.front if other.front in frontable else None
                definite = other.definite
        return Wording(synonyms, passive, front, definite)


def sentence(*parts: str) -> str:
    """Join the parts that are not empty, with the first letter in upper case."""
    text = " ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]
