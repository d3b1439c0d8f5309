"""The languages of the world, by code, and the dictionaries to read them with."""

import functools
import re
import unicodedata

from pixel_linguist.data.toy.english import english
from pixel_linguist.data.toy.generated import GRAMMARS, Generated, make_vocabulary
from pixel_linguist.data.toy.language import Language

# Code → name.
LANGUAGES = {"en": "English", **{code: grammar.name for code, grammar in GRAMMARS.items()}}
# English words that stand beside the content words.
_ENGLISH_MARKERS = frozenset(
    ("a", "an", "the", "was", "were", "did", "not", "by", "in", "on", "at")
)


@functools.cache
def get_language(code: str) -> Language:
    """Return a language with its words; the first call makes them.

    Raises:
        ValueError: for an unknown code, naming the known ones.
    """
    if code == "en":
        return english()
    if code not in GRAMMARS:
        raise ValueError(f"no language {code!r} in the world; there are {', '.join(LANGUAGES)}")
    codes = list(LANGUAGES)
    taken = set(_ENGLISH_MARKERS)
    for earlier in codes[: codes.index(code)]:
        taken.update(surface_forms(earlier))
    return Generated(code, LANGUAGES[code], make_vocabulary(GRAMMARS[code], taken), GRAMMARS[code])


@functools.cache
def surface_forms(code: str) -> dict[str, str]:
    """Return each form of each content word, in lower case → the name of its concept."""
    return {
        form.casefold(): name
        for name, words in get_language(code).vocabulary.items()
        for forms in words
        for form in forms.values()
    }


@functools.cache
def content_words(code: str) -> frozenset[str]:
    """Return the dictionary forms of a language's content words."""
    vocabulary = get_language(code).vocabulary
    return frozenset(next(iter(forms.values())) for words in vocabulary.values() for forms in words)


def read_concepts(text: str, code: str) -> list[str]:
    """Return the concepts of a text's content words, in order: the way back from words.

    Words that are not in the language's dictionary (articles, particles, ...) are passed over.
    """
    known = surface_forms(code)
    tokens = re.split(r"[\s.]+", unicodedata.normalize("NFC", text).casefold())
    return [known[token] for token in tokens if token in known]
