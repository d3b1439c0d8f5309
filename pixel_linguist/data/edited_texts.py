"""Texts with copies that differ by a word or two: sentences that look alike and mean less so."""

import collections
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pixel_linguist.data.records import Record, Source, text_of

# Attempts at an edit of a text that differs from the text and its other edits.
_ATTEMPTS = 16
# Stands before a text's first word and after its last.
_EDGE = ""

Words = list[str]


class EditedTexts(Sequence[Record]):
    """Each text of a source, {"text"}, followed by edited copies of it.

    Most edits exchange a word for another that some text has between the same two words; others
    leave out, add or exchange words. All words that meet, meet in some text of the source, but for
    exchanged ones. Edits are those of the text's number; a text that allows none is repeated. Words
    are what spaces separate.

    With the annotator `NearestTexts`, a text and its copies are each other's nearest mostly, so
    that an encoder learns what one word changes (stage "relations" of experiments/tiny.py).

    Args:
        text: column of texts.
        number: copies of each text.

    Raises:
        ValueError: if `number` is less than 1.
    """

    def __init__(self, source: Source, text: str, number: int = 4):
        if number < 1:
            raise ValueError(f"number is {number}; at least 1 edited copy of each text is needed")
        self._texts = [text_of(source[i], text) for i in range(len(source))]
        self._number = number
        between = collections.defaultdict(set)
        self._pairs: set[tuple[str, str]] = set()
        for own in self._texts:
            words = [_EDGE, *own.split(), _EDGE]
            self._pairs.update(itertools.pairwise(words))
            for before, word, after in zip(words, words[1:], words[2:], strict=False):
                between[before, after].add(word)
        # In order, so that draws do not depend on how sets are walked through.
        self._between = {pair: sorted(words) for pair, words in between.items()}

    def __len__(self) -> int:
        return len(self._texts) * (1 + self._number)

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"{index} is not the number of one of {len(self)} texts")
        row, copy = divmod(index, 1 + self._number)
        return {"text": self._edits(row)[copy - 1] if copy else self._texts[row]}

    def _edits(self, row: int) -> list[str]:
        """Return the edited copies of a text."""
        rng, text = np.random.default_rng(row), self._texts[row]
        words = text.split()
        found: dict[str, None] = {}
        kinds: tuple[Callable[..., Words], ...] = (self._replace, self._drop, self._add, _exchange)
        for _ in range(_ATTEMPTS * self._number):
            if len(found) == self._number or not words:
                break
            edit = kinds[int(rng.choice(4, p=(0.55, 0.15, 0.15, 0.15)))]
            edited = " ".join(edit(words, rng))
            if edited and edited != " ".join(words):
                found[edited] = None
        return [*found, *[text] * self._number][: self._number]

    def _replace(self, words: Words, rng: np.random.Generator) -> Words:
        """Exchange a word for one that stands between the same two words elsewhere."""
        place = int(rng.integers(len(words)))
        others = self._between[_around(words, place, place + 1)]
        return [*words[:place], str(rng.choice(others)), *words[place + 1 :]]

    def _drop(self, words: Words, rng: np.random.Generator) -> Words:
        """Leave out a word whose neighbours stand side by side elsewhere."""
        place = int(rng.integers(len(words)))
        known = _around(words, place, place + 1) in self._pairs
        return [*words[:place], *words[place + 1 :]] if known else words

    def _add(self, words: Words, rng: np.random.Generator) -> Words:
        """Put a word between two that have it between them elsewhere."""
        place = int(rng.integers(len(words) + 1))
        others = self._between.get(_around(words, place, place))
        return [*words[:place], str(rng.choice(others)), *words[place:]] if others else words


def _around(words: Words, start: int, end: int) -> tuple[str, str]:
    """Return the words before and after a span."""
    before = words[start - 1] if start else _EDGE
    return before, words[end] if end < len(words) else _EDGE


def _exchange(words: Words, rng: np.random.Generator) -> Words:
    """Exchange two words."""
    one, other = (int(i) for i in rng.integers(len(words), size=2))
    exchanged = list(words)
    exchanged[one], exchanged[other] = words[other], words[one]
    return exchanged
