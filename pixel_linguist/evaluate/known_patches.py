"""Patches whose embeddings are remembered: words come again and again, and so do their pictures."""

import functools
from typing import Any

import jax
import numpy as np

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import embed_patches

# New patches that are embedded at once, and bytes of embeddings that are kept.
CHUNK, MEMORY = 64, 64 << 20


@functools.cache
def _compiled(config: EncoderConfig) -> Any:
    """Return the jitted embedding of patches; one for all parameters of an architecture."""
    return jax.jit(functools.partial(embed_patches, config))


class KnownPatches:
    """Embeds patches, each picture once.

    Args:
        config: the encoder's architecture.
        params: its parameters.
        memory: bytes of embeddings after which all are forgotten.
    """

    def __init__(self, config: EncoderConfig, params: Any, memory: int = MEMORY):
        self._embed = functools.partial(_compiled(config), params)
        self._capacity, self._width = max(memory // (4 * config.width), 1), config.width
        self._forget(0)
        # Of patches so far: how many were asked for, and how many had to be computed.
        self.asked = self.computed = 0

    def _forget(self, needed: int) -> None:
        self._numbers: dict[bytes, int] = {}
        self._vectors = np.empty((max(self._capacity, needed), self._width), np.float32)

    def __call__(self, patches: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return float32 [B, S, D] of uint8 [B, S, H, W] with so many patches each; 0 elsewhere."""
        used = np.arange(patches.shape[1]) < count[:, None]
        rows = patches[used]
        if len(self._numbers) + len(rows) > len(self._vectors):
            self._forget(len(rows))
        known, before = self._numbers, len(self._numbers)
        numbers = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows])
        distinct, first = np.unique(numbers, return_index=True)
        new = rows[first[distinct >= before]]
        self.asked, self.computed = self.asked + len(rows), self.computed + len(new)
        for start in range(0, len(new), CHUNK):
            chunk = new[start : start + CHUNK]
            filled = np.pad(chunk, ((0, CHUNK - len(chunk)), (0, 0), (0, 0)))
            vectors = np.asarray(self._embed(filled))[: len(chunk)]
            self._vectors[before + start : before + start + len(chunk)] = vectors
        embedded = np.zeros((*patches.shape[:2], self._width), np.float32)
        embedded[used] = self._vectors[numbers]
        return embedded
