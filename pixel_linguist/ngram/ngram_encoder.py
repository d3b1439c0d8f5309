"""The encoder of n-gram models, and what embeds texts with it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from scipy import sparse

from pixel_linguist.inference import Draw, Embedder
from pixel_linguist.ngram.ngram_model import NgramConfig
from pixel_linguist.ngram.ngram_table import Arrays, NgramTable, PatchCache
from pixel_linguist.render import Renderer

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

# Bytes of vectors of patches that are kept.
MEMORY = 64 << 20


class NgramEncoder:
    """Encodes patches by their n-grams, on the host, with a `PatchCache` of `memory` bytes."""

    def __init__(self, config: NgramConfig, memory: int = MEMORY):
        self.config, self._memory = config, memory
        self._arrays: Arrays | None = None

    @property
    def dimension(self) -> int:
        """The length D of an embedding."""
        return self.config.dimension

    def init(self, seed: int) -> NoReturn:
        """Refuse, by a ValueError: there is nothing to draw at random."""
        raise ValueError(
            "an n-gram model has no initial weights: its table was solved by ridge regression, not "
            "trained; take a transformer (pixel_linguist.model) to train one"
        )

    def encode(
        self,
        params: Arrays,
        patches: np.ndarray,
        count: np.ndarray,
        *,
        outputs: Sequence[str] = ("embedding",),
    ) -> dict[str, np.ndarray]:
        """Encode a batch of rendered texts.

        Args:
            params: arrays by the names of `NgramConfig.shapes`.
            patches: uint8 [B, S, H, W], drawn in the model's cell font.
            count: int32 [B], patches of each text.
            outputs: "embedding", float32 [B, D], the mean over a text's patches, not normalised;
                "patch_features", float32 [B, S, D], 0 beyond a text's end.
        """
        if params is not self._arrays:
            table = NgramTable(self.config, params)
            self._arrays, self.cache = params, PatchCache(table, self.dimension, self._memory)
        used = np.arange(patches.shape[1]) < count[:, None]
        vectors = self.cache(patches[used])
        found = {}
        if "embedding" in outputs:
            texts = np.repeat(1 / np.maximum(count, 1), count).astype(np.float32)
            places = np.arange(len(vectors)), np.append(0, np.cumsum(count))
            shape = len(count), len(vectors)
            found["embedding"] = sparse.csr_array((texts, *places), shape=shape) @ vectors
        if "patch_features" in outputs:
            found["patch_features"] = np.zeros((*used.shape, self.dimension), np.float32)
            found["patch_features"][used] = vectors
        return found


class NgramEmbedder(Embedder):
    """Turns texts into float32 [N, D], not normalised, as `Embedder` does, but on the host."""

    def __init__(
        self,
        config: NgramConfig,
        params: Arrays,
        renderer: Renderer,
        batch_size: int,
        memory: int = MEMORY,
    ):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.params, self.renderer, self.batch_size = params, renderer, batch_size
        self.encoder: Any = NgramEncoder(config, memory)

    def embed(self, counts: np.ndarray, draw: Draw) -> np.ndarray:
        """Embed N texts, float32 [N, D]; see `Embedder.embed`."""
        result = np.zeros((len(counts), self.encoder.dimension), np.float32)
        # Texts of like lengths together, so that little is padded.
        order = np.argsort(counts, kind="stable")
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            drawn = draw(rows, int(counts[rows].max()))
            result[rows] = self.encoder.encode(self.params, *drawn)["embedding"]
        return result

    def patch_features(self, patches: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return the vectors of patches, float32 [B, S, D]; see `Embedder.patch_features`."""
        name = "patch_features"
        return self.encoder.encode(self.params, patches, count, outputs=(name,))[name]

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Refuse pictures, by a ValueError."""
        raise ValueError(
            "this model cannot read pictures: it is a table of hashed letter n-grams, not a vision "
            "transformer, and knows letters only as its own cell font draws them. Encode the text "
            "itself, or load a trained transformer: a model folder of your own, or a checkpoint of "
            "Pixel-Linguist"
        )
