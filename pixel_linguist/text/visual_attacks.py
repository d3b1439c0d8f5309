"""Perturbations that readers hardly notice or see through, but tokenisers do not.

All take `(text, rng)` and a `rate`, the probability with which they change each grapheme cluster
that they apply to; whitespace never changes. `rate.perturbation` says what they have in common.
Sources: visual attacks of VIPER (Eger et al. 2019, arXiv 1903.11508) and imperceptible attacks of
Boucher et al. 2022 (arXiv 2106.09898).
"""

from collections.abc import Callable

import numpy as np

from pixel_linguist.text.graphemes import script, split_clusters
from pixel_linguist.text.rate import chosen_clusters, perturbation

# Latin, Cyrillic and Greek letters of the same shape (Unicode Technical Standard 39).
_ALIKE = (
    "aа", "cс", "dԁ", "eе", "hһ", "iі", "jј", "lӏ", "oоο", "pр", "qԛ", "sѕ",
    "vν", "wԝ", "xх", "yу", "AАΑ", "BВΒ", "CС", "EЕΕ", "HНΗ", "IІΙ", "JЈ", "KКΚ",
    "MМΜ", "NΝ", "OОΟ", "PРΡ", "SЅ", "TТΤ", "XХΧ", "YΥҮ", "ZΖ",
)  # fmt: skip
LOOK_ALIKES = {letter: group.replace(letter, "") for group in _ALIKE for letter in group}
LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "5$",
        "t": "7", "z": "2"}  # fmt: skip
# Zero-width space, word joiner, byte-order mark: they do not affect the shaping of any script.
ZERO_WIDTH = "\u200b\u2060\ufeff"
# Above: grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, caron; below: dot,
# macron.
MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030c\u0323\u0331"
# Added to the ASCII characters ! to ~ it gives their full-width forms.
_FULL_WIDTH_OFFSET = 0xFF01 - ord("!")


def _replace(
    text: str, rng: np.random.Generator, rate: float, replace: Callable[[str, float], str]
) -> str:
    """Replace clusters by `replace(cluster, draw from [0, 1))`, each with probability `rate`."""
    clusters = split_clusters(text)
    draws = rng.random((2, len(clusters)))
    for index in chosen_clusters(clusters, draws[0], rate):
        clusters[index] = replace(clusters[index], draws[1, index])
    return "".join(clusters)


@perturbation
def look_alikes(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace letters by letters of the same shape of another alphabet: Latin a by Cyrillic а."""

    def replace(cluster: str, draw: float) -> str:
        others = LOOK_ALIKES.get(cluster[0], cluster[0])
        return others[int(draw * len(others))] + cluster[1:]

    return _replace(text, rng, rate, replace)


@perturbation
def leetspeak(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace letters by digits and signs that resemble them: e by 3, a by 4 or @."""

    def replace(cluster: str, draw: float) -> str:
        signs = LEET.get(cluster[0].lower(), cluster[0])
        return signs[int(draw * len(signs))] + cluster[1:]

    return _replace(text, rng, rate, replace)


@perturbation
def insert_zero_width(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write an invisible character of no width after clusters."""
    return _replace(
        text, rng, rate, lambda cluster, draw: cluster + ZERO_WIDTH[int(draw * len(ZERO_WIDTH))]
    )


@perturbation
def add_diacritics(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write a combining mark on letters and digits."""

    def replace(cluster: str, draw: float) -> str:
        return cluster + MARKS[int(draw * len(MARKS))] if script(cluster) else cluster

    return _replace(text, rng, rate, replace)


@perturbation
def full_width(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace ASCII characters by their full-width forms of East Asian typography: a by ａ."""

    def replace(cluster: str, draw: float) -> str:
        first = cluster[0]
        wide = chr(ord(first) + _FULL_WIDTH_OFFSET) if "!" <= first <= "~" else first
        return wide + cluster[1:]

    return _replace(text, rng, rate, replace)
