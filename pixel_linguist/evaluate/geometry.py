"""Geometry: how embeddings lie on the sphere, and how far languages are apart."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix

# The rank is that of at most so many embeddings, evenly spaced over all.
RANKED = 2048


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Alignment, uniformity, anisotropy, rank, and distances between languages.

    Attributes:
        sides: language (or any other name) → texts, N of each; texts of one place mean the same.
    """

    sides: Mapping[str, tuple[str, ...]]
    metric: str = "effective_rank"

    @classmethod
    def from_sources(cls, sources: Mapping[str, Source], *, text: str = "text") -> "Geometry":
        """Read one source a language, whose records are translations of each other.

        Raises:
            ValueError: for fewer than two languages, fewer than two texts, sources of several
                lengths, or a missing column.
        """
        sizes = {name: len(source) for name, source in sources.items()}
        if len(sizes) < 2:
            raise ValueError("geometry needs two languages at least, or a text and its paraphrase")
        if len(set(sizes.values())) > 1 or min(sizes.values()) < 2:
            raise ValueError(f"geometry needs as many texts of each, two at least, not {sizes}")
        sides = {
            name: tuple(column(source[n], text, f"{name} record {n}") for n in range(len(source)))
            for name, source in sources.items()
        }
        return cls(sides)

    def texts(self) -> list[str]:
        """Return the texts of all languages."""
        return [text for side in self.sides.values() for text in side]

    def score(self, embed: Embed) -> dict[str, float]:
        """Measure unit vectors.

        Returns:
            "alignment": mean squared distance of pairs, in [0, 4], less is better; "uniformity":
            in [-8, 0], less is better (Wang and Isola 2020, arXiv 2005.10242); both are means
            over pairs of languages. "anisotropy": mean cosine of different places, 0 is best
            (Ethayarajh 2019, arXiv 1909.00512). "effective_rank": the exponential of the entropy
            of the singular values, from 1 to D (Roy and Vetterli 2007). "distance/A/B": mean
            cosine distance of translations, in [0, 2], for each two languages.
        """
        vectors = checked_vectors(embed, self.texts())
        count = vectors.shape[0] // len(self.sides)
        sides = {
            name: vectors[place * count : (place + 1) * count]
            for place, name in enumerate(self.sides)
        }
        different = ~np.eye(count, dtype=bool)
        together, apart, distances = [], [], {}
        for a, b in itertools.combinations(sides, 2):
            cosines = cosine_matrix(sides[a], sides[b])
            together.append(float(np.diag(cosines).mean()))
            # A squared distance of unit vectors is 2 - 2 cosines.
            mean = np.exp(-2 * (2 - 2 * cosines[different])).mean()
            apart.append((np.log(mean), cosines[different].mean()))
            distances[f"distance/{a}/{b}"] = 1 - together[-1]
        uniformity, anisotropy = np.mean(apart, axis=0)
        return {
            "alignment": 2 - 2 * float(np.mean(together)),
            "uniformity": float(uniformity),
            "anisotropy": float(anisotropy),
            "effective_rank": effective_rank(vectors),
            **distances,
        }


def effective_rank(vectors: Any) -> float:
    """Return exp of the entropy of the shares of the singular values of [N, D], rows of length 1.

    Of more than RANKED rows, RANKED evenly spaced ones are taken.
    """
    chosen = np.linspace(0, vectors.shape[0] - 1, min(vectors.shape[0], RANKED)).astype(int)
    # Eigenvalues of the matrix of cosines are squared singular values.
    cosines = cosine_matrix(vectors[chosen], vectors[chosen]).astype(np.float64)
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(cosines), 0))
    # Rounding leaves a little where there is nothing.
    values = values[values > 1e-4 * values.max()]
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
