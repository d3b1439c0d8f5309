"""Bitext retrieval: is the nearest sentence of the other language the translation?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Change

# Neighbours by which a margin is taken (Artetxe and Schwenk 2019, arXiv 1811.01136, section 3.2).
NEIGHBOURS = 4


def margins(cosines: np.ndarray) -> np.ndarray:
    """Divide each cosine by the mean of those of the nearest neighbours on both sides.

    The ratio margin of Artetxe and Schwenk 2019 (arXiv 1811.01136, equation 3): it holds down
    sentences that are near to everything.

    Args:
        cosines: float [N, M].

    Returns:
        float [N, M].
    """

    def nearest(side: np.ndarray) -> np.ndarray:
        count = min(NEIGHBOURS, side.shape[1])
        return np.partition(side, -count, axis=1)[:, -count:].mean(axis=1)

    scale = (nearest(cosines)[:, None] + nearest(cosines.T)[None, :]) / 2
    # Without a positive mean there is no ratio that would rank.
    return cosines / np.maximum(scale, 1e-6)


@dataclasses.dataclass(frozen=True)
class Bitext:
    """Accuracy of retrieving the translation, in both directions, by cosine and by margin.

    As Tatoeba is scored (Artetxe and Schwenk 2019, arXiv 1812.10464). A sentence that occurs
    twice is right whichever of the two is found.

    Attributes:
        first: texts of one language, N of them.
        second: their translations, N of them.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    metric: str = "accuracy"

    @classmethod
    def from_source(cls, source: Source, *, first: str, second: str) -> "Bitext":
        """Read records with one column a language."""
        records = [source[number] for number in range(len(source))]

        def side(name: str) -> tuple[str, ...]:
            return tuple(column(record, name, "the bitext record") for record in records)

        return cls(side(first), side(second))

    def texts(self) -> list[str]:
        """Return both sides."""
        return [*self.first, *self.second]

    def changed(self, change: Change) -> "Bitext":
        """Return the task with every text of the first side changed."""
        changed = dict(zip(self.first, change(self.first), strict=True))
        # A text that occurs twice stays one text.
        return dataclasses.replace(self, first=tuple(changed[text] for text in self.first))

    def observe(self, embed: Embed) -> Observations:
        """Return for each pair the share of the two directions in which it was found."""
        forward, backward = self._found(self._cosines(embed))
        return Observations(((forward + backward) / 2,), mean)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "accuracy", the mean of "accuracy_forward" (first to second) and "_backward".

        "margin_accuracy" and its two directions are the same by ratio margin.
        """
        cosines = self._cosines(embed)
        scores: dict[str, float] = {}
        for name, values in (("accuracy", cosines), ("margin_accuracy", margins(cosines))):
            forward, backward = (float(found.mean()) for found in self._found(values))
            scores |= {
                name: (forward + backward) / 2,
                f"{name}_forward": forward,
                f"{name}_backward": backward,
            }
        return scores

    def _cosines(self, embed: Embed) -> np.ndarray:
        vectors = checked_vectors(embed, self.texts())
        half = len(self.first)
        return cosine_matrix(vectors[:half], vectors[half:])

    def _found(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the nearest is right, forward and backward: float [N] each."""
        return (
            _right(values.argmax(axis=1), self.second),
            _right(values.argmax(axis=0), self.first),
        )


def _right(nearest: np.ndarray, texts: tuple[str, ...]) -> np.ndarray:
    """Return 1 where int [N] points to the same text as the one of its place, else 0."""
    return np.array([texts[i] == text for i, text in zip(nearest, texts, strict=True)], float)
