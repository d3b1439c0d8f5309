"""Zero-shot classification: is a text nearest to a description of its class?"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source, present
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.columns import read_column, read_texts
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task


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
            source: of the records.
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

    def texts(self) -> list[str]:
        """Return the texts and the descriptions."""
        return [*self.classified, *self.classes.values()]

    def attacked(self, attack: Attack) -> "ZeroShot":
        """Return the task with every text perturbed, but no description."""
        return dataclasses.replace(self, classified=attack(self.classified))

    def measure(self, embed: Embed) -> Measured:
        """Return "accuracy", and "majority", that of the most frequent class."""
        vectors = checked_vectors(embed, self.texts())
        number, names = len(self.classified), np.array(list(self.classes))
        nearest = cosine_matrix(vectors[:number], vectors[number:]).argmax(axis=1)
        truth = np.array(self.labels)
        right = (names[nearest] == truth).astype(float)
        majority = max((truth == name).mean() for name in names)
        scores = {"accuracy": float(right.mean()), "majority": float(majority)}
        return Measured(scores, Observations((right,), mean))
