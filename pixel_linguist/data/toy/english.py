"""English: inflection by rule, and sentences from propositions."""

import dataclasses
import re
from collections.abc import Callable

from pixel_linguist.data.toy.language import Forms, Language, Vocabulary, Wording, sentence
from pixel_linguist.data.toy.lexicon import NOUNS, VERBS, concepts
from pixel_linguist.data.toy.proposition import Proposition

# A short vowel before a single final consonant doubles it: stop, stopped.
_DOUBLES = re.compile("[^aeiou]*(?:qu)?[aeiou][^aeiouwxy]")
# Words that begin with a vowel sound, or with a consonant sound, in spite of their first letter.
_SOUNDS_VOWEL = ("heir", "honest")
_SOUNDS_CONSONANT = ("useful", "useless", "usual")
MARKERS = frozenset(("a", "an", "the", "was", "were", "did", "not", "by", "in", "on", "at"))


def plural(noun: str) -> str:
    """Return the regular plural of a noun."""
    if re.search("(s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if re.search("[^aeiou]y$", noun) else noun + "s"


def past(verb: str) -> str:
    """Return the regular past of a verb."""
    if verb.endswith("e"):
        return verb + "d"
    if re.search("[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _DOUBLES.fullmatch(verb) else "") + "ed"


def english_forms(kind: str, entry: str) -> Forms:
    """Inflect an entry of the word lists.

    Returns:
        Form → word; the first is the dictionary form. Nouns have singular and plural; verbs base,
        past and participle; other words only "word".
    """
    word, *irregular = entry.split(":")
    if kind in NOUNS:
        return {"singular": word, "plural": irregular[0] if irregular else plural(word)}
    if kind in VERBS:
        simple, participle = (irregular * 2)[:2] if irregular else (past(word),) * 2
        return {"base": word, "past": simple, "participle": participle}
    return {"word": word}


def english_vocabulary() -> Vocabulary:
    """Return the words of the word lists, inflected."""
    return {
        name: tuple(english_forms(concept.kind, entry) for entry in concept.english)
        for name, concept in concepts().items()
    }


@dataclasses.dataclass(frozen=True)
class English(Language):
    """English in the past tense, or a sister with words of its own.

    Attributes:
        marker: an English word without a concept, such as "the" → that of the language.
    """

    marker: Callable[[str], str] = str

    def write(self, proposition: Proposition, wording: Wording) -> str:
        """Say a proposition in one sentence without a full stop."""
        adverbials = {
            role: self._adverbial(wording, getattr(proposition, role))
            for role in ("manner", "place", "time")
            if getattr(proposition, role)
        }
        front = adverbials.pop(wording.front, "") if wording.front else ""
        agent = self._noun_phrase(proposition, wording, "agent")
        patient = self._noun_phrase(proposition, wording, "patient")
        verb, negated = self.forms(wording, proposition.action), proposition.negated
        if wording.passive:
            auxiliary = self.marker("were" if proposition.patient_quantity else "was")
            negation = self.marker("not") if negated else ""
            manner, by = adverbials.pop("manner", ""), self.marker("by")
            clause = [patient, auxiliary, negation, verb["participle"], manner, by, agent]
        elif negated:
            clause = [agent, self.marker("did"), self.marker("not"), verb["base"], patient]
        else:
            clause = [agent, verb["past"], patient]
        return sentence(front, *clause, *adverbials.values())

    def _noun_phrase(self, proposition: Proposition, wording: Wording, role: str) -> str:
        """Return the agent or patient with its article or quantity, and its attribute."""
        quantity = getattr(proposition, f"{role}_quantity")
        attribute = getattr(proposition, f"{role}_attribute")
        noun = self.forms(wording, getattr(proposition, role))
        words = [self.forms(wording, attribute)["word"]] if attribute else []
        words.append(noun["plural" if quantity else "singular"])
        if quantity:
            words.insert(0, self.forms(wording, quantity)["word"])
        # "did not see a cow" would deny that there was any.
        if proposition.negated or (role in wording.definite and not quantity):
            words.insert(0, self.marker("the"))
        elif not quantity:
            vowel = words[0][0] in "aeiou" and words[0] not in _SOUNDS_CONSONANT
            words.insert(0, self.marker("an" if vowel or words[0] in _SOUNDS_VOWEL else "a"))
        return " ".join(words)

    def _adverbial(self, wording: Wording, name: str) -> str:
        """Return a place, time or manner with its preposition and article."""
        concept, word = concepts()[name], self.forms(wording, name)["word"]
        markers = [concept.preposition, "the" if concept.kind == "place" else ""]
        return " ".join([*(self.marker(part) for part in markers if part), word])
