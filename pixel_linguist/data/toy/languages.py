"""The languages of the generated world by code, and sisters of them.

The words of a sister go back to those of another language by regular changes.
"""

import functools
import re
from collections.abc import Mapping, Set
from typing import Any

import numpy as np

from pixel_linguist.data.toy.english import MARKERS, English, english_vocabulary
from pixel_linguist.data.toy.generated import (
    GRAMMARS,
    Generated,
    inflect,
    make_vocabulary,
    phrase_words,
)
from pixel_linguist.data.toy.language import Forms, Language, Vocabulary
from pixel_linguist.data.toy.lexicon import concepts

# Code → name.
LANGUAGES = {"en": "English", **{code: grammar["name"] for code, grammar in GRAMMARS.items()}}


@functools.cache
def get_language(code: str) -> Language:
    """Return a language with its words, which the first call makes."""
    if code == "en":
        return English(english_vocabulary())
    grammar, codes = GRAMMARS[code], list(LANGUAGES)
    forms = [surface_forms(other) for other in codes[: codes.index(code)]]
    taken = {form: concept for known in forms for form, concept in known.items()}
    if "parent" not in grammar:
        return Generated(make_vocabulary(grammar, MARKERS | taken.keys()), grammar)
    parent = get_language(grammar["parent"])

    def change(word: str) -> str:
        return change_word(word, grammar)

    known = phrase_words(getattr(parent, "grammar", {})) | MARKERS
    vocabulary = make_cognates(parent.vocabulary, grammar, taken, known | set(map(change, known)))
    if isinstance(parent, Generated):
        phrases = {
            role: " ".join(part if part == "{}" else change(part) for part in text.split())
            for role, text in parent.grammar["phrases"].items()
        }
        return Generated(vocabulary, {**parent.grammar, **grammar, "phrases": phrases})
    return English(vocabulary, change)


@functools.cache
def surface_forms(code: str) -> dict[str, str]:
    """Return each form of each content word, in lower case → the name of its concept."""
    return {
        form.casefold(): name
        for name, words in get_language(code).vocabulary.items()
        for forms in words
        for form in forms.values()
    }


def change_word(word: str, grammar: Mapping[str, Any], *, inherited: bool = True) -> str:
    """Return a word of the parent as the sister has it.

    Args:
        word: in lower case, but for names.
        grammar: of the sister, one of `GRAMMARS`.
        inherited: whether sounds have changed; loanwords and names take on the spelling alone.
    """
    lower = word.lower()
    for pattern, replacement in [*(grammar["sounds"] if inherited else ()), *grammar["spelling"]]:
        lower = re.sub(pattern, replacement, lower)
    return lower.capitalize() if word[0].isupper() else lower


def make_cognates(
    parent: Vocabulary, grammar: Mapping[str, Any], taken: Mapping[str, str], markers: Set[str]
) -> Vocabulary:
    """Make the words of a sister, the same every time, one for each word of the parent.

    It is a cognate, a loanword (a share of `loans`), or, for a share of `own`, a word unlike it.
    Names are taken over as loanwords are. No form belongs to two words.

    Args:
        parent: words of the language that it is a sister of.
        taken: forms of all other languages → concept. None is a form for another concept here.
        markers: words without a concept, in any language.
    """
    rng = np.random.default_rng(grammar["seed"])
    used, vocabulary = set(markers), {}

    def free(forms: Forms, concept: str) -> bool:
        known = {taken.get(form.casefold(), concept) for form in forms.values()}
        return known == {concept} and used.isdisjoint(map(str.casefold, forms.values()))

    for name, words in parent.items():
        found = []
        for word in words:
            draw, is_name = rng.random(), next(iter(word.values()))[0].isupper()
            inherited = draw >= grammar["own"] + grammar["loans"] and not is_name
            forms: Forms = {
                form: change_word(text, grammar, inherited=inherited) for form, text in word.items()
            }
            own = draw < grammar["own"] and not is_name
            # Where sounds have become alike, one form would be left to two concepts.
            while own or not free(forms, name):
                forms, own = inflect(rng, grammar, concepts()[name].kind), False
            used.update(map(str.casefold, forms.values()))
            found.append(forms)
        vocabulary[name] = tuple(found)
    return vocabulary
