"""Bitext retrieval: is the nearest sentence of the other language the translation?"""

import dataclasses
from typing import ClassVar, Literal

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.calibration import calibrate, csls, density
from pixel_linguist.evaluate.columns import read_texts
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task

# Neighbours in a margin (Artetxe and Schwenk 2019, arXiv 1811.01136, section 3.2).
NEIGHBOURS = 4
# Cosines that differ by less are equal, but for rounding.
_TIE = 1e-6


def margins(cosines: np.ndarray) -> np.ndarray:
    """Divide each cosine by the mean cosine of the nearest neighbours of both texts.

    The ratio margin of Artetxe and Schwenk 2019 (arXiv 1811.01136, equation 3); it lowers the rank
    of hubs, sentences that are near to everything.
    """
    # A ratio to a mean of 0 or less would not rank.
    return cosines / np.maximum(density(cosines, NEIGHBOURS), 1e-6)


@dataclasses.dataclass(frozen=True)
class Bitext(Task):
    """Accuracy of retrieving the translation in both directions, by cosine and by margin.

    Scored as Tatoeba (Artetxe and Schwenk 2019, arXiv 1812.10464), but for a text that occurs
    twice either place is right.

    Attributes:
        first: N texts of one language.
        second: their translations.
        calibrated: "scale": each side has mean 0 and variance 1 in every dimension; "rotate": the
            first is rotated on the second as well, without use of which texts are translations;
            "": neither.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    calibrated: Literal["", "scale", "rotate"] = ""

    metric: ClassVar[str] = "accuracy"
    embedded: ClassVar = ("first", "second")

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        first: str,
        second: str,
        calibrated: Literal["", "scale", "rotate"] = "",
    ) -> "Bitext":
        """Read records with one column per language, named by `first` and `second`."""
        if calibrated not in ("", "scale", "rotate"):
            raise ValueError(f"calibrated is {calibrated!r}; it is 'scale', 'rotate' or ''")
        texts, others = (read_texts(source, name, "bitext record") for name in (first, second))
        return cls(texts, others, calibrated)

    def attacked(self, attack: Attack) -> "Bitext":
        """Return the task with every text of the first side perturbed."""
        attacked = dict(zip(self.first, attack(self.first), strict=True))
        # A text that occurs twice stays one text.
        return dataclasses.replace(self, first=tuple(attacked[text] for text in self.first))

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy", the mean of "accuracy_forward" (first to second) and "_backward".

        "margin_accuracy" and its two directions are the same by ratio margin, "csls_accuracy" by
        CSLS. "cosine" is the mean of the pairs; "mrr_forward" the mean reciprocal rank of a text's
        translation among the distinct texts of the second side, and "rank_forward" the median rank;
        texts that are equally near share the mean of their ranks.
        The observation of a pair is the share of the two directions in which it was found.
        """
        sides = self.embed_each(embed)
        if self.calibrated:
            sides = [*calibrate(*sides, rotate=self.calibrated == "rotate")]
        cosines = cosine_matrix(*sides)
        scores: dict[str, float] = {}
        found = {}
        ways = {"": cosines, "margin_": margins(cosines), "csls_": csls(cosines)}
        for way, values in ways.items():
            forward = _equal(values.argmax(axis=1), self.second)
            backward = _equal(values.argmax(axis=0), self.first)
            scores[f"{way}accuracy"] = (forward.mean() + backward.mean()) / 2
            scores[f"{way}accuracy_forward"] = forward.mean()
            scores[f"{way}accuracy_backward"] = backward.mean()
            found[way] = (forward + backward) / 2
        own = np.diag(cosines)
        _, distinct = np.unique(self.second, return_index=True)
        above = cosines[:, distinct] - own[:, None]
        tied = np.abs(above) < _TIE
        ranks = 1 + ((above > 0) & ~tied).sum(axis=1) + (tied.sum(axis=1) - 1) / 2
        scores |= {"cosine": own.mean(), "mrr_forward": (1 / ranks).mean()}
        scores["rank_forward"] = np.median(ranks)
        return Measured(scores, Observations((found[""],)))


def _equal(nearest: np.ndarray, texts: tuple[str, ...]) -> np.ndarray:
    """Return 1 where text number nearest[i] equals text number i, else 0: float [N]."""
    return np.array([texts[i] == text for i, text in zip(nearest, texts, strict=True)], float)
