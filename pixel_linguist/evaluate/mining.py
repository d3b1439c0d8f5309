"""Bitext mining: which sentences of two collections are translations, if any are?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bitext import margins
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Change


@dataclasses.dataclass(frozen=True)
class BitextMining:
    """F1 of the pairs mined from two collections, most sentences of which have no translation.

    As BUCC is scored (Zweigenbaum et al. 2017): candidates are the nearest sentences by ratio
    margin in both directions, taken one to one from the best on, down to the threshold that gives
    the best F1 on these very texts (Artetxe and Schwenk 2019, arXiv 1811.01136, "max").

    Attributes:
        first: texts of one language, N of them.
        second: texts of the other, M of them.
        gold: pairs (place in first, place in second) that are translations.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    gold: frozenset[tuple[int, int]]
    metric: str = "f1"

    @classmethod
    def from_sources(cls, first: Source, second: Source, gold: Source) -> "BitextMining":
        """Read two collections with columns id and text, and pairs with columns first and second.

        Raises:
            ValueError: for a missing column, an id that occurs twice, a pair that names an
                unknown id, no pairs at all.
        """
        texts1, places1 = _collection(first, "first collection")
        texts2, places2 = _collection(second, "second collection")
        pairs = set()
        for number in range(len(gold)):
            where = f"gold pair {number}"
            pair = []
            for side, places in (("first", places1), ("second", places2)):
                name = column(gold[number], side, where)
                if name not in places:
                    raise ValueError(f"{where} names {name!r}, which the {side} collection lacks")
                pair.append(places[name])
            pairs.add((pair[0], pair[1]))
        if not pairs:
            raise ValueError("there is no gold pair: nothing could be found")
        return cls(tuple(texts1), tuple(texts2), frozenset(pairs))

    def texts(self) -> list[str]:
        """Return both collections."""
        return [*self.first, *self.second]

    def changed(self, change: Change) -> "BitextMining":
        """Return the task with every text of the first collection changed."""
        return dataclasses.replace(self, first=change(self.first))

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "f1", "precision" and "recall" at the best threshold, and that "threshold"."""
        vectors = checked_vectors(embed, self.texts())
        half = len(self.first)
        values = margins(cosine_matrix(vectors[:half], vectors[half:]))
        mined = _one_to_one(values)
        right = np.cumsum([pair in self.gold for pair, _ in mined])
        taken = np.arange(1, len(mined) + 1)
        f1 = 2 * right / (taken + len(self.gold))
        best = int(f1.argmax())
        return {
            "f1": float(f1[best]),
            "precision": float(right[best] / taken[best]),
            "recall": float(right[best] / len(self.gold)),
            "threshold": mined[best][1],
        }


def _collection(source: Source, where: str) -> tuple[list[str], dict[str, int]]:
    """Return the texts of a collection, and id → place."""
    texts: list[str] = []
    places: dict[str, int] = {}
    for number in range(len(source)):
        name = column(source[number], "id", where)
        if name in places:
            raise ValueError(f"the {where} has the id {name!r} twice")
        places[name] = number
        texts.append(column(source[number], "text", where))
    return texts, places


def _one_to_one(values: np.ndarray) -> list[tuple[tuple[int, int], float]]:
    """Take pairs from the best on, none of whose sides was taken before.

    Args:
        values: float [N, M], of which each row's and each column's greatest is a candidate.
    """
    rows, columns = values.shape
    candidates = {(row, int(best)) for row, best in enumerate(values.argmax(axis=1))}
    candidates |= {(int(best), column) for column, best in enumerate(values.argmax(axis=0))}
    free1, free2 = np.ones(rows, bool), np.ones(columns, bool)
    mined = []
    for row, place in sorted(candidates, key=lambda pair: (-values[pair], pair)):
        if free1[row] and free2[place]:
            free1[row] = free2[place] = False
            mined.append(((row, place), float(values[row, place])))
    return mined
