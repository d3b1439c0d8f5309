"""Geometry: how embeddings lie on the sphere, and how far languages are apart."""

import dataclasses
import itertools
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, unit_rows
from pixel_linguist.objective.geometry import alignment, uniformity


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
        rows = unit_rows(checked_vectors(embed, self.texts()))
        rows = np.asarray(rows if isinstance(rows, np.ndarray) else rows.toarray(), np.float32)
        sides = dict(zip(self.sides, np.split(rows, len(self.sides)), strict=True))
        different = ~np.eye(len(rows) // len(sides), dtype=bool)
        aligned, spread, cosines, distances = [], [], [], {}
        for a, b in itertools.combinations(sides, 2):
            x, y = jnp.asarray(sides[a]), jnp.asarray(sides[b])
            aligned.append(alignment(x, y))
            spread.append(uniformity(x, y, jnp.asarray(different)))
            products = sides[a] @ sides[b].T
            cosines.append(products[different].mean())
            distances[f"distance/{a}/{b}"] = float(1 - np.diag(products).mean())
        return {
            "alignment": float(np.mean(aligned)),
            "uniformity": float(np.mean(spread)),
            "anisotropy": float(np.mean(cosines)),
            "effective_rank": effective_rank(rows),
            **distances,
        }


def effective_rank(rows: np.ndarray) -> float:
    """Return exp of the entropy of the shares that singular values of float [N, D] have."""
    values = np.linalg.svd(rows, compute_uv=False)
    shares = values / max(values.sum(), 1e-12)
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
