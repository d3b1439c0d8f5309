"""Generated languages: words from a sound pattern, with their own morphology and word order."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Set
from importlib import resources
from typing import Any

import numpy as np
from numpy.random import Generator

from pixel_linguist.data.toy.language import Forms, Language, Vocabulary, Wording, sentence
from pixel_linguist.data.toy.lexicon import NOUNS, VERBS, concepts, pick
from pixel_linguist.data.toy.proposition import Proposition

# A concept has a second, and a third, word if a draw from 0..1 is above these.
_SYNONYMS = (0.35, 0.9)

_FILE = resources.files(__package__) / "resources" / "grammars.toml"
# Code → rules of the language; the file explains them.
GRAMMARS: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _stem(rng: Generator, grammar: Mapping[str, Any]) -> str:
    """Draw a stem by the sound pattern."""

    def sound(pattern: str) -> str:
        return pick(rng, pattern.split()).replace("-", "")

    one, two, _ = grammar["shapes"]
    shape = rng.random()
    count = 1 if shape < one else 2 if shape < one + two else 3
    syllables = [sound(grammar["onsets"]) + sound(grammar["vowels"]) for _ in range(count)]
    inner = [syllable + sound(grammar["codas"]) for syllable in syllables[:-1]]
    return "".join(inner) + syllables[-1] + sound(grammar["endings"])


def inflect(rng: Generator, grammar: Mapping[str, Any], kind: str) -> Forms:
    """Draw a stem, and return its forms as a word of a kind."""
    if kind in (*NOUNS, *VERBS):
        templates = grammar["nouns" if kind in NOUNS else "verbs"]
    else:
        templates = {"word": grammar["words"][kind.split()[0]]}
    stem = _stem(rng, grammar)
    return {form: template.format(stem) for form, template in templates.items()}


def phrase_words(grammar: Mapping[str, Any]) -> set[str]:
    """Return the words of a language that stand for no concept."""
    return set(re.findall(r"\w+", " ".join(grammar.get("phrases", {}).values())))


def make_vocabulary(grammar: Mapping[str, Any], taken: Set[str]) -> Vocabulary:
    """Make the words of a language, the same every time.

    Args:
        grammar: one of `GRAMMARS`.
        taken: words of other languages, which no form of its words may equal.

    Returns:
        One to three words a concept; no form belongs to two words.
    """
    rng = np.random.default_rng(grammar["seed"])
    used = {*taken, *phrase_words(grammar)}
    vocabulary = {}
    for concept in concepts().values():
        words: list[Forms] = []
        draw = rng.random()
        while len(words) < 1 + sum(draw > limit for limit in _SYNONYMS):
            forms = inflect(rng, grammar, concept.kind)
            if used.isdisjoint(forms.values()):
                used.update(forms.values())
                words.append(forms)
        vocabulary[concept.name] = tuple(words)
    return vocabulary


@dataclasses.dataclass(frozen=True)
class Generated(Language):
    """A language of `GRAMMARS`."""

    grammar: Mapping[str, Any]

    def write(self, proposition: Proposition, wording: Wording) -> str:
        """Say a proposition in one sentence without a full stop."""
        phrases = self.grammar["phrases"]
        negation = "negated " if proposition.negated else ""
        voice = "passive" if wording.passive else "active"
        verb = self.forms(wording, proposition.action)[negation + voice]
        subject, other = ("patient", "agent") if wording.passive else ("agent", "patient")
        case = "agentive" if wording.passive else "accusative"
        parts = {
            "subject": self._noun_phrase(proposition, wording, subject, "nominative"),
            "object": self._noun_phrase(proposition, wording, other, case),
            "action": phrases[f"{negation}verb"].format(verb),
        }
        for role in ("place", "time", "manner"):
            if concept := getattr(proposition, role):
                word = self.forms(wording, concept)["word"]
                parts[role] = phrases.get(role, "{}").format(word)
        order = sorted(self.grammar["order"], key=lambda role: role != wording.front)
        return sentence(*(parts.get(role, "") for role in order))

    def _noun_phrase(self, proposition: Proposition, wording: Wording, role: str, case: str) -> str:
        """Return the agent or patient in a case, with its quantity and attribute."""
        quantity = getattr(proposition, f"{role}_quantity")
        attribute = getattr(proposition, f"{role}_attribute")
        noun = self.forms(wording, getattr(proposition, role))
        words = [noun[f"plural {case}" if quantity else case]]
        if attribute:
            words.insert(
                not self.grammar["attribute_first"], self.forms(wording, attribute)["word"]
            )
        if quantity:
            words.insert(0, self.forms(wording, quantity)["word"])
        return " ".join(words)
