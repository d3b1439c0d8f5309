"""The bags of words of a batch, as far as its pictures show them."""

import bisect
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pixel_linguist.text.word_buckets import word_bucket, word_spans

# In place of a word, where a text has no more of them.
NO_WORD = -1


class CountPatches(Protocol):
    """What is asked of a renderer."""

    def count_patches(self, texts: Sequence[str]) -> np.ndarray:
        """Return how many patches each text needs: int [B]."""
        ...


def bags_of_words(
    texts: Sequence[str], render: CountPatches, *, buckets: int, length: int
) -> np.ndarray:
    """Return the distinct words of each text by bucket, int32 [B, length], then `NO_WORD`.

    Words behind what fits into `length` patches are left out, as no encoder sees them; and so are,
    where a patch holds several words, those beyond the first `length` buckets.

    Args:
        texts: B of them.
        render: the renderer that draws them.
        buckets: into which words are hashed.
        length: patches at which a text is cut.
    """
    bags = np.full((len(texts), length), NO_WORD, np.int32)
    counts = render.count_patches(texts)
    for text, count, bag in zip(texts, counts, bags, strict=True):
        spans = word_spans(text)
        if count > length:
            spans = spans[: _shown(text, spans, render, length)]
        found = dict.fromkeys(word_bucket(text[start:end], buckets) for start, end in spans)
        chosen = list(found)[:length]
        bag[: len(chosen)] = chosen
    return bags


def _shown(text: str, spans: Sequence[tuple[int, int]], render: CountPatches, length: int) -> int:
    """Return how many words of a text that is cut are drawn whole."""

    def patches(span: tuple[int, int]) -> int:
        return int(render.count_patches([text[: span[1]]])[0])

    return bisect.bisect_right(spans, length, key=patches)
