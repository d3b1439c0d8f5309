"""A sentence encoder as mteb 2 takes one.

Needs the extra `mteb`, which brings PyTorch: install PyTorch's build for CPUs first where there is
no GPU, or pip takes the one for CUDA, of several gigabytes.
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
    """A `SentenceEncoder` as mteb 2 wants one: its protocol for text and the one for images.

    Pictures (Visual STS) are read as pictures of text, without any recognition of characters.

    Args:
        encoder: the model.
        name: by which mteb files its results, "owner/model"; a name without an owner is put under
            "pixel-linguist/".
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

        Prompts are not used. Of mteb's settings only batch_size matters.

        Raises:
            ValueError: for batches with text and pictures, or neither.
        """
        size = settings.get("batch_size", 64)
        found = [np.zeros((0, self.encoder.dimension), np.float32)]
        for batch in inputs:
            kinds = [kind for kind in ("text", "image") if kind in batch]
            if len(kinds) != 1:
                raise ValueError(f"a batch has {', '.join(batch)}; it needs text or image alone")
            read = self.encoder.encode if kinds == ["text"] else self.encoder.encode_images
            found.append(read(batch[kinds[0]], batch_size=size))
        return np.concatenate(found)

    def similarity(self, a: Any, b: Any) -> Any:
        """Return the cosines of [N, D] with [M, D]: a tensor [N, M]."""
        return cos_sim(a, b)

    def similarity_pairwise(self, a: Any, b: Any) -> Any:
        """Return the cosines of rows of [N, D] with the same rows of another: a tensor [N]."""
        return pairwise_cos_sim(a, b)
