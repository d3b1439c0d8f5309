"""Perturbations that a reader hardly notices or sees through, and a tokeniser trips over.

All take `(text, rng)` and a `rate`, the probability with which each grapheme cluster that can take
part does; whitespace never does. Rate 0 and text without a word return the text unchanged; a rate
outside 0..1 raises ValueError. Sources: visual attacks of VIPER (Eger et al. 2019, arXiv
1903.11508) and the imperceptible ones of Boucher et al. 2022 (arXiv 2106.09898).
"""

from collections.abc import Callable

import numpy as np

from pixel_linguist.text.graphemes import script, split_clusters
from pixel_linguist.text.rate import leaves_unchanged

# Letters of Latin, Cyrillic and Greek that are drawn alike (Unicode Technical Standard 39).
_ALIKE = (
    "aа", "cс", "dԁ", "eе", "hһ", "iі", "jј", "lӏ", "oоο", "pр", "qԛ", "sѕ",
    "vν", "wԝ", "xх", "yу", "AАΑ", "BВΒ", "CС", "EЕΕ", "HНΗ", "IІΙ", "JЈ", "KКΚ",
    "MМΜ", "NΝ", "OОΟ", "PРΡ", "SЅ", "TТΤ", "XХΧ", "YΥҮ", "ZΖ",
)  # fmt: skip
LOOK_ALIKES = {letter: group.replace(letter, "") for group in _ALIKE for letter in group}
LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "5$",
        "t": "7", "z": "2"}  # fmt: skip
# Zero-width space, word joiner, and the byte order mark: no script is shaped by them.
ZERO_WIDTH = "\u200b\u2060\ufeff"
# Marks above: grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, caron; and
# below: dot, macron.
MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030c\u0323\u0331"
# From the ASCII characters ! to ~ to their full-width forms.
_FULL_WIDTH_OFFSET = 0xFF01 - ord("!")


def _change(
    text: str, rng: np.random.Generator, rate: float, change: Callable[[str, float], str]
) -> str:
    """Apply `change` to clusters, each with probability `rate`; it is given a draw from [0, 1)."""
    if leaves_unchanged(text, rate):
        return text
    clusters = split_clusters(text)
    draws = rng.random((2, len(clusters)))
    for index in (draws[0] < rate).nonzero()[0].tolist():
        if not clusters[index].isspace():
            clusters[index] = change(clusters[index], draws[1, index])
    return "".join(clusters)


def look_alikes(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace letters by those of another alphabet that are drawn alike: Latin a by Cyrillic а."""

    def change(cluster: str, draw: float) -> str:
        others = LOOK_ALIKES.get(cluster[0], cluster[0])
        return others[int(draw * len(others))] + cluster[1:]

    return _change(text, rng, rate, change)


def leetspeak(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace letters by digits and signs that resemble them: e by 3, a by 4 or @."""

    def change(cluster: str, draw: float) -> str:
        signs = LEET.get(cluster[0].lower(), cluster[0])
        return signs[int(draw * len(signs))] + cluster[1:]

    return _change(text, rng, rate, change)


def insert_zero_width(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write a character that takes no room and is not seen after clusters."""
    return _change(
        text, rng, rate, lambda cluster, draw: cluster + ZERO_WIDTH[int(draw * len(ZERO_WIDTH))]
    )


def add_diacritics(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Put a combining mark on letters and digits."""

    def change(cluster: str, draw: float) -> str:
        return cluster + MARKS[int(draw * len(MARKS))] if script(cluster) else cluster

    return _change(text, rng, rate, change)


def full_width(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace ASCII characters by the full-width ones of East Asian typography: a by ａ."""

    def change(cluster: str, draw: float) -> str:
        first = cluster[0]
        wide = chr(ord(first) + _FULL_WIDTH_OFFSET) if "!" <= first <= "~" else first
        return wide + cluster[1:]

    return _change(text, rng, rate, change)
