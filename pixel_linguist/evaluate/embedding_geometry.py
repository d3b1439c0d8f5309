"""Geometry: the spread of embeddings on the sphere, and distances between languages."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.columns import read_texts
from pixel_linguist.evaluate.similarity import (
    Embed,
    checked_vectors,
    cosine_matrix,
    dense,
    unit_rows,
)
from pixel_linguist.evaluate.suite import Measured, Task

# Embeddings of which the effective rank is computed, at most.
RANKED = 2048


@dataclasses.dataclass(frozen=True)
class Geometry(Task):
    """Alignment, uniformity, anisotropy, effective rank, and distances between languages.

    Attributes:
        sides: language (or another name) → N texts; texts at the same position are translations.
    """

    sides: Mapping[str, tuple[str, ...]]

    metric: ClassVar[str] = "effective_rank"

    @classmethod
    def from_sources(cls, sources: Mapping[str, Source], *, text: str = "text") -> "Geometry":
        """Read one source per language; records at the same position are translations.

        Raises:
            ValueError: for fewer than two languages, fewer than two texts, sources of different
                lengths, or a missing column.
        """
        sizes = {name: len(source) for name, source in sources.items()}
        if len(sizes) < 2:
            raise ValueError("geometry needs at least two languages, or a text and its paraphrase")
        if len(set(sizes.values())) > 1 or min(sizes.values()) < 2:
            raise ValueError(f"geometry needs the same number of texts, at least two, not {sizes}")
        return cls(
            {name: read_texts(source, text, f"{name} record") for name, source in sources.items()}
        )

    def texts(self) -> list[str]:
        """Return the texts of all languages."""
        return [text for side in self.sides.values() for text in side]

    def measure(self, embed: Embed) -> Measured:
        """Measure unit vectors.

        Returns:
            "alignment": mean squared distance of translations, in [0, 4], lower is better;
            "uniformity": in [-8, 0], lower is better (Wang and Isola 2020, arXiv 2005.10242); both
            are means over pairs of languages. "anisotropy": mean cosine of texts that are not
            translations, 0 is best (Ethayarajh 2019, arXiv 1909.00512). "effective_rank": see
            the function. "distance/A/B": mean cosine distance of translations, in [0, 2], for each
            pair of languages.
        """
        vectors = checked_vectors(embed, self.texts())
        count = vectors.shape[0] // len(self.sides)
        sides = {name: vectors[i * count : (i + 1) * count] for i, name in enumerate(self.sides)}
        different = ~np.eye(count, dtype=bool)
        aligned, spread, distances = [], [], {}
        for a, b in itertools.combinations(sides, 2):
            cosines = cosine_matrix(sides[a], sides[b])
            aligned.append(float(np.diag(cosines).mean()))
            distances[f"distance/{a}/{b}"] = 1 - aligned[-1]
            apart = cosines[different]
            # The squared distance of unit vectors is 2 - 2 cosine.
            spread.append((np.log(np.exp(-2 * (2 - 2 * apart)).mean()), apart.mean()))
        uniformity, anisotropy = np.mean(spread, axis=0)
        scores = {
            "alignment": 2 - 2 * np.mean(aligned),
            "uniformity": uniformity,
            "anisotropy": anisotropy,
            "effective_rank": effective_rank(vectors),
        }
        return Measured(scores | distances)


def effective_rank(vectors: Any) -> float:
    """Return the exponential of the entropy of the singular values' shares, from 1 to D.

    Source: Roy and Vetterli 2007.

    Args:
        vectors: [N, D], scaled to unit length here; of more than RANKED rows, RANKED evenly spaced
            ones are used.
    """
    chosen = np.linspace(0, vectors.shape[0] - 1, min(vectors.shape[0], RANKED)).astype(int)
    rows = unit_rows(vectors[chosen].astype(np.float64))
    # Both products have the squared singular values as eigenvalues; the smaller one is taken.
    product = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
    squares = np.linalg.eigvalsh(dense(product))
    values = np.sqrt(np.maximum(squares, 0))
    # Smaller ones are rounding errors.
    values = values[values > 1e-4 * values.max()]
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
