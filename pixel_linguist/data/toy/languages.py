"""The languages of the generated world by code."""

import functools

from pixel_linguist.data.toy.english import MARKERS, English, english_vocabulary
from pixel_linguist.data.toy.generated import GRAMMARS, Generated, make_vocabulary
from pixel_linguist.data.toy.language import Language

# Code → name.
LANGUAGES = {"en": "English", **{code: grammar["name"] for code, grammar in GRAMMARS.items()}}


@functools.cache
def get_language(code: str) -> Language:
    """Return a language with its words, which the first call makes."""
    if code == "en":
        return English(english_vocabulary())
    codes = list(LANGUAGES)
    taken = MARKERS.union(*map(surface_forms, codes[: codes.index(code)]))
    return Generated(make_vocabulary(GRAMMARS[code], taken), GRAMMARS[code])


@functools.cache
def surface_forms(code: str) -> dict[str, str]:
    """Return each form of each content word, in lower case → the name of its concept."""
    return {
        form.casefold(): name
        for name, words in get_language(code).vocabulary.items()
        for forms in words
        for form in forms.values()
    }
