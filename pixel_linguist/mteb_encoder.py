"""The encoder interface of mteb 2 for our sentence encoders.

Needs the extra `mteb`, which brings PyTorch. On a machine without a GPU install PyTorch's CPU build
first, or pip installs the CUDA build of several gigabytes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from pixel_linguist.api import SentenceEncoder

try:
    from mteb.models.model_meta import ModelMeta, ScoringFunction
    from mteb.similarity_functions import cos_sim, pairwise_cos_sim
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("MTEB needs mteb 2: pip install 'pixel-linguist[mteb]'") from error


class MtebEncoder:
    """A `SentenceEncoder` with mteb's interfaces for text and for images.

    Images (Visual STS) are encoded as pictures of text, without character recognition.

    Args:
        name: under which mteb stores the results, "owner/model"; without an owner, "pixel-linguist"
            is the owner.
    """

    def __init__(self, encoder: SentenceEncoder, name: str):
        self.encoder = encoder
        weights = hashlib.sha256()
        for array in jax.tree.leaves(encoder.model.params):
            weights.update(np.asarray(array).tobytes())
        self.mteb_model_meta = ModelMeta.create_empty(
            overwrites={
                "name": name if "/" in name else f"pixel-linguist/{name}",
                "revision": weights.hexdigest()[:40],
                "embed_dim": encoder.dimension,
                "similarity_fn_name": ScoringFunction.COSINE,
                "modalities": ["text", "image"],
                "framework": [],
            }
        )

    def encode(self, inputs: Iterable[Mapping[str, Any]], **settings: Any) -> np.ndarray:
        """Return float32 [N, D] for batches of {"text": [...]} or {"image": [...]}.

        Prompts are ignored, and so are all of mteb's settings but batch_size.

        Raises:
            ValueError: for a batch with both text and images, or neither.
        """
        size = settings.get("batch_size", 64)
        found = [np.zeros((0, self.encoder.dimension), np.float32)]
        for batch in inputs:
            kinds = [kind for kind in ("text", "image") if kind in batch]
            if len(kinds) != 1:
                raise ValueError(f"a batch has {', '.join(batch)}; it needs either text or image")
            read = self.encoder.encode if kinds == ["text"] else self.encoder.encode_images
            found.append(read(batch[kinds[0]], batch_size=size))
        return np.concatenate(found)

    def similarity(self, a: Any, b: Any) -> Any:
        """Return the cosines of [N, D] with [M, D]: a tensor [N, M]."""
        return cos_sim(a, b)

    def similarity_pairwise(self, a: Any, b: Any) -> Any:
        """Return the cosines of rows of [N, D] with the same rows of another: a tensor [N]."""
        return pairwise_cos_sim(a, b)
