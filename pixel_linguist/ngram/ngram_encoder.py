"""The encoder of n-gram models, and what embeds texts with it."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from scipy import sparse

from pixel_linguist.inference import Draw, Embedder
from pixel_linguist.ngram.ngram_model import NgramConfig
from pixel_linguist.ngram.ngram_table import Arrays, NgramTable, PatchCache
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import Patches, one_text_a_row

if TYPE_CHECKING:
    from pixel_linguist.render.images import Picture

# Bytes of vectors of patches that are kept.
MEMORY = 64 << 20
# Length of a text's own direction beside its vector, where cells resemble no letter: enough to tell
# texts apart, and little beside what is read.
UNREAD = 0.01


class NgramEncoder:
    """An `Encoder` by n-grams, on the host alone, with a `PatchCache` of `memory` bytes."""

    # Several texts in a row save nothing: nothing is compiled, and padding is not computed.
    packs = False

    def __init__(self, config: NgramConfig, memory: int = MEMORY):
        self.config, self._memory = config, memory
        self._params: Arrays | None = None

    @property
    def dimension(self) -> int:
        """The length D of an embedding."""
        return self.config.dimension

    def init(self, seed: int) -> NoReturn:
        """Refuse, by a ValueError: there is nothing to draw at random."""
        raise ValueError(
            "an n-gram model has no initial weights, as its table was solved; train a transformer"
        )

    def encode(
        self,
        params: Arrays,
        patches: Patches,
        *,
        keys: Any = None,
        outputs: Sequence[str] = ("embedding",),
        **options: Any,
    ) -> dict[str, Any]:
        """Encode R rows of patches of NumPy, drawn in the model's cell font; see `Encoder.encode`.

        Outputs are "embedding", float32 [R, K, D], the mean of a text's patches, not normalised
        (see `tell_apart`), and "patch_features", float32 [R, S, D], 0 in padding. There are no
        options.
        """
        unknown = [*options, *(set(outputs) - {"embedding", "patch_features"})]
        if unknown or keys is not None:
            raise ValueError(f"an n-gram encoder has no dropout, and no {unknown}")
        if params is not self._params:
            table = NgramTable(self.config, params)
            self._params = params
            self.cache = PatchCache(table, self.dimension + 1, self._memory)
        used, (rows, texts) = patches.segment >= 0, patches.owner.shape
        vectors = self.cache(patches.pixels[..., 0][used])
        found: dict[str, Any] = {}
        if "embedding" in outputs:
            text = (np.arange(rows)[:, None] * texts + patches.segment)[used]
            shares = (1 / np.bincount(text)[text]).astype(np.float32)
            shape, places = (rows * texts, len(text)), (text, np.arange(len(text)))
            means = sparse.csr_array((shares, places), shape=shape) @ vectors
            for number in np.flatnonzero((means[:, -1] > 0) | ~means.any(axis=1)):
                if (own := text == number).any():
                    means[number, :-1] = tell_apart(means[number, :-1], patches.pixels[used][own])
            found["embedding"] = means[:, :-1].reshape(rows, texts, -1)
        if "patch_features" in outputs:
            found["patch_features"] = np.zeros((*used.shape, self.dimension), np.float32)
            found["patch_features"][used] = vectors[:, :-1]
        return found


def tell_apart(vector: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Add a random direction, drawn from its pixels, to the vector [D] of a text.

    Texts in letters that the table does not know have vectors of 0, or the same one by the few
    cells that resemble letters. With this they have a length, and different ones differ.
    """
    own = np.random.default_rng(zlib.crc32(pixels.tobytes())).normal(size=len(vector))
    weight = UNREAD * float(np.linalg.norm(vector)) or 1.0
    told: np.ndarray = (vector + weight / np.linalg.norm(own) * own).astype(np.float32)
    return told


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
        self._params, self.renderer, self.batch_size = params, renderer, batch_size
        self.encoder: NgramEncoder = NgramEncoder(config, memory)

    def embed(self, counts: np.ndarray, draw: Draw) -> np.ndarray:
        """Embed N texts, float32 [N, D]; see `Embedder.embed`."""
        result = np.zeros((len(counts), self.encoder.dimension), np.float32)
        # Texts of like lengths together, so that little is padded.
        order = np.argsort(counts, kind="stable")
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            patches = one_text_a_row(*draw(rows, int(counts[rows].max())))
            result[rows] = self.encoder.encode(self.params, patches)["embedding"][:, 0]
        return result

    def images(self, pictures: Iterable["Picture"]) -> Iterator[np.ndarray]:
        """Refuse pictures, by a ValueError."""
        raise ValueError(
            "this model cannot read pictures: it is a table of hashed letter n-grams, not a vision "
            "transformer, and knows letters only as its own cell font draws them. Encode the text "
            "itself, or load a trained transformer: a model folder of your own, or a checkpoint of "
            "Pixel-Linguist"
        )
