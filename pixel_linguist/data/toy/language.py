"""What all languages of the world have in common: words for concepts, and ways to say a thing."""

import abc
import dataclasses
from collections.abc import Mapping

import numpy as np

from pixel_linguist.data.toy.proposition import Proposition
from pixel_linguist.data.toy.zipf import pick_rank

# Form (singular, past, accusative, ...) → word; the first is the dictionary form.
Forms = Mapping[str, str]
Vocabulary = Mapping[str, tuple[Forms, ...]]

LONGEST = 60
_TRIES = 8
_PASSIVE = 0.4
_FRONTED = 0.35
_FRONTABLE = ("place", "time", "manner")


@dataclasses.dataclass(frozen=True)
class Wording:
    """How a proposition is said, where a language leaves a choice.

    Attributes:
        synonyms: concept → which of its words.
        passive: whether the patient is the subject.
        front: the role that opens the sentence, or None.
        definite: roles (agent, patient) whose noun is known, for languages with articles.
    """

    synonyms: Mapping[str, int]
    passive: bool
    front: str | None
    definite: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Language(abc.ABC):
    """A language: its words, and sentences from propositions."""

    code: str
    name: str
    vocabulary: Vocabulary

    @abc.abstractmethod
    def write(self, proposition: Proposition, wording: Wording) -> str:
        """Say a proposition in one sentence without a full stop."""

    def forms(self, wording: Wording, concept: str) -> Forms:
        """Return the forms of the word that a wording has chosen for a concept."""
        return self.vocabulary[concept][wording.synonyms[concept]]

    def compose(
        self,
        rng: np.random.Generator,
        proposition: Proposition,
        other: Wording | None = None,
        differ: float = 0.5,
    ) -> tuple[str, Wording]:
        """Draw a wording and write the sentence, of at most `LONGEST` characters if it can be.

        Args:
            rng: source of randomness.
            proposition: what is said.
            other: the wording to differ from, of a sentence in the same language.
            differ: probability that a choice open to both is not the same (0: as close as it
                can be, 1: every synonym another one).
        """
        shortest = None
        for _ in range(_TRIES):
            wording = self._draw_wording(rng, proposition, other, differ)
            text = self.write(proposition, wording)
            if shortest is None or len(text) < len(shortest[0]):
                shortest = text, wording
            if len(shortest[0]) <= LONGEST:
                break
        assert shortest is not None
        return shortest

    def _draw_wording(
        self,
        rng: np.random.Generator,
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
        frontable = [role for role in _FRONTABLE if getattr(proposition, role)]
        front = None
        if frontable and rng.random() < _FRONTED:
            front = frontable[int(rng.random() * len(frontable))]
        passive = rng.random() < _PASSIVE
        definite = frozenset(role for role in ("agent", "patient") if rng.random() < 0.6)
        if other:
            passive = other.passive != (rng.random() < differ)
            if rng.random() >= differ:
                front = other.front if other.front in frontable else None
                definite = other.definite
        return Wording(synonyms, passive, front, definite)


def capitalized(text: str) -> str:
    """Return a sentence with its first letter in upper case."""
    return text[:1].upper() + text[1:]
