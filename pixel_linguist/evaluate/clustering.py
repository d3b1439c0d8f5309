"""Clustering: do texts of one class lie together?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source
from pixel_linguist.evaluate.classification import labelled
from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, unit_rows
from pixel_linguist.evaluate.suite import Change

SEEDS = (0, 1, 2, 3, 4)


@dataclasses.dataclass(frozen=True)
class Clustering:
    """V-measure (Rosenberg and Hirschberg 2007) of k-means with as many clusters as classes.

    Attributes:
        labelled_texts: texts, N of them.
        labels: their classes.
    """

    labelled_texts: tuple[str, ...]
    labels: tuple[str, ...]
    metric: str = "v_measure"

    @classmethod
    def from_source(
        cls, source: Source, *, text: str = "text", label: str = "label"
    ) -> "Clustering":
        """Read records with a text and a label.

        Raises:
            ValueError: naming the record, for a missing column; for a single class.
        """
        texts, labels = labelled(source, text, label, "record")
        if len(set(labels)) < 2:
            raise ValueError(f"all {len(labels)} texts have the label {labels[0]!r}")
        return cls(texts, labels)

    def texts(self) -> list[str]:
        """Return the texts."""
        return list(self.labelled_texts)

    def changed(self, change: Change) -> "Clustering":
        """Return the task with every text changed."""
        return dataclasses.replace(self, labelled_texts=change(self.labelled_texts))

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "v_measure", the mean over five starts of k-means, and its deviation."""
        rows = unit_rows(checked_vectors(embed, self.texts()))
        measure = scikit_learn("metrics").v_measure_score
        make = scikit_learn("cluster").KMeans
        classes = len(set(self.labels))
        found = [
            measure(self.labels, make(classes, n_init=1, random_state=seed).fit_predict(rows))
            for seed in SEEDS
        ]
        return {"v_measure": float(np.mean(found)), "v_measure_deviation": float(np.std(found))}
