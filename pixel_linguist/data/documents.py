"""Documents of sentences in order: passages of a table, and pairs of neighbouring sentences."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, read_rows, text_of
from pixel_linguist.text.spans import near_places, split_sentences


def passages(
    root: Path, *, path: str, text: str, size: int, where: Mapping[str, str] | None = None
) -> list[Record]:
    """Join consecutive rows of a table, each a verse or sentence, into documents.

    Args:
        text: column of sentences; empty ones are left out.
        size: sentences of a document, at least 2; a last one of a single sentence is left out.
        where: column → value of the rows that are taken.

    Returns:
        {"sentences": of the document in order, "group": its number}.

    Raises:
        ValueError: for a size below 2.
    """
    if size < 2:
        raise ValueError(f"size is {size}; a document needs at least 2 sentences")
    wanted = dict(where or {})
    found = [
        sentence
        for row, place in read_rows(root, path, (text, *wanted))
        if all(row[name] == value for name, value in wanted.items())
        and (sentence := text_of(row, text, place).strip())
    ]
    return [
        {"sentences": tuple(found[start : start + size]), "group": number}
        for number, start in enumerate(range(0, len(found) - 1, size))
    ]


def neighbours(record: Record, rng: np.random.Generator, *, text: str, radius: int = 2) -> Example:
    """Draw a sentence of a document, and another at most `radius` sentences away.

    A document of one sentence gives it twice. The example has the record's group if there is one.
    Source: contrastive context prediction (Wu et al. 2022, arXiv 2206.03281).

    Args:
        text: column of documents: sentences in order, or a text that is split into them.
    """
    if radius < 1:
        raise ValueError(f"radius is {radius}; it must be at least 1")
    document = column(record, text)
    if isinstance(document, str):
        document = split_sentences(document)
    if not document:
        raise ValueError(f"a document has no sentence: {record!r:.200}")
    centre, other = near_places(len(document), rng, radius=radius)
    return Example({"anchor": document[centre], "positive": document[other]}, group_of(record))
