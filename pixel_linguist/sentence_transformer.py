"""Our models as a module of sentence-transformers, and so in what is built on it.

Needs sentence-transformers 6, which the extra `sentence-transformers` brings with PyTorch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image

from pixel_linguist.api import SentenceEncoder

try:
    import torch
    from sentence_transformers.base.modules import InputModule
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "this needs sentence-transformers 6: pip install 'pixel-linguist[sentence-transformers]'"
    ) from error


class PixelEncoder(InputModule):
    """A `SentenceEncoder` as the first module of a `SentenceTransformer`.

    It gives the vectors of the encoder's `encode`, or of `encode_images` for PIL images and arrays
    of pixels; JAX chooses the devices. Its parameters are frozen; modules behind it, as `Dense`,
    can be trained.

    >>> SentenceTransformer(modules=[PixelEncoder("tiny")]).encode(["a text"])

    Args:
        encoder: or what `SentenceEncoder.load` takes.
    """

    # In a folder of its own, so that model cards do not overwrite each other.
    save_in_root = False

    def __init__(self, encoder: SentenceEncoder | str | Path):
        super().__init__()
        self.encoder: SentenceEncoder = (
            encoder if isinstance(encoder, SentenceEncoder) else SentenceEncoder.load(encoder)
        )
        # Tells where the next module is.
        self.register_buffer("place", torch.zeros(0), persistent=False)

    @property
    def modalities(self) -> list[str]:
        """Return the kinds of inputs."""
        return ["text", "image"]

    @property
    def max_seq_length(self) -> int:
        """Return the patches of the longest text that is read whole."""
        return int(self.encoder.model.config.max_patches)

    def get_embedding_dimension(self) -> int:
        """Return the length D of an embedding."""
        return self.encoder.dimension

    def preprocess(
        self, inputs: Sequence[Any], prompt: Any = None, **settings: Any
    ) -> dict[str, Any]:
        """Return the inputs as they are.

        Raises:
            ValueError: for a prompt: see `SentenceEncoder.encode`.
        """
        if prompt:
            self.encoder.encode([], prompt=prompt)
        # Scalars of Arrow are no str.
        return {"inputs": [x.as_py() if hasattr(x, "as_py") else x for x in inputs]}

    def forward(self, features: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """Add "sentence_embedding", float32 [N, D], of the N "inputs".

        Raises:
            TypeError: they are neither all str nor all pictures.
        """
        inputs = features["inputs"]
        pictured = inputs and isinstance(inputs[0], Image | np.ndarray)
        read = self.encoder.encode_images if pictured else self.encoder.encode
        vectors = torch.from_numpy(read(inputs))
        return features | {"sentence_embedding": vectors.to(self.place.device)}

    def save(self, output_path: str, *args: Any, **settings: Any) -> None:
        """Write the model folder."""
        self.encoder.save(output_path)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **settings: Any) -> "PixelEncoder":
        """Read the model folder of a saved `SentenceTransformer`, local or on the hub."""
        hub = {"token", "cache_folder", "revision", "local_files_only"}
        own = {name: value for name, value in settings.items() if name in hub}
        folder: str = cls.load_dir_path(model_name_or_path, subfolder=subfolder, **own)
        return cls(folder)
