"""Facts of a batch that depend on how its texts are drawn."""

import bisect
import dataclasses
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import regex

from pixel_linguist.data.example import Example
from pixel_linguist.registry import make
from pixel_linguist.render import Renderer

# In place of a word, where a text has no more of them.
NO_WORD = -1
# A stretch between two word boundaries that begins with a letter or a digit.
_WORD = regex.compile(r"\b(?=\w).+?\b", regex.WORD | regex.DOTALL)


class FactMaker(Protocol):
    """Makes a fact of B original examples that are cut to a number of patches."""

    def __call__(self, examples: Sequence[Example], renderer: Renderer, length: int) -> np.ndarray:
        """Return an array [B, ...] of int32, float32 or bool."""
        ...


@dataclasses.dataclass(frozen=True)
class BagOfWords:
    """The distinct words of a view by bucket, as far as its picture shows them.

    Words behind what fits into `length` patches are left out, as no encoder sees them; so are,
    where a patch holds several words, those beyond the first `length` buckets.
    """

    view: str
    buckets: int

    def __call__(self, examples: Sequence[Example], renderer: Renderer, length: int) -> np.ndarray:
        """Return int32 [B, length], distinct buckets, then `NO_WORD`."""
        texts = [str(example.views.get(self.view, "")) for example in examples]
        bags = np.full((len(texts), length), NO_WORD, np.int32)
        counts = renderer.count_patches(texts)
        for text, count, bag in zip(texts, counts, bags, strict=True):
            spans = word_spans(text)
            if count > length:
                spans = spans[: _shown(text, spans, renderer, length)]
            found = dict.fromkeys(
                word_bucket(text[start:end], self.buckets) for start, end in spans
            )
            chosen = list(found)[:length]
            bag[: len(chosen)] = chosen
        return bags


def _shown(text: str, spans: Sequence[tuple[int, int]], renderer: Renderer, length: int) -> int:
    """Return the number of words of a text that are drawn whole when it is cut."""

    def patches(span: tuple[int, int]) -> int:
        return int(renderer.count_patches([text[: span[1]]])[0])

    return bisect.bisect_right(spans, length, key=patches)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each word of a text, in order.

    Words are those of Unicode Standard Annex 29 ("can't", "3.14"). Of scripts written without
    spaces (Han, Thai) each character is a word.
    """
    return [match.span() for match in _WORD.finditer(text)]


def word_bucket(word: str, buckets: int) -> int:
    """Return the bucket of a word in 0..buckets - 1, whatever its case (CRC-32 of UTF-8, NFC)."""
    folded = unicodedata.normalize("NFC", word.casefold())
    return zlib.crc32(folded.encode("utf-8", "surrogatepass")) % buckets


FACT_MAKERS: dict[str, type] = {"bag_of_words": BagOfWords}


def make_fact_maker(spec: Mapping[str, Any]) -> FactMaker:
    """Make the fact maker that {"name": ..., **arguments} describes.

    Raises:
        ValueError: for an unknown name or argument, naming the nearest known.
    """
    return make("fact", FACT_MAKERS, spec)
