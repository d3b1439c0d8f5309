"""Pair classification: do pairs that belong together have higher cosines than other pairs?"""

import dataclasses
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_numbers, read_texts
from pixel_linguist.evaluate.similarity import Embed, paired_cosine
from pixel_linguist.evaluate.suite import Measured, Task


@dataclasses.dataclass(frozen=True)
class PairClassification(Task):
    """Average precision of ranking pairs by cosine, as in MTEB."""

    sentence1: tuple[str, ...]
    sentence2: tuple[str, ...]
    labels: tuple[int, ...]

    metric: ClassVar[str] = "average_precision"
    embedded: ClassVar = ("sentence1", "sentence2")
    perturbed: ClassVar = "sentence2"

    @classmethod
    def from_source(cls, source: Source, *, label: str = "label") -> "PairClassification":
        """Read records with columns sentence1, sentence2 and the label's.

        Raises:
            ValueError: naming the record, for a missing column or a label that is not 0 or 1; if
                all labels are the same.
        """
        labels = read_numbers(source, label, "pair", 0, 1)
        if set(labels) != {0, 1}:
            raise ValueError(f"{label} needs values 0 and 1, not {sorted(set(labels))}")
        first, second = (read_texts(source, name, "pair") for name in ("sentence1", "sentence2"))
        return cls(first, second, tuple(map(int, labels)))

    def measure(self, embed: Embed) -> Measured:
        """Return "average_precision"; "accuracy" and "f1", each at its best threshold."""
        cosines, labels = paired_cosine(*self.embed_each(embed)), np.array(self.labels)
        taken, right = _at_thresholds(cosines, labels)
        positives = labels.sum()
        # Pairs taken by mistake, and pairs missed.
        wrong = np.append((taken - right) + (positives - right), positives)
        scores = {
            "average_precision": _average_precision(cosines, labels),
            "accuracy": 1 - wrong.min() / len(labels),
            "f1": (2 * right / (taken + positives)).max(),
        }
        return Measured(scores, Observations((cosines, labels), _average_precision))


def _at_thresholds(cosines: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many pairs a threshold at each distinct cosine takes, and how many of label 1.

    Both int [T], from the highest threshold down, for cosines and labels [N].
    """
    order = np.argsort(-cosines, kind="stable")
    last = np.append(np.flatnonzero(np.diff(cosines[order])), len(order) - 1)
    return last + 1, labels[order].cumsum()[last]


def _average_precision(cosines: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the average precision of [..., N] along the last axis; 0 without a label 1.

    The sum over thresholds of precision times gain in recall, as in scikit-learn.
    """
    found = np.zeros(cosines.shape[:-1])
    for index in np.ndindex(found.shape):
        taken, right = _at_thresholds(cosines[index], labels[index])
        gains = np.diff(right, prepend=0) / max(right[-1], 1)
        found[index] = (gains * right / taken).sum()
    return found
