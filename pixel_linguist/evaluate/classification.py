"""Classification: can a line be drawn between the classes' embeddings?"""

import dataclasses

import numpy as np

from pixel_linguist.data.sources import Source, column
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.extra import scikit_learn
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, unit_rows
from pixel_linguist.evaluate.suite import Change


@dataclasses.dataclass(frozen=True)
class Classification:
    """Accuracy of logistic regression on embeddings that stay as they are (a linear probe).

    As SentEval and MTEB do it, on vectors of unit length.

    Attributes:
        train_texts: texts, N of them.
        train_labels: their classes.
        test_texts: texts, M of them.
        test_labels: their classes.
    """

    train_texts: tuple[str, ...]
    train_labels: tuple[str, ...]
    test_texts: tuple[str, ...]
    test_labels: tuple[str, ...]
    metric: str = "accuracy"

    @classmethod
    def from_sources(
        cls, train: Source, test: Source, *, text: str = "text", label: str = "label"
    ) -> "Classification":
        """Read records with a text and a label.

        Raises:
            ValueError: naming the record, for a missing column; for a test label that no training
                text has, or a single class.
        """
        train_texts, train_labels = labelled(train, text, label, "training record")
        test_texts, test_labels = labelled(test, text, label, "test record")
        if unknown := set(test_labels) - set(train_labels):
            raise ValueError(f"no training text has the label {min(unknown)!r}")
        if len(set(train_labels)) < 2:
            raise ValueError(f"all training texts have the label {train_labels[0]!r}")
        return cls(train_texts, train_labels, test_texts, test_labels)

    def texts(self) -> list[str]:
        """Return training and test texts."""
        return [*self.train_texts, *self.test_texts]

    def changed(self, change: Change) -> "Classification":
        """Return the task with every test text changed; the probe is trained on clean ones."""
        return dataclasses.replace(self, test_texts=change(self.test_texts))

    def observe(self, embed: Embed) -> Observations:
        """Return 1 for each test text whose class was found, else 0."""
        return Observations(((self._predict(embed) == self.test_labels).astype(float),), mean)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return "accuracy" and "f1", the mean of the classes' F1."""
        found = self._predict(embed)
        f1 = scikit_learn("metrics").f1_score(self.test_labels, found, average="macro")
        return {"accuracy": float(np.mean(found == self.test_labels)), "f1": float(f1)}

    def _predict(self, embed: Embed) -> np.ndarray:
        """Return the class found for each test text."""
        rows = unit_rows(checked_vectors(embed, self.texts()))
        known = len(self.train_texts)
        probe = scikit_learn("linear_model").LogisticRegression(max_iter=1000)
        return np.asarray(probe.fit(rows[:known], self.train_labels).predict(rows[known:]))


def labelled(
    source: Source, text: str, label: str, kind: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the texts and the labels of records; an error names the record."""
    records = [(source[number], f"{kind} {number}") for number in range(len(source))]
    return (
        tuple(column(record, text, where) for record, where in records),
        tuple(str(column(record, label, where)) for record, where in records),
    )
