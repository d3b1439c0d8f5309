"""Titles with lists of skills: a job title against a part of what the job takes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example, group_of
from pixel_linguist.data.records import Record, column, id_of, in_split, read_rows, text_of

# Titles of fewer characters are left out.
_SHORTEST = 3


def skill_lists(
    root: Path,
    *,
    paths: Sequence[str],
    key: str = "code",
    title: str = "title",
    items: Sequence[str] = ("skill", "task"),
    least: int = 5,
    words: int = 16,
    remainders: Sequence[int] = (),
) -> list[Record]:
    """Join tables of titles with tables of items by the key of an occupation.

    Args:
        paths: of tables; one with a column among `items` gives items, any other one titles.
        key: column of the occupation.
        title: column of titles; those of fewer than 3 characters are left out. An occupation's
            first one is its name.
        items: columns of items (skills, tasks); empty cells are left out.
        least: distinct items that an occupation must have; others are left out.
        words: of items in "described".
        remainders: of the occupation's number.

    Returns:
        A record a title: {"title", "name", "items": distinct texts, "described": the title and
        items of an even spread over the list, "group": the occupation's number}.
    """
    titles, lists = _texts_by_key(root, paths, key, title, items)
    records: list[Record] = []
    for number, (code, own) in enumerate(titles.items()):
        found = tuple(lists.get(code, {}))
        if len(found) < least or not own or not in_split(number, remainders):
            continue
        spread = _fitting(found[:: max(len(found) // 4, 1)], words)
        records += [
            {
                "title": text,
                "name": next(iter(own)),
                "items": found,
                "described": f"{text}. {', '.join(spread)}",
                "group": number,
            }
            for text in own
        ]
    return records


def _texts_by_key(
    root: Path, paths: Sequence[str], key: str, title: str, items: Sequence[str]
) -> tuple[dict[str, dict[str, None]], dict[str, dict[str, None]]]:
    """Return the distinct titles and the distinct items of each occupation."""
    titles: dict[str, dict[str, None]] = {}
    lists: dict[str, dict[str, None]] = {}
    for path in paths:
        for row, where in read_rows(root, path):
            names = [name for name in items if name in row]
            kept = (lists if names else titles).setdefault(id_of(row, key, where), {})
            for name in names or (title,):
                text = text_of(row, name, where).strip()
                if len(text) >= (1 if names else _SHORTEST):
                    kept[text] = None
    return titles, lists


def _fitting(items: Sequence[str], words: int) -> list[str]:
    """Return the first items of so many words, one at least."""
    total = np.cumsum([len(item.split()) for item in items])
    return list(items[: max(int(np.searchsorted(total, words, side="right")), 1)])


def title_and_skills(
    record: Record,
    rng: np.random.Generator,
    *,
    least: int = 2,
    most: int = 8,
    words: int = 20,
    shuffled: bool = True,
) -> Example:
    """Take a title as "anchor", and a random part of its items in random order as "positive".

    A list has no order, so that it is shuffled; a part of it is partial evidence. Items are taken
    whole, up to `words` words, so that the picture is not cut; a first item that is longer is alone
    and is cut. The occupation is the group, so that titles of one job are no negatives.

    Source: VacancySBERT (Bocharova et al. 2023, arXiv 2307.16638), known by its abstract; that
    lists are shuffled and parts drawn is inferred from JobBERT-v3.

    Args:
        least: items that are drawn, at least; a record of fewer is refused.
        most: items that are drawn, at most.
        words: of all items together, at most.
        shuffled: False takes the first `most` items in their order.
    """
    if not 1 <= least <= most or words < 1:
        raise ValueError(
            f"least is {least}, most {most} and words {words}; 1 <= least <= most and words >= 1 "
            "are needed"
        )
    title, items = text_of(record, "title"), column(record, "items")
    if isinstance(items, str) or len(items) < least:
        raise ValueError(f"the title {title!r} has fewer than {least} items: {items!r}")
    count = min(most, len(items))
    if shuffled:
        count = int(rng.integers(least, count + 1))
        items = [items[i] for i in rng.permutation(len(items))]
    positive = ", ".join(_fitting(items[:count], words))
    return Example({"anchor": title, "positive": positive}, group_of(record))
