"""Crops: two independent spans of one document."""

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, text_of
from pixel_linguist.text.spans import crop


def crops(
    record: Record,
    rng: np.random.Generator,
    *,
    text: str,
    chunk_words: int = 256,
    shortest_share: float = 0.05,
    longest_share: float = 0.5,
) -> Example:
    """Draw two spans of one chunk of a document independently: they may overlap or coincide.

    The chunk, drawn anew each time, is the text that is cropped. A crop's length is a share of it,
    uniform in `shortest_share` to `longest_share` and rounded down, at least one word; its place is
    uniform. Unlike `pairs.spans`, where spans are apart and begin with sentences, overlap teaches
    exact matches. The example has the record's group if there is one.

    Source: Contriever (Izacard et al. 2022, arXiv 2112.09118), section 3.1 and its code: chunks of
    256 tokens, shares of 0.05 to 0.5 in English and 0.1 to 0.5 in many languages.

    Args:
        chunk_words: words of a chunk; shorter documents are taken whole.
        shortest_share: of a chunk's words, in (0, longest_share].
        longest_share: of a chunk's words, in (0, 1].
    """
    if not 0 < shortest_share <= longest_share <= 1:
        raise ValueError(
            f"shares of crops are {shortest_share} to {longest_share}; they must ascend and be in "
            "(0, 1]"
        )
    chunk = crop(text_of(record, text), rng, words=(chunk_words, chunk_words))
    count = len(chunk.split())

    def draw() -> str:
        length = max(int(rng.uniform(shortest_share, longest_share) * count), 1)
        return crop(chunk, rng, words=(length, length))

    return Example({"anchor": draw(), "positive": draw()}, group_of(record))
