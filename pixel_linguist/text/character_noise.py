"""Perturbations inside words, on grapheme clusters, so that no script breaks.

All take `(text, rng)` and a `rate`, the expected share of clusters (of words for
`scramble_inner_letters`) that they change; whitespace never changes. `rate.perturbation` says what
they have in common.

Letters that are inserted or substituted have the script of the cluster at that place (at
punctuation and emoji, of the nearest letter before, or else of the first letter of the text): they
come from the keyboard layout of that script in `keyboards.LAYOUTS`, or without a layout from the
text's own letters of that script. They are capitals where that cluster is one.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from pixel_linguist.text.graphemes import (
    join_words,
    script,
    split_clusters,
    split_words,
    stay_apart,
)
from pixel_linguist.text.keyboards import adjacent_letters, alphabet
from pixel_linguist.text.rate import chosen, chosen_clusters, perturbation


class _Letters:
    """Letters that can be written at each cluster of one text."""

    def __init__(self, clusters: Sequence[str]) -> None:
        self._clusters = clusters
        self._pools: dict[str, tuple[str, ...]] = {}

    @cached_property
    def _nearest_scripts(self) -> list[str]:
        """The script of each cluster, else of the nearest letter before, else of the first one."""
        scripts = [script(cluster) for cluster in self._clusters]
        nearest = next(filter(None, scripts), "")
        for index, own in enumerate(scripts):
            nearest = scripts[index] = own or nearest
        return scripts

    def _pool(self, name: str) -> tuple[str, ...]:
        """Return lower-case letters of a script: those of its layout, or the text's own."""
        if name not in self._pools:
            own = (cluster.lower() for cluster in self._clusters if script(cluster) == name)
            self._pools[name] = alphabet(name) or tuple(
                dict.fromkeys(cluster for cluster in own if not cluster.isspace())
            )
        return self._pools[name]

    def draw(self, index: int, uniform: float, *, other: bool) -> str:
        """Choose a letter for the place of a cluster by a draw from [0, 1).

        With `other` it differs from the letter there, if the pool has another.
        """
        here = self._clusters[index]
        pool = self._pool(script(here) or self._nearest_scripts[index])
        if other:
            lower = here.lower()
            pool = tuple(letter for letter in pool if letter != lower)
        if not pool:
            return here
        letter = pool[int(uniform * len(pool))]
        return letter.upper() if here.isupper() else letter


@perturbation
def scramble_inner_letters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Permute the inner clusters of each word at random, with probability `rate`.

    The first and the last letter of the word and punctuation around it stay. The permutation may
    be the identity; a permutation that would join two clusters into one is not made.
    """
    words, gaps = split_words(text)
    draws = rng.random(len(words) + len(text))
    keys = draws[len(words) :].tolist()
    for number in chosen(draws[: len(words)], rate):
        clusters = split_clusters(words[number])
        letters = [index for index, cluster in enumerate(clusters) if script(cluster)]
        if len(letters) < 4:
            continue
        inner = slice(letters[0] + 1, letters[-1])
        # One key for each cluster; no two words share a key.
        own_keys, keys = keys[: len(clusters)], keys[len(clusters) :]
        order = sorted(range(inner.start, inner.stop), key=own_keys.__getitem__)
        scrambled = list(clusters)
        scrambled[inner] = [clusters[index] for index in order]
        if stay_apart(scrambled):
            words[number] = "".join(scrambled)
    return join_words(words, gaps)


@perturbation
def transpose_characters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Swap neighbouring clusters of a word, no cluster twice.

    From left to right, each cluster not yet swapped changes places with the next with probability
    rate / (2 - rate), so that `rate` is the expected share of clusters that move in a long word; in
    a short word it is smaller. A swap that would join two clusters into one is not made.
    """
    clusters = split_clusters(text)
    free = 0
    for index in chosen_clusters(clusters, rng.random(len(clusters))[:-1], rate / (2 - rate)):
        if index < free or clusters[index + 1].isspace():
            continue
        around = slice(max(index - 1, 0), index + 3)
        before = clusters[around]
        clusters[index : index + 2] = clusters[index + 1], clusters[index]
        if stay_apart(clusters[around]):
            free = index + 2
        else:
            clusters[around] = before
    return "".join(clusters)


@perturbation
def insert_characters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write a random letter before or after each cluster with probability `rate`."""
    clusters = split_clusters(text)
    draws = rng.random((3, len(clusters)))
    letters = _Letters(tuple(clusters))
    for index in chosen_clusters(clusters, draws[0], rate):
        letter = letters.draw(index, draws[1, index], other=False)
        here = clusters[index]
        clusters[index] = letter + here if draws[2, index] < 0.5 else here + letter
    return "".join(clusters)


@perturbation
def delete_characters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Remove each cluster with probability `rate`.

    If all clusters are drawn, one of them, drawn uniformly, stays.
    """
    clusters = split_clusters(text)
    draws = rng.random(len(clusters))
    hits = chosen_clusters(clusters, draws, rate)
    written = [index for index, cluster in enumerate(clusters) if not cluster.isspace()]
    if len(hits) == len(written):
        hits.remove(max(written, key=draws.__getitem__))
    for index in hits:
        clusters[index] = ""
    return "".join(clusters)


def _replace(text: str, rng: np.random.Generator, rate: float, *, by_adjacent: bool) -> str:
    """Replace clusters by a letter on an adjacent key (if there is one), or by any other letter."""
    clusters = split_clusters(text)
    draws = rng.random((2, len(clusters)))
    letters = _Letters(tuple(clusters))
    for index in chosen_clusters(clusters, draws[0], rate):
        here = clusters[index]
        adjacent = adjacent_letters(here[0]) if by_adjacent else ()
        if adjacent:
            clusters[index] = adjacent[int(draws[1, index] * len(adjacent))] + here[1:]
        else:
            clusters[index] = letters.draw(index, draws[1, index], other=True)
    return "".join(clusters)


@perturbation
def substitute_characters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace each cluster by another letter of its script with probability `rate`.

    A cluster stays if its script has no layout and the text no other letter of that script.
    """
    return _replace(text, rng, rate, by_adjacent=False)


@perturbation
def keyboard_neighbours(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Replace each cluster's letter by one on an adjacent key with probability `rate`.

    Accents and vowel signs written after the letter stay on it. A letter without a key is replaced
    as in `substitute_characters`.
    """
    return _replace(text, rng, rate, by_adjacent=True)


@perturbation
def repeat_characters(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write each cluster twice with probability `rate`."""
    clusters = split_clusters(text)
    for index in chosen_clusters(clusters, rng.random(len(clusters)), rate):
        clusters[index] *= 2
    return "".join(clusters)


# Letters that optical character recognition of old print takes for one another.
_CONFUSED = (
    ("rn", "m"), ("cl", "d"), ("vv", "w"), ("e", "c"), ("h", "b"), ("l", "1"), ("s", "5"),
    ("RN", "M"), ("E", "F"), ("C", "G"), ("O", "0"), ("I", "l"), ("B", "8"), ("S", "5"), ("U", "V"),
)  # fmt: skip
_CONFUSIONS = {b: a for a, b in reversed(_CONFUSED)} | dict(reversed(_CONFUSED))
_CONFUSABLE = re.compile("|".join(sorted(_CONFUSIONS, key=len, reverse=True)) + r"|[^\W\d_]")
# Of the letters that are changed and have no look-alike, these are lost; the rest stay.
_LOST = 0.25


@perturbation
def ocr_confusions(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Misread Latin letters as optical character recognition does, each with probability `rate`.

    Letters and pairs of letters become those that look like them (rn and m, cl and d, e and c, 0
    and O); of others a quarter is lost. Text of which nothing would be left stays as it is.
    """

    def misread(found: re.Match[str]) -> str:
        hit, lost = rng.random(2)
        if hit >= rate:
            return found[0]
        return _CONFUSIONS.get(found[0]) or ("" if lost < _LOST else found[0])

    misread_text = _CONFUSABLE.sub(misread, text)
    return misread_text if misread_text.strip() else text
