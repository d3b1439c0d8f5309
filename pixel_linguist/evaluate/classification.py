"""Classification: do embeddings tell the classes of texts apart, by examples or descriptions?"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pixel_linguist.data.records import Source, present
from pixel_linguist.evaluate.baselines import scikit_learn
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_column, read_texts
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix, dense, unit_rows
from pixel_linguist.evaluate.suite import Measured, Task

# Neighbours that vote in k-NN classification.
NEIGHBOURS = 5


@dataclasses.dataclass(frozen=True)
class Classification(Task):
    """Accuracy of logistic regression on frozen embeddings (a linear probe), and of k-NN.

    On vectors of unit length, as SentEval and MTEB do it. Needs the extra `report`.
    """

    train_texts: tuple[str, ...]
    train_labels: tuple[str, ...]
    test_texts: tuple[str, ...]
    test_labels: tuple[str, ...]

    metric: ClassVar[str] = "accuracy"
    embedded: ClassVar = ("train_texts", "test_texts")
    perturbed: ClassVar = "test_texts"

    @classmethod
    def from_sources(
        cls, train: Source, test: Source, *, text: str = "text", label: str = "label"
    ) -> "Classification":
        """Read records with a text and a label.

        Raises:
            ValueError: naming the record, for a missing column or null; for a test label that no
                training text has; for fewer than two classes.
        """
        train_labels = tuple(map(str, read_column(train, label, "training record", present)))
        test_labels = tuple(map(str, read_column(test, label, "test record", present)))
        if unknown := set(test_labels) - set(train_labels):
            raise ValueError(f"no training text has the label {min(unknown)!r}")
        if len(set(train_labels)) < 2:
            raise ValueError(f"all training texts have the label {train_labels[0]!r}")
        return cls(
            read_texts(train, text, "training record"),
            train_labels,
            read_texts(test, text, "test record"),
            test_labels,
        )

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy" and "f1" (mean of the classes) of the probe, and "knn_accuracy"."""
        train, test = map(unit_rows, self.embed_each(embed))
        probe = scikit_learn("linear_model").LogisticRegression(max_iter=1000)
        found = np.asarray(probe.fit(train, self.train_labels).predict(test))
        f1_score = scikit_learn("metrics").f1_score
        right = (found == self.test_labels).astype(float)
        cosines = dense(test @ train.T)
        scores = {
            "accuracy": right.mean(),
            "f1": f1_score(self.test_labels, found, average="macro"),
            "knn_accuracy": (nearest_votes(cosines, self.train_labels) == self.test_labels).mean(),
        }
        return Measured(scores, Observations((right,)))


def nearest_votes(cosines: np.ndarray, labels: Sequence[Any]) -> np.ndarray:
    """Return the most frequent label among each text's five nearest; of ties, the nearest's: [N].

    Args:
        cosines: float [N, M].
        labels: of the M.
    """
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.array([Counter(labels[i] for i in row).most_common(1)[0][0] for row in nearest])


@dataclasses.dataclass(frozen=True)
class ZeroShot(Task):
    """Accuracy of the class whose description is nearest by cosine.

    Attributes:
        classified: N texts.
        labels: their classes.
        classes: class → its description.
    """

    classified: tuple[str, ...]
    labels: tuple[str, ...]
    classes: Mapping[str, str]

    metric: ClassVar[str] = "accuracy"
    embedded: ClassVar = ("classified", "classes")
    perturbed: ClassVar = "classified"

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        classes: Mapping[str, str],
        text: str = "text",
        label: str = "label",
        template: str = "{}",
    ) -> "ZeroShot":
        """Read records with a text and a class.

        Args:
            classes: class → its description.
            text: column.
            label: column of the class.
            template: in which a description stands at {}.

        Raises:
            ValueError: for fewer than two classes, an empty description, or a record of another
                class.
        """
        if len(classes) < 2 or not all(classes.values()):
            raise ValueError(f"two classes or more need a description each, not {dict(classes)}")
        labels = tuple(map(str, read_column(source, label, "record", present)))
        if unknown := set(labels) - set(classes):
            raise ValueError(f"the class {min(unknown)!r} has no description")
        described = {name: template.format(text) for name, text in classes.items()}
        return cls(read_texts(source, text, "record"), labels, described)

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy", and "majority", that of the most frequent class."""
        right = self.right(cosine_matrix(*self.embed_each(embed)))
        majority = max(map(self.labels.count, self.classes)) / len(self.labels)
        return Measured({"accuracy": right.mean(), "majority": majority}, Observations((right,)))

    def right(self, cosines: np.ndarray) -> np.ndarray:
        """Return 1 where the nearest class is the text's, else 0: float [N], of cosines [N, C]."""
        nearest = np.array(list(self.classes))[cosines.argmax(axis=1)]
        return (nearest == self.labels).astype(float)
