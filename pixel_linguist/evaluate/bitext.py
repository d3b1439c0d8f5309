"""Bitext retrieval: is the nearest sentence of the other language the translation?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix


@dataclasses.dataclass(frozen=True)
class Bitext:
    """Accuracy of retrieving the translation by cosine, in both directions.

    As Tatoeba is scored (Artetxe and Schwenk 2019, arXiv 1812.10464, with plain cosine). A
    sentence that occurs twice is right whichever of the two is found.

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

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "accuracy_forward" (first to second), "accuracy_backward", and their mean."""
        vectors = embed(self.texts())
        half = len(self.first)
        cosines = cosine_matrix(vectors[:half], vectors[half:])
        forward = _found(cosines.argmax(axis=1), self.second)
        backward = _found(cosines.argmax(axis=0), self.first)
        return {
            "accuracy": (forward + backward) / 2,
            "accuracy_forward": forward,
            "accuracy_backward": backward,
        }


def _found(nearest: np.ndarray, texts: tuple[str, ...]) -> float:
    """Return the share of texts [N] that are what int [N] points to."""
    return float(np.mean([texts[i] == text for i, text in zip(nearest, texts, strict=True)]))
