"""Languages made for this world: words from a sound pattern, their own morphology and order."""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Set

import numpy as np

from pixel_linguist.data.toy.language import Forms, Language, Vocabulary, Wording, capitalized
from pixel_linguist.data.toy.lexicon import concepts
from pixel_linguist.data.toy.proposition import Proposition

# How many words a concept has: one, two or three.
_SYNONYMS = (0.35, 0.9)


@dataclasses.dataclass(frozen=True)
class Grammar:
    """The rules of a generated language.

    Attributes:
        code: short name, "en" for English.
        name: the language's name.
        onsets: what a syllable begins with, separated by spaces.
        vowels: likewise; "-" is the vowel that is not written.
        codas: what ends a syllable inside a word; "-" for nothing.
        endings: what ends a stem.
        shapes: probabilities that a stem has one, two or three syllables.
        nouns: "nominative", "accusative", "agentive" (of the agent in the passive), and the same
            with "plural " before → the form, "{}" being the stem.
        verbs: "active", "passive", and the same with "negated " before → the form.
        words: kind of other words → the form.
        phrases: "verb", "negated verb", "place", "time" → what stands beside the word, "{}".
        order: roles from left to right; "subject" and "object" are agent and patient in the
            active, patient and agent in the passive.
        attribute_first: whether an attribute stands before its noun.
        seed: of the words.
    """

    code: str
    name: str
    onsets: str
    vowels: str
    codas: str
    endings: str
    shapes: tuple[float, float, float]
    nouns: Forms
    verbs: Forms
    words: Forms
    phrases: Mapping[str, str]
    order: tuple[str, ...]
    attribute_first: bool
    seed: int

    def forms_of(self, kind: str) -> Forms:
        """Return the forms of a kind of words."""
        if kind in ("animate", "inanimate"):
            return self.nouns
        return self.verbs if kind.startswith("verb") else {"word": self.words[kind.split()[0]]}


VELIAN = Grammar(
    code="vel",
    name="Velian",
    onsets="b d f g k l m n p r s t v z š č br dr gr kl pl tr",
    vowels="a e i o u é ö ü",
    codas="- - - n r l s",
    endings="n r l s k t m š d",
    shapes=(0.25, 0.65, 0.1),
    nouns={
        "nominative": "{}",
        "accusative": "{}a",
        "agentive": "{}or",
        "plural nominative": "{}i",
        "plural accusative": "{}ia",
        "plural agentive": "{}ior",
    },
    verbs={
        "active": "{}ud",
        "passive": "{}anud",
        "negated active": "ni{}ud",
        "negated passive": "ni{}anud",
    },
    words={"adjective": "{}e", "place": "{}", "time": "{}", "manner": "{}im", "quantity": "{}o"},
    phrases={"verb": "{} sa", "negated verb": "{} sa", "place": "{} ve", "time": "{} do"},
    order=("time", "subject", "place", "object", "manner", "action"),
    attribute_first=True,
    seed=11,
)
DORAN = Grammar(
    code="dor",
    name="Doran",
    onsets="б в г д ж з к л м н п р с т х ч ш бр гр кр пл ст тр",
    vowels="а е и о у ы э ю я",
    codas="- - - н р л с",
    endings="-",
    shapes=(0.0, 0.75, 0.25),
    nouns={
        "nominative": "{}",
        "accusative": "{}ма",
        "agentive": "{}ром",
        "plural nominative": "{}ки",
        "plural accusative": "{}кима",
        "plural agentive": "{}киром",
    },
    verbs={
        "active": "{}ть",
        "passive": "{}ться",
        "negated active": "{}ть",
        "negated passive": "{}ться",
    },
    words={"adjective": "{}й", "place": "{}х", "time": "{}", "manner": "{}во", "quantity": "{}"},
    phrases={"verb": "да {}", "negated verb": "ни {}", "place": "на {}", "time": "об {}"},
    order=("action", "manner", "subject", "object", "place", "time"),
    attribute_first=False,
    seed=12,
)
ASHANI = Grammar(
    code="ash",
    name="Ashani",
    onsets="क ख ग घ च ज ट ड त द न प ब म य र ल व श स ह क्र त्र प्र स्त ग्र श्व",
    vowels="- ा ि ी ु ू े ो",
    codas="- - - - ं",
    endings="-",
    shapes=(0.0, 0.6, 0.4),
    nouns={
        "nominative": "{}",
        "accusative": "{}को",
        "agentive": "{}से",
        "plural nominative": "{}लो",
        "plural accusative": "{}लोको",
        "plural agentive": "{}लोसे",
    },
    verbs={
        "active": "{}ता",
        "passive": "{}जाता",
        "negated active": "{}ता",
        "negated passive": "{}जाता",
    },
    words={"adjective": "{}", "place": "{}में", "time": "{}", "manner": "{}पूर", "quantity": "{}"},
    phrases={"verb": "{} थे", "negated verb": "ना {} थे", "place": "{}", "time": "{} पर"},
    order=("subject", "action", "manner", "object", "time", "place"),
    attribute_first=True,
    seed=13,
)
GRAMMARS = {grammar.code: grammar for grammar in (VELIAN, DORAN, ASHANI)}


def _stem(rng: np.random.Generator, grammar: Grammar) -> str:
    """Draw a stem by the sound pattern."""

    def sound(pattern: str) -> str:
        sounds = pattern.split()
        return sounds[int(rng.random() * len(sounds))].replace("-", "")

    one, two, _ = grammar.shapes
    shape = rng.random()
    count = 1 if shape < one else 2 if shape < one + two else 3
    syllables = [sound(grammar.onsets) + sound(grammar.vowels) for _ in range(count)]
    inner = [syllable + sound(grammar.codas) for syllable in syllables[:-1]]
    return "".join(inner) + syllables[-1] + sound(grammar.endings)


def make_vocabulary(grammar: Grammar, taken: Set[str]) -> Vocabulary:
    """Make the words of a language, always the same.

    Args:
        grammar: its rules.
        taken: words that may not become a form of any of its words (those of other languages).

    Returns:
        One to three words a concept; no form belongs to two words.
    """
    rng = np.random.default_rng(grammar.seed)
    markers = itertools.chain.from_iterable(
        re.findall(r"\w+", phrase.format("")) for phrase in grammar.phrases.values()
    )
    used = {*taken, *markers}
    vocabulary = {}
    for concept in concepts().values():
        words: list[Forms] = []
        draw = rng.random()
        count = 1 + sum(draw > limit for limit in _SYNONYMS)
        while len(words) < count:
            stem = _stem(rng, grammar)
            forms = {
                form: template.format(stem)
                for form, template in grammar.forms_of(concept.kind).items()
            }
            if used.isdisjoint(forms.values()):
                used.update(forms.values())
                words.append(forms)
        vocabulary[concept.name] = tuple(words)
    return vocabulary


@dataclasses.dataclass(frozen=True)
class Generated(Language):
    """A language with a `Grammar`."""

    grammar: Grammar

    def write(self, proposition: Proposition, wording: Wording) -> str:
        """Say a proposition in one sentence without a full stop."""
        phrases = self.grammar.phrases
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
        order = sorted(self.grammar.order, key=lambda role: role != wording.front)
        return capitalized(" ".join(parts[role] for role in order if role in parts))

    def _noun_phrase(self, proposition: Proposition, wording: Wording, role: str, case: str) -> str:
        """Return the agent or patient in a case, with its quantity and attribute."""
        quantity = getattr(proposition, f"{role}_quantity")
        attribute = getattr(proposition, f"{role}_attribute")
        noun = self.forms(wording, getattr(proposition, role))
        words = [noun[f"plural {case}" if quantity else case]]
        if attribute:
            place = 0 if self.grammar.attribute_first else 1
            words.insert(place, self.forms(wording, attribute)["word"])
        if quantity:
            words.insert(0, self.forms(wording, quantity)["word"])
        return " ".join(words)
