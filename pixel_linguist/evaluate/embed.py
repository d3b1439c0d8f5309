"""From texts to embeddings: renderer and encoder put together, in few compiled shapes."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.model import EncoderConfig, encode
from pixel_linguist.render import Renderer


@functools.cache
def _compiled(config: EncoderConfig) -> Callable[..., jax.Array]:
    """Return the jitted embedding of a batch; one for all parameters of an architecture."""
    return jax.jit(
        lambda params, patches, count: encode(config, params, patches, count)["embedding"]
    )


def lengths(max_patches: int) -> list[int]:
    """Return the padded lengths in use: max_patches and its halves down to 8, at most 4 in all.

    Few lengths mean few compilations; short texts still do not pay for the longest.
    """
    found = [max_patches]
    while len(found) < 4 and found[-1] >= 16:
        found.append((found[-1] + 1) // 2)
    return found[::-1]


class Embedder:
    """Turns texts into float32 [N, D]; the order of texts is kept.

    Args:
        config: the encoder's architecture.
        params: its parameters.
        renderer: with the encoder's patch size and number.
        batch_size: texts in one call of the encoder.

    Attributes:
        cut: how many of the texts embedded last were longer than the encoder's patches.
    """

    def __init__(self, config: EncoderConfig, params: Any, renderer: Renderer, batch_size: int):
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.config = config
        self.params = jax.device_put(params)
        self.renderer = renderer
        self.batch_size = batch_size
        self.cut = 0

    def __call__(self, texts: Sequence[str], *, show_progress: bool = False) -> np.ndarray:
        """Embed texts; an empty list gives an array of no rows."""
        if isinstance(texts, str):
            raise TypeError("embedding needs a list of texts, not one str: write [text]")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"text {i} is a {type(text).__name__}, not a str: {text!r:.80}")
        needed = self.renderer.count_patches(texts)
        self.cut = int((needed > self.config.max_patches).sum())
        counts = np.minimum(needed, self.config.max_patches)
        order = np.argsort(counts, kind="stable")
        buckets = np.array(lengths(self.config.max_patches))
        result = np.zeros((len(texts), self.config.width), np.float32)
        embed = _compiled(self.config)
        with tqdm(total=len(texts), unit="text", disable=not show_progress) as progress:
            for start in range(0, len(texts), self.batch_size):
                rows = order[start : start + self.batch_size]
                length = int(buckets[np.searchsorted(buckets, counts[rows[-1]])])
                # The last batch is filled up, so that it needs no compilation of its own.
                filled = [texts[i] for i in rows] + [""] * (self.batch_size - len(rows))
                rendered = self.renderer(filled, length=length)
                result[rows] = embed(self.params, rendered.patches, rendered.count)[: len(rows)]
                progress.update(len(rows))
        return result
