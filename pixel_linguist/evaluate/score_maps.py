"""Score maps: is each patch of a picture nearest to the text for what it shows?"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from pixel_linguist.data.example import Content
from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_column
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Measured, Task


@dataclasses.dataclass(frozen=True, eq=False)
class ScoreMaps(Task):
    """Localisation of the things on N pictures by the names of those on them, without prompts.

    A patch is taken for the name to which its feature has the largest cosine.
    """

    pictures: tuple[np.ndarray, ...]
    names: tuple[tuple[str, ...], ...]
    # Of each name's thing on a picture, and of each patch; -1: of nothing.
    labels: tuple[tuple[int, ...], ...]
    patch_labels: tuple[np.ndarray, ...]

    metric: ClassVar[str] = "patch_accuracy"

    @classmethod
    def from_source(cls, source: Source) -> "ScoreMaps":
        """Read pages as `data.emoji_pages` makes them."""
        columns = ("picture", "names", "labels", "patch_labels")
        return cls(*(tuple(read_column(source, name, "page")) for name in columns))

    def texts(self) -> list[str]:
        """Return the distinct names."""
        return list(dict.fromkeys(name for own in self.names for name in own))

    def contents(self) -> list[Content]:
        """Return pictures and names."""
        return [*self.pictures, *self.texts()]

    def measure(self, embed: Embed) -> Measured:
        """Return "patch_accuracy" over the patches of things, "iou", and "chance".

        "iou" is the mean over things of the intersection of a thing's patches and those taken for
        it, among the patches of things, over their union.

        Raises:
            ValueError: for an embedding that has no vectors of patches.
        """
        patches: Any = getattr(embed, "patches", None)
        if patches is None:
            raise ValueError("score maps need vectors of patches, which this embedding lacks")
        texts = self.texts()
        vectors = dict(zip(texts, checked_vectors(embed, texts), strict=True))
        features = patches(self.pictures)
        accuracy, overlap = [], []
        for page, names, labels, truth in zip(
            features, self.names, self.labels, self.patch_labels, strict=True
        ):
            shown = truth >= 0
            named = np.stack([vectors[name] for name in names])
            taken = np.array(labels)[cosine_matrix(page[shown], named).argmax(axis=1)]
            accuracy.append((taken == truth[shown]).mean())
            for label in labels:
                both = [taken == label, truth[shown] == label]
                overlap.append(np.logical_and(*both).sum() / np.logical_or(*both).sum())
        scores = {
            "patch_accuracy": np.mean(accuracy),
            "iou": np.mean(overlap),
            "chance": np.mean([1 / len(names) for names in self.names]),
        }
        return Measured(scores, Observations((np.array(accuracy),)))
