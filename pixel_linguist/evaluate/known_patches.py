"""Patches whose embeddings are remembered: words come again and again, and so do their pictures."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.reading import Reader, Table, number_rows

# Bytes of vectors that are kept.
MEMORY = 64 << 20


class Known:
    """Vectors of rows, each computed once.

    Args:
        compute: gives float32 [N, D] of so many rows.
        width: D.
        memory: bytes of vectors after which all are forgotten.
    """

    def __init__(self, compute: Callable[[np.ndarray], np.ndarray], width: int, memory: int):
        self._compute, self._width = compute, width
        self._capacity = max(memory // (4 * width), 1)
        self._forget(0)
        # Of rows so far: how many were asked for, and how many had to be computed.
        self.asked = self.computed = 0

    def _forget(self, needed: int) -> None:
        self._numbers: dict[bytes, int] = {}
        self._vectors = np.empty((max(self._capacity, needed), self._width), np.float32)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return float32 [N, D] of rows [N, ...]."""
        if len(self._numbers) + len(rows) > len(self._vectors):
            self._forget(len(rows))
        before = len(self._numbers)
        numbers, new = number_rows(rows, self._numbers)
        self.asked, self.computed = self.asked + len(rows), self.computed + len(new)
        if len(new):
            self._vectors[before : before + len(new)] = self._compute(rows[new])
        return self._vectors[numbers]


class KnownPatches:
    """Embeds patches, as an encoder with cells does in float32.

    Args:
        config: the encoder's architecture.
        params: its parameters.
        memory: bytes of embeddings that are kept.
    """

    def __init__(self, config: EncoderConfig, params: Any, memory: int = MEMORY):
        self._width = config.width
        windows = jax.tree.map(np.asarray, params["windows"])
        self._read, self._table = Reader(config, windows), Table(windows)
        self.patches = Known(self._compute, config.width, memory)

    def __call__(self, patches: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return float32 [B, S, D] of uint8 [B, S, H, W] with so many patches each; 0 elsewhere."""
        used = np.arange(patches.shape[1]) < count[:, None]
        embedded = np.zeros((*patches.shape[:2], self._width), np.float32)
        embedded[used] = self.patches(patches[used])
        return embedded

    def _compute(self, patches: np.ndarray) -> np.ndarray:
        return self._table(self._read(patches))
