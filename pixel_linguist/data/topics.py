"""Documents of topics: windows of sentences, disarrayed copies, and sentences to contrast."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, in_split, present, read_rows
from pixel_linguist.text.spans import split_sentences

Topics = Sequence[Sequence[str]]
# In place of a label or of the number of a sentence, where there is none.
NONE = -1
# Relations of a sentence to the one before it.
SUCCESSOR, SAME_TOPIC, NEW_TOPIC = 0, 1, 2


def topics(
    root: Path, *, path: str, sentences: int = 0, remainders: Sequence[int] = ()
) -> list[Record]:
    """Read documents whose topics are known.

    A record of the file has "segments", lists of sentences; or "sections", each with "paragraphs"
    of text, whose headings are left out; or "turns", and "topics" with "spans" of turns, both ends
    included (a turn outside of all is of no topic, and stretches of them are topics too).

    Args:
        sentences: of a window, at least 2, into which documents are cut; windows share one
            sentence, which is scored in the second alone. 0: documents are whole.
        remainders: of the document's number in the file.

    Returns:
        A record a window of 2 sentences or more: {"sentences", "topic": the topic's number of each,
        "group": the document's number, "others": a function that returns the items of all
        documents' topics by number (not the topics: Grain walks through all a record holds)}.

    Raises:
        ValueError: for a record of another kind, or one sentence a window.
    """
    if sentences == 1 or sentences < 0:
        raise ValueError(f"sentences is {sentences}; a window has at least 2, or 0 for documents")
    documents: dict[int, Topics] = {}
    for number, (row, where) in enumerate(read_rows(root, path)):
        if in_split(number, remainders):
            found = [tuple(topic) for topic in _topics(row, where)]
            documents[number] = [topic for topic in found if topic]
    records: list[Record] = []
    for number, of_document in documents.items():
        texts = [text for topic in of_document for text in topic]
        numbers = [i for i, topic in enumerate(of_document) for _ in topic]
        size = sentences or len(texts)
        for start in range(0, len(texts) - 1, max(size - 1, 1)):
            window = slice(start, start + size)
            own = {"sentences": tuple(texts[window]), "topic": tuple(numbers[window])}
            records.append({**own, "group": number, "others": documents.items})
    return records


def _topics(row: Record, where: str) -> Sequence[Sequence[str]]:
    """Return the topics of a record of any of the three kinds; some may be empty."""
    if "segments" in row:
        return list(present(row, "segments", where))
    if "sections" in row:
        parts = [
            present(section, "paragraphs", where) for section in present(row, "sections", where)
        ]
        return [[text for part in own for text in split_sentences(part)] for own in parts]
    if "turns" not in row:
        raise ValueError(f"{where} has neither 'segments' nor 'sections' nor 'turns'")
    turns = column(row, "turns", where)
    topic = np.full(len(turns), NONE)
    for number, of in enumerate(present(row, "topics", where)):
        for first, last in present(of, "spans", where):
            topic[first : last + 1] = number
    starts = [0, *(np.flatnonzero(np.diff(topic)) + 1).tolist(), len(turns)]
    return [turns[a:b] for a, b in itertools.pairwise(starts)]


def disarray(
    document: Topics, others: Sequence[Topics], rng: np.random.Generator, *, replaced: float = 0.5
) -> tuple[list[str], list[int], list[int]]:
    """Return a disarrayed copy of a document.

    The order of topics is drawn; with probability `replaced` topics are exchanged, each with
    probability 1/2 for a topic of another document; and inside a topic the order of all sentences
    but the last is drawn.

    Args:
        document: topics of one sentence or more.
        others: other documents; without any, no topic is exchanged.

    Returns:
        N sentences; whether each ends a topic, 1 or 0, and -1 for the last; and the relation of
        each to the one before it in the copy: `NEW_TOPIC` where it opens one, `SUCCESSOR` where it
        followed that one in its document, else `SAME_TOPIC`.

    Source: Yu et al. 2023 (arXiv 2310.11772), sections 3.2 and 3.3.
    """
    copy = [document[i] for i in rng.permutation(len(document))]
    if others and rng.random() < replaced:
        for place in np.flatnonzero(rng.random(len(copy)) < 0.5):
            other = others[int(rng.integers(len(others)))]
            copy[place] = other[int(rng.integers(len(other)))]
    sentences: list[str] = []
    ends: list[int] = []
    relations: list[int] = []
    for topic in copy:
        order = [*rng.permutation(len(topic) - 1).tolist(), len(topic) - 1]
        sentences += [topic[i] for i in order]
        ends += [0] * (len(topic) - 1) + [1]
        steps = np.diff(order)
        relations += [NEW_TOPIC, *np.where(steps == 1, SUCCESSOR, SAME_TOPIC).tolist()]
    return sentences, [*ends[:-1], NONE], relations


def contrasted(
    topic: Sequence[int], rng: np.random.Generator, *, negatives: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Draw for each of N sentences one of its own topic, and some of others.

    The positive is the sentence before it in its topic; of a topic's first one a random other one;
    of a topic of one sentence it is that sentence. Negatives are the sentences that follow its
    topic; beyond the document's end random ones of later topics; for the last topic random ones of
    the first.

    Args:
        topic: of each sentence, numbers that do not fall.
        negatives: of a sentence.

    Returns:
        int [N] and [N, negatives], numbers of sentences; all `NONE` for a document of fewer than 3
        sentences or 2 topics.

    Source: Yu et al. 2023 (arXiv 2310.11772), section 3.4; there a topic's first sentence may draw
    itself, and a document is followed by the next of its batch.
    """
    of = np.asarray(topic)
    positive, others = np.full(len(of), NONE), np.full((len(of), negatives), NONE)
    if len(of) < 3 or of[0] == of[-1]:
        return positive, others
    for i, own in enumerate(of):
        first, behind = np.searchsorted(of, own), np.searchsorted(of, own, "right")
        if i > first:
            positive[i] = i - 1
        else:
            positive[i] = rng.integers(first + 1, behind) if behind - first > 1 else i
        later = np.arange(behind, len(of)) if behind < len(of) else np.flatnonzero(of == of[0])
        near = later[:negatives] if behind < len(of) else later[:0]
        others[i] = [*near, *rng.choice(later, negatives - len(near))]
    return positive, others


def disarrayed_topics(record: Record, rng: np.random.Generator, *, sentences: int) -> Example:
    """Take a window of a document with known topics, and a disarrayed copy of it.

    Views: "document" and "copy", of up to `sentences` sentences. Facts, int32 [sentences] and -1
    where there is none: "boundary" and "copy_boundary", whether a sentence ends a topic (not known
    of the last); "copy_relation", see `disarray`; "positive" and "negatives" [sentences, 3], see
    `contrasted`.

    Args:
        sentences: room for them; the others of a window or copy are left out.
    """
    if sentences < 2:
        raise ValueError(f"sentences is {sentences}; it must be at least 2")

    def filled(labels: Any) -> np.ndarray:
        """Return labels [n, ...] of the room's length."""
        found = np.asarray(labels)[:sentences]
        room = [(0, sentences - len(found))] + [(0, 0)] * (found.ndim - 1)
        return np.pad(found, room, constant_values=NONE)

    texts = column(record, "sentences")[:sentences]
    of = np.asarray(column(record, "topic"))[:sentences]
    cuts = np.flatnonzero(np.diff(of)) + 1
    document = [tuple(texts[i] for i in part) for part in np.split(np.arange(len(of)), cuts)]
    others = [x for n, x in record["others"]() if n != record["group"] and x]
    copy, ends, relations = disarray(document, others, rng)
    positive, contrasts = contrasted(of.tolist(), rng)
    facts = {
        **group_of(record),
        "boundary": filled([*(np.diff(of) != 0).astype(int), NONE]),
        "copy_boundary": filled([*ends[: sentences - 1], NONE]),
        "copy_relation": filled(relations),
        "positive": filled(positive),
        "negatives": filled(contrasts),
    }
    return Example({"document": tuple(texts), "copy": tuple(copy[:sentences])}, facts)
