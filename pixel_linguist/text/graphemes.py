"""Grapheme clusters and words: units of text that perturbations keep whole.

A word is a run of characters between whitespace (`str.split`); a sentence of a script without
spaces (Han, Thai) is one word.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

_CLUSTER = regex.compile(r"\X")
# \S of the standard library is the exact complement of str.isspace, by which str.split splits.
_WORD = re.compile(r"\S+")


def split_clusters(text: str) -> list[str]:
    """Split text into extended grapheme clusters (Unicode Standard Annex 29).

    A cluster is one character to readers: a letter with its accents, a Devanagari conjunct with
    its vowel sign, a Hangul syllable, an emoji joined from several.
    A lone surrogate is a cluster. `"".join(split_clusters(text)) == text`.
    """
    if text.isascii() and "\r" not in text:
        return list(text)
    return _CLUSTER.findall(text)


def stay_apart(clusters: list[str]) -> bool:
    """Tell whether clusters remain the same clusters when written side by side.

    A Devanagari consonant that ends in a virama, for one, joins the consonant after it.
    """
    joined = "".join(clusters)
    return joined.isascii() or _CLUSTER.findall(joined) == clusters


def split_words(text: str) -> tuple[list[str], list[str]]:
    """Split text into its n words and the n + 1 runs of whitespace around them.

    The first and the last run may be empty; `join_words` is the inverse for n > 0.
    """
    words = text.split()
    if " ".join(words) == text:
        return words, ["", *[" "] * (len(words) - 1), ""]
    return words, _WORD.split(text)


def join_words(words: Sequence[str], gaps: Sequence[str]) -> str:
    """Join n words with the n + 1 runs of whitespace around them."""
    return "".join([gap + word for gap, word in zip(gaps, words, strict=False)]) + gaps[-1]


@lru_cache(maxsize=1 << 16)
def script(cluster: str) -> str:
    """Return the script of a cluster's first character: "LATIN", "DEVANAGARI", "CJK".

    It is the first word of the character's Unicode name, so "DIGIT" for 0 to 9, and "" for
    characters that are neither letter nor digit (punctuation, emoji).
    """
    first = cluster[:1]
    return unicodedata.name(first, "").partition(" ")[0] if first.isalnum() else ""
