"""The encoder as a user meets it: load a model folder, encode sentences, compare them."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.evaluate.similarity import cosine_matrix
from pixel_linguist.model.store import Model, Stored, load_model, save_model
from pixel_linguist.models import find_model
from pixel_linguist.render import Renderer


def similarity(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine of every row of `a` [N, D] with every row of `b` [M, D]: float32 [N, M].

    Raises:
        ValueError: if the arrays are not of two dimensions, or of different widths.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"similarity needs [N, D] and [M, D]; it was given {a.shape}, {b.shape}")
    return cosine_matrix(a, b).astype(np.float32)


class SentenceEncoder:
    """A trained model with the renderer that draws its input.

    >>> encoder = SentenceEncoder.load("runs/quickstart/model")
    >>> embeddings = encoder.encode(["A cook saw the pilot.", "The pilot was seen by a cook."])
    >>> encoder.similarity(embeddings, embeddings)
    """

    def __init__(self, model: Model):
        self.model = model
        self.renderer = Renderer(**model.renderer)
        found = self.renderer.font_hashes()
        if changed := [name for name, hash_ in model.fonts.items() if found.get(name) != hash_]:
            warnings.warn(
                f"the model was trained with other versions of the fonts {', '.join(changed)} "
                f"(family {self.renderer.family!r}); its embeddings may differ",
                stacklevel=2,
            )

    @classmethod
    def load(cls, path: str | Path) -> "SentenceEncoder":
        """Read a model folder, or a model that comes with the package, by its name.

        Raises:
            FileNotFoundError: if there is no such model, with the names there are.
            ValueError: if its files are damaged or of another format.
        """
        return cls(load_model(find_model(path)))

    def save(self, path: str | Path, dtype: Stored = "float32") -> None:
        """Write the model folder: weights, settings, font hashes and card.

        Args:
            path: the folder; made if it is not there, its model replaced if it is.
            dtype: of the weights on disk; "float16" halves them, rounded to 11 bits.
        """
        save_model(Path(path), self.model, dtype)

    @property
    def dimension(self) -> int:
        """The width D of an embedding."""
        return self.model.config.width

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, show_progress: bool = False
    ) -> np.ndarray:
        """Return float32 [N, D], one vector of length 1 for each text, in their order.

        An empty text has an embedding, that of a blank picture. A text longer than the model's
        patches is cut, with a warning that counts how many were.

        Args:
            texts: any strings of any script.
            batch_size: texts encoded at once.
            show_progress: whether to draw a progress bar.

        Raises:
            TypeError: for one str instead of a list, or what is not a str in it.
            ValueError: if batch_size is less than 1.
        """
        embedder = Embedder(self.model.config, self.model.params, self.renderer, batch_size)
        embeddings = embedder(texts, show_progress=show_progress)
        if embedder.cut:
            warnings.warn(
                f"{embedder.cut} of {len(texts)} texts were cut: they are longer than "
                f"{self.model.config.max_patches} patches",
                stacklevel=2,
            )
        return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)

    similarity = staticmethod(similarity)
