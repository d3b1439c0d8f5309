"""Words by themselves, and words that differ from them by one letter: learning to read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, read_rows, text_of
from pixel_linguist.text.graphemes import script, split_clusters
from pixel_linguist.text.keyboards import alphabet
from pixel_linguist.text.rate import check_rate


def words(
    root: Path, *, paths: Sequence[str], columns: Sequence[str], longest: int = 16
) -> list[Record]:
    """Collect the distinct words of texts, as {"word"}, the most frequent first.

    Args:
        columns: of texts; null is left out, and bars and underscores separate words, too.
        longest: characters of a word; longer ones are left out.
    """
    counts: Counter[str] = Counter()
    for path in paths:
        for row, where in read_rows(root, path, columns):
            for name in columns:
                if row[name] is not None:
                    text = text_of(row, name, where)
                    counts.update(text.replace("|", " ").replace("_", " ").split())
    return [{"word": word} for word, _ in counts.most_common() if len(word) <= longest]


def one_letter_off(
    record: Record, rng: np.random.Generator, *, word: str, capitals: float = 0.0
) -> Example:
    """Take a word twice, and as hard negative a word that differs from it by one letter.

    The letter is substituted, deleted, inserted, or exchanged with the next, each as often as the
    others; new letters are those of its script's keyboard, or else of the word.

    Args:
        word: name of the column.
        capitals: the probability that all views are in capitals, and that all begin with one.
    """
    check_rate(2 * capitals, "one_letter_off: twice capitals")
    own = text_of(record, word)
    views = {"anchor": own, "positive": own, "negative": neighbour(own, rng)}
    draw = rng.random()
    if draw < capitals:
        views = {name: text.upper() for name, text in views.items()}
    elif draw < 2 * capitals:
        views = {name: text[:1].upper() + text[1:] for name, text in views.items()}
    return Example(views)


def neighbour(word: str, rng: np.random.Generator) -> str:
    """Return a word that differs from a word by one letter, never the word itself."""
    clusters = split_clusters(word)
    place = int(rng.integers(len(clusters)))
    here = clusters[place]
    letters = [x for x in alphabet(script(here)) or clusters if x != here.lower()] or ["x"]
    letter = letters[int(rng.integers(len(letters)))]
    letter = letter.upper() if here.isupper() else letter
    before, after = clusters[:place], clusters[place + 1 :]
    kind = int(rng.integers(4))
    if kind == 0 and len(clusters) > 1:
        changed = after
    elif kind == 1:
        changed = [letter, here, *after]
    elif kind == 2 and after and after[0] != here:
        changed = [after[0], here, *after[1:]]
    else:
        changed = [letter, *after]
    return "".join(before + changed)
