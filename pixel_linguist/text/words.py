"""Perturbations that move, remove, double or respell whole words.

All take `(text, rng)` and a `rate`, the expected share of words (or gaps) that take part; rate 0
and text without a word return the text unchanged; a rate outside 0..1 raises ValueError.
Whitespace stays where it is unless the docstring says otherwise.
"""

from numbers import Integral

import numpy as np

from pixel_linguist.text.graphemes import join_words, split_clusters, split_words
from pixel_linguist.text.rate import leaves_unchanged


def _move(words: list[str], slots: np.ndarray, keys: np.ndarray) -> list[str]:
    """Put the words at `slots` (int [m], ascending) back into these slots, sorted by `keys` [m]."""
    moved = list(words)
    for slot, source in zip(slots.tolist(), slots[keys.argsort()].tolist(), strict=True):
        moved[slot] = words[source]
    return moved


def shuffle_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Permute at random the words that take part, each with probability `rate`."""
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    slots = (draws[0] < rate).nonzero()[0]
    return join_words(_move(words, slots, draws[1, slots]), gaps)


def shuffle_words_within_window(
    text: str,
    rng: np.random.Generator,
    *,
    rate: float,
    window: int,
    keep_first: bool = False,
    keep_last: bool = False,
) -> str:
    """Permute words so that none moves further than `window` positions.

    The words that take part, each with probability `rate`, are sorted by their position plus a
    uniform draw from [0, window + 1), which bounds every move by the window (Lample et al.,
    arXiv 1711.00043, section 2.3); words further apart than that never change order.
    `keep_first` and `keep_last` leave the first and the last word of the text in place.
    Raises ValueError if window is not an integer of at least 1.
    """
    if not isinstance(window, Integral) or window < 1:
        raise ValueError(f"window must be an integer of at least 1, not {window!r}")
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    takes_part = draws[0] < rate
    if keep_first:
        takes_part[0] = False
    if keep_last:
        takes_part[-1] = False
    slots = takes_part.nonzero()[0]
    return join_words(_move(words, slots, slots + draws[1, slots] * (window + 1)), gaps)


def drop_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Remove each word, and the whitespace before it, with probability `rate`.

    When all would go, one of them, drawn uniformly, stays.
    """
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    draws = rng.random(len(words))
    kept = (draws >= rate).nonzero()[0].tolist() or [int(draws.argmax())]
    inner = [gaps[index] for index in kept[1:]]
    return join_words([words[index] for index in kept], [gaps[0], *inner, gaps[-1]])


def repeat_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write each word twice, with a space between, with probability `rate`."""
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    for index in (rng.random(len(words)) < rate).nonzero()[0].tolist():
        words[index] = f"{words[index]} {words[index]}"
    return join_words(words, gaps)


_CASES = (str.upper, str.lower, str.capitalize, str.swapcase)


def change_case(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Respell each word, with probability `rate`, in a case drawn at random.

    The cases are upper, lower, title (one capital) and swapped; scripts without case stay.
    """
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    for index in (draws[0] < rate).nonzero()[0].tolist():
        words[index] = _CASES[int(draws[1, index] * len(_CASES))](words[index])
    return join_words(words, gaps)


def change_whitespace(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Change each gap between two words with probability `rate`, in one of three ways at random.

    The gap is removed, or doubled, or kept while a space is written inside the word before it,
    between two grapheme clusters (a word of a single cluster cannot take it: the gap is doubled).
    """
    if leaves_unchanged(text, rate):
        return text
    words, gaps = split_words(text)
    draws = rng.random((3, len(words)))
    for index in (draws[0, 1:] < rate).nonzero()[0].tolist():
        way = int(draws[1, index] * 3)
        if way == 0:
            gaps[index + 1] = ""
            continue
        clusters = split_clusters(words[index]) if way == 1 else []
        if len(clusters) > 1:
            cut = 1 + int(draws[2, index] * (len(clusters) - 1))
            words[index] = f"{''.join(clusters[:cut])} {''.join(clusters[cut:])}"
        else:
            gaps[index + 1] *= 2
    return join_words(words, gaps)
