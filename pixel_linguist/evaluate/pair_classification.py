"""Pair classification: do cosines tell paraphrases from other pairs?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, paired_cosine
from pixel_linguist.evaluate.suite import Change


@dataclasses.dataclass(frozen=True)
class PairClassification:
    """Average precision of cosine as a detector of pairs that are labelled 1, as in MTEB.

    Attributes:
        sentence1: texts, N of them.
        sentence2: texts, N of them.
        labels: 1 for a pair that belongs together, 0 for one that does not; N of them.
    """

    sentence1: tuple[str, ...]
    sentence2: tuple[str, ...]
    labels: tuple[int, ...]
    metric: str = "average_precision"

    @classmethod
    def from_source(cls, source: Source, *, label: str = "label") -> "PairClassification":
        """Read records with columns sentence1, sentence2, and the label's (0 or 1).

        Raises:
            ValueError: naming the record, for a missing column or another label; if all labels
                are the same.
        """
        sides: tuple[list[str], list[str]] = ([], [])
        labels = []
        for number in range(len(source)):
            record, where = source[number], f"pair {number}"
            for side, name in zip(sides, ("sentence1", "sentence2"), strict=True):
                side.append(column(record, name, where))
            value = column(record, label, where)
            if str(value) not in ("0", "1"):
                raise ValueError(f"{where}: the label {value!r} is not 0 or 1")
            labels.append(int(value))
        if len(set(labels)) < 2:
            raise ValueError(f"all {len(labels)} labels are {labels[0]}: nothing to tell apart")
        return cls(tuple(sides[0]), tuple(sides[1]), tuple(labels))

    def texts(self) -> list[str]:
        """Return both sides."""
        return [*self.sentence1, *self.sentence2]

    def changed(self, change: Change) -> "PairClassification":
        """Return the task with every sentence2 changed."""
        return dataclasses.replace(self, sentence2=change(self.sentence2))

    def observe(self, embed: Embed) -> Observations:
        """Return each pair's cosine and label."""
        vectors = checked_vectors(embed, self.texts())
        half = len(self.labels)
        cosines = np.asarray(paired_cosine(vectors[:half], vectors[half:]))
        return Observations((cosines, np.array(self.labels)), _average_precision)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "average_precision", and at their best thresholds "accuracy" and "f1"."""
        cosines, labels = self.observe(embed).values
        metrics = scikit_learn("metrics")
        precision, recall, _ = metrics.precision_recall_curve(labels, cosines)
        false, true, _ = metrics.roc_curve(labels, cosines, drop_intermediate=False)
        right = true * labels.sum() + (1 - false) * (1 - labels).sum()
        return {
            "average_precision": float(_average_precision(cosines, labels)),
            "accuracy": float(right.max() / len(labels)),
            "f1": float((2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()),
        }


def _average_precision(cosines: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the average precision of [..., N] along the last axis; 0 without a positive."""
    score = scikit_learn("metrics").average_precision_score
    found = np.zeros(cosines.shape[:-1])
    for index in np.ndindex(found.shape):
        if labels[index].any():
            found[index] = score(labels[index], cosines[index])
    return found
