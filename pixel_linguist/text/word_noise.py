"""Perturbations of whole words: order, omission, repetition, case and spacing.

All take `(text, rng)` and a `rate`, the expected share of words (or of gaps between them) that
they change. `rate.perturbation` says what they have in common. Whitespace stays where it is unless
the docstring says otherwise.
"""

import re
from numbers import Integral

import numpy as np

from pixel_linguist.text.graphemes import join_words, split_clusters, split_words
from pixel_linguist.text.rate import chosen, perturbation


def _move(words: list[str], slots: np.ndarray, keys: np.ndarray) -> list[str]:
    """Sort the words at `slots` (int [m], ascending) by `keys` [m]; other words stay in place."""
    moved = list(words)
    for slot, source in zip(slots.tolist(), slots[keys.argsort()].tolist(), strict=True):
        moved[slot] = words[source]
    return moved


@perturbation
def shuffle_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Choose each word with probability `rate`, and permute the chosen words at random."""
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    slots = (draws[0] < rate).nonzero()[0]
    return join_words(_move(words, slots, draws[1, slots]), gaps)


@perturbation
def shuffle_words_within_window(
    text: str,
    rng: np.random.Generator,
    *,
    rate: float,
    window: int,
    keep_first: bool = False,
    keep_last: bool = False,
) -> str:
    """Permute words so that none moves by more than `window` positions.

    The words chosen, each with probability `rate`, are sorted by their position plus a uniform
    draw from [0, window + 1) (Lample et al., arXiv 1711.00043, section 2.3); words further apart
    than the window never change order. `keep_first` and `keep_last` leave the first and the last
    word of the text in place. Raises ValueError if window is not an integer of at least 1.
    """
    if not isinstance(window, Integral) or window < 1:
        raise ValueError(f"window must be an integer of at least 1, not {window!r}")
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    moves = draws[0] < rate
    moves[0] &= not keep_first
    moves[-1] &= not keep_last
    slots = moves.nonzero()[0]
    return join_words(_move(words, slots, slots + draws[1, slots] * (window + 1)), gaps)


@perturbation
def drop_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Remove each word, and the whitespace before it, with probability `rate`.

    If all words are drawn, one of them, drawn uniformly, stays.
    """
    words, gaps = split_words(text)
    draws = rng.random(len(words))
    kept = (draws >= rate).nonzero()[0].tolist() or [int(draws.argmax())]
    inner = [gaps[index] for index in kept[1:]]
    return join_words([words[index] for index in kept], [gaps[0], *inner, gaps[-1]])


# Stands for the characters that are masked: ink over the whole height of a letter.
MASK = " \N{FULL BLOCK} "


@perturbation
def mask_span(
    text: str,
    rng: np.random.Generator,
    *,
    rate: float,
    characters: int = 5,
    shortest: int = 30,
) -> str:
    """Put a block in the place of one run of grapheme clusters, with probability `rate`.

    The run's place is uniform, so that it cuts words; the block stands between spaces, a word of
    its own. Texts of less than `shortest` clusters stay as they are. Source: Mirror-BERT (Liu et
    al. 2021, arXiv 2104.08027), section 2.1 and its code, which masks 5 characters of texts of 30
    or more. Raises ValueError unless 1 <= characters < shortest.
    """
    if not 1 <= characters < shortest:
        raise ValueError(
            f"characters is {characters} and shortest {shortest}; 1 <= characters < shortest"
        )
    clusters = split_clusters(text)
    if rng.random() >= rate or len(clusters) < shortest:
        return text
    start = int(rng.integers(len(clusters) - characters, endpoint=True))
    return "".join([*clusters[:start], MASK, *clusters[start + characters :]])


# "#" and what follows up to a character that no tag has.
TAG = re.compile(r"[#\N{FULLWIDTH NUMBER SIGN}]\w+")


@perturbation
def hide_tags(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Remove each hashtag, with the whitespace before it, with probability `rate`.

    Text that would be left without a character stays as it is. Source: HICL (Tan et al., arXiv
    2308.09985), whose encoder would otherwise read which posts belong together.
    """
    hidden = re.sub(rf"\s*{TAG.pattern}", lambda m: "" if rng.random() < rate else m[0], text)
    return hidden if hidden.strip() else text


@perturbation
def repeat_words(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write each word twice, with a space between, with probability `rate`."""
    words, gaps = split_words(text)
    for index in chosen(rng.random(len(words)), rate):
        words[index] = f"{words[index]} {words[index]}"
    return join_words(words, gaps)


_CASES = (str.upper, str.lower, str.capitalize, str.swapcase)


@perturbation
def change_case(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Write each word, with probability `rate`, in upper, lower, title or swapped case at random.

    Scripts without case stay the same.
    """
    words, gaps = split_words(text)
    draws = rng.random((2, len(words)))
    for index in chosen(draws[0], rate):
        words[index] = _CASES[int(draws[1, index] * len(_CASES))](words[index])
    return join_words(words, gaps)


@perturbation
def change_whitespace(text: str, rng: np.random.Generator, *, rate: float) -> str:
    """Change each gap between two words with probability `rate`, in one of three ways at random.

    The gap is removed; or a space is written inside the word before it, between two grapheme
    clusters; or the gap is doubled, which also stands in for the second way in a word of a single
    cluster.
    """
    words, gaps = split_words(text)
    draws = rng.random((3, len(words)))
    for index in chosen(draws[0, 1:], rate):
        way = int(draws[1, index] * 3)
        clusters = split_clusters(words[index]) if way == 1 else []
        if way == 0:
            gaps[index + 1] = ""
        elif len(clusters) > 1:
            cut = 1 + int(draws[2, index] * (len(clusters) - 1))
            words[index] = f"{''.join(clusters[:cut])} {''.join(clusters[cut:])}"
        else:
            gaps[index + 1] *= 2
    return join_words(words, gaps)
