"""Zero-shot classification: is a text nearest to a description of its class?"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source, present
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_column, read_texts
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix
from pixel_linguist.evaluate.suite import Measured, Task


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
