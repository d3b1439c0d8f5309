"""Grapheme clusters and words: units of text that perturbations keep whole.

A word is a run of characters between whitespace (`str.split`); a sentence of a script without
spaces (Han, Thai) is one word.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

# Spacing signs of Myanmar, Tai Tham and Ahom that UAX 29 (table 2) does not join to their letter.
_SIGNS = (
    r"\u102b\u102c\u1038\u1062-\u1064\u1067-\u106d\u1083\u1087-\u108c\u108f\u109a-\u109c\u1a61"
    r"\u1a63\u1a64\uaa7b\uaa7d\U00011720\U00011721"
)
# Viramas whose conjuncts rule GB9c joins, and those that are seen and join nothing, or not without
# a joiner.
_JOINED = r"\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"
_SEEN = (
    r"\u0bcd\u0d3b\u0d3c\u0dca\u0e3a\u0eba\u0f84\u103a\u1714\u1715\u1734\u1baa\u1bf2\u1bf3\ua8c4"
    r"\ua953\uabed\U00011134\U0001172b\U00011a34\U0001193d\U00011d44"
)
# Where a cluster goes on: at such a sign; behind a virama, at a letter; at the two conjuncts of
# Tamil, KSSA and SHRI.
_ON = (
    rf"(?<![\s\p{{Cc}}])(?=[{_SIGNS}])"
    rf"|(?<=[\p{{ccc=9}}--[{_SEEN}]]\u200d?|\u0dca\u200d)(?=\p{{Lo}})"
    r"|(?<=\u0b95\u0bcd)(?=\u0bb7)|(?<=[\u0bb6\u0bb8]\u0bcd)(?=\u0bb0)"
)
_LONGER = rf"\X(?:(?=[\p{{Lo}}{_SIGNS}])(?:{_ON})\X)*"
# Of a text without any of these, UAX 29 gives the same, and its clusters are found 4 times as fast.
_NEEDED = regex.compile(rf"(?V1)[[{_SIGNS}][\p{{ccc=9}}--[{_JOINED}]]]")
_CLUSTER, _PAIR = (
    (regex.compile(p), regex.compile(rf"(?V1){q}"))
    for p, q in (
        (r"\X", _LONGER),
        (r"\X{1,2}", f"(?:{_LONGER}){{1,2}}"),
    )
)
# \S of the standard library is the exact complement of str.isspace, by which str.split splits.
_WORD = re.compile(r"\S+")


def split_clusters(text: str) -> list[str]:
    """Split text into extended grapheme clusters (Unicode Standard Annex 29), and join some.

    A cluster is one character to readers: a letter with its accents, a Devanagari conjunct with its
    vowel sign, a Hangul syllable, an emoji joined from several. UAX 29 parts the conjuncts of
    Kannada, Gurmukhi, Sinhala and others, and some signs of Myanmar from their letter, though they
    have another picture without each other: here they are one cluster.
    A lone surrogate is a cluster. `"".join(split_clusters(text)) == text`.
    """
    if text.isascii() and "\r" not in text:
        return list(text)
    return _CLUSTER[_longer(text)].findall(text)


def split_pairs(text: str) -> list[str]:
    """Split text into pairs of grapheme clusters; the last one may be single."""
    return _PAIR[_longer(text)].findall(text)


def cluster_ends(text: str) -> list[int]:
    """Return the places at which the clusters of a text end."""
    return [match.end() for match in _CLUSTER[_longer(text)].finditer(text)]


def _longer(text: str) -> bool:
    """Tell whether a text may have clusters that are longer than those of UAX 29."""
    return not text.isascii() and _NEEDED.search(text) is not None


def stay_apart(clusters: list[str]) -> bool:
    """Tell whether clusters remain the same clusters when written side by side.

    A Devanagari consonant that ends in a virama, for one, joins the consonant after it.
    """
    joined = "".join(clusters)
    return joined.isascii() or split_clusters(joined) == clusters


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
