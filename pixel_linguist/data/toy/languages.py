"""The languages of the generated world by code."""

import functools

from pixel_linguist.data.toy.cognates import change_word, make_cognates
from pixel_linguist.data.toy.english import MARKERS, English, english_vocabulary
from pixel_linguist.data.toy.generated import GRAMMARS, Generated, make_vocabulary, phrase_words
from pixel_linguist.data.toy.language import Language

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
