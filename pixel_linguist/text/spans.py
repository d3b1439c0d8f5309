"""Spans of a document, as views of it: two spans of one article share its topic.

Sources: topical alignment of Pixel-Linguist (arXiv 2402.08183); independent cropping of Contriever
(arXiv 2112.09118, section 3), here without overlap and from the start of a sentence.
A span has single spaces between its words (defined in `graphemes`).
"""

import re

import numpy as np
import regex

_SENTENCE_ENDS = (".", "!", "?", "।", "。")
# Ends of scripts without spaces need none behind them.
_BREAK = re.compile(r"(?<=[.!?।…])\s+|(?<=[。！？])\s*")
# Words whose full stop ends no sentence.
_ABBREVIATED = re.compile(r"(?:^|\s)(?:Dr|Mr|Mrs|Ms|St|No|vs|Prof|etc|e\.g|i\.e|[A-Z])\.$")

# What is neither letter nor digit; behind a letter marks belong to it.
_EDGES = regex.compile(r"^[^\p{L}\p{N}]+|[^\p{L}\p{M}\p{N}]+$")


def bare_word(word: str) -> str:
    """Return a word without the punctuation around it, in lower case; "" may be left."""
    return _EDGES.sub("", word).lower()


def _check_words(words: tuple[int, int]) -> None:
    """Raise ValueError if the range of span lengths is not 1 <= shortest <= longest."""
    shortest, longest = words
    if not 1 <= shortest <= longest:
        raise ValueError(f"words must be (shortest, longest), 1 <= shortest <= longest: {words}")


def sentence_starts(tokens: list[str]) -> np.ndarray:
    """Return the positions of the first words of sentences: int64 [sentences], ascending from 0.

    A sentence ends with a word that ends in one of `. ! ? । 。`.
    """
    after = [index + 1 for index, word in enumerate(tokens[:-1]) if word.endswith(_SENTENCE_ENDS)]
    return np.array([0, *after])


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences, also of scripts without spaces; blank text has none.

    A full stop behind a common abbreviation or a single capital ends none.
    """
    sentences: list[str] = []
    for piece in _BREAK.split(text.strip()):
        if sentences and _ABBREVIATED.search(sentences[-1]):
            sentences[-1] += f" {piece}"
        elif piece:
            sentences.append(piece)
    return tuple(sentences)


def near_places(count: int, rng: np.random.Generator, *, radius: int) -> tuple[int, int]:
    """Draw two different places of `count`, at most `radius` apart; of a single one, it twice.

    The first is uniform, the second uniform among those near it.
    """
    centre = int(rng.integers(count))
    within = range(max(centre - radius, 0), min(centre + radius + 1, count))
    near = [place for place in within if place != centre]
    return centre, near[rng.integers(len(near))] if near else centre


def _draw_starts(
    starts: np.ndarray, lengths: tuple[int, int], end: int, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Draw first < second among `starts`, so that spans of these lengths fit without overlap.

    All such pairs are equally likely; None if there is none. No span passes `end`.
    """
    last = np.searchsorted(starts, end - lengths[1], side="right")
    earliest = np.searchsorted(starts, starts + lengths[0])
    pairs = np.maximum(last - earliest, 0).cumsum()
    if pairs[-1] == 0:
        return None
    drawn = int(rng.integers(pairs[-1]))
    first = int(np.searchsorted(pairs, drawn, side="right"))
    second = int(last) - (int(pairs[first]) - drawn)
    return int(starts[first]), int(starts[second])


def two_spans(text: str, rng: np.random.Generator, *, words: tuple[int, int]) -> tuple[str, str]:
    """Draw two spans of one document that do not overlap, in random order.

    Both spans begin with a sentence, not the same one, if the document has more than one sentence;
    else at any word. If the drawn lengths do not fit, spans are cut, below the shortest length only
    if nothing else fits.

    Args:
        text: a document. If it has fewer words than twice the shortest length, the result is its
            first and second half; of a single word, that word twice; without a word, the text
            twice.
        rng: source of randomness.
        words: shortest and longest span in words, both included. Each span's length is uniform in
            this range, its upper end lowered to half the document.

    Raises:
        ValueError: unless 1 <= shortest <= longest.
    """
    _check_words(words)
    tokens = text.split()
    count, shortest = len(tokens), words[0]
    if count < 2:
        return (tokens[0], tokens[0]) if tokens else (text, text)
    if count < 2 * shortest:
        return " ".join(tokens[: count // 2]), " ".join(tokens[count // 2 :])
    drawn = rng.integers(shortest, min(words[1], count // 2), size=2, endpoint=True).tolist()
    starts = sentence_starts(tokens)
    if len(starts) == 1:
        starts = np.arange(count)
    tried = ((drawn[0], drawn[1]), (shortest, shortest), (1, 1))
    pairs = (_draw_starts(starts, lengths, count, rng) for lengths in tried)
    # Two different starts always leave room for spans of one word.
    first, second = next(pair for pair in pairs if pair is not None)
    spans = (
        " ".join(tokens[first : min(first + drawn[0], second)]),
        " ".join(tokens[second : second + drawn[1]]),
    )
    return spans if rng.random() < 0.5 else spans[::-1]


def crop(text: str, rng: np.random.Generator, *, words: tuple[int, int]) -> str:
    """Draw one span of a document, of random length and place.

    Its length is uniform in `words` (shortest and longest, both included and lowered to the
    document's length), its start uniform among the words where it fits. Text without a word is
    returned unchanged. Raises ValueError unless 1 <= shortest <= longest.
    """
    _check_words(words)
    tokens = text.split()
    if not tokens:
        return text
    shortest, longest = min(words[0], len(tokens)), min(words[1], len(tokens))
    length = int(rng.integers(shortest, longest, endpoint=True))
    start = int(rng.integers(len(tokens) - length, endpoint=True))
    return " ".join(tokens[start : start + length])
