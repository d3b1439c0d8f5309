"""Patches whose embeddings are remembered: words come again and again, and so do their pictures.

What is new is put together from windows of letters that are remembered too, so that a word that was
never seen costs little more than one that was.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.windows import answer_letters, cut_apart, map_cells, narrower

# New windows that are computed at once, and bytes of vectors that each memory keeps.
CHUNK, MEMORY = 256, 64 << 20


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
        known, before = self._numbers, len(self._numbers)
        numbers = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], int)
        distinct, first = np.unique(numbers, return_index=True)
        new = first[distinct >= before]
        self.asked, self.computed = self.asked + len(rows), self.computed + len(new)
        if len(new):
            self._vectors[before : before + len(new)] = self._compute(rows[new])
        return self._vectors[numbers]


@jax.jit
def _answers(windows: jax.Array, units: Any, embed: jax.Array) -> jax.Array:
    return jax.nn.relu(windows @ units["kernel"] + units["bias"]) @ embed


class KnownPatches:
    """Embeds patches, as an encoder with cells does in float32.

    Args:
        config: the encoder's architecture.
        params: its parameters.
        memory: bytes of embeddings of patches, and again of windows and of cells, that are kept.
    """

    def __init__(self, config: EncoderConfig, params: Any, memory: int = MEMORY):
        self._config = config
        windows = {name: jax.tree.map(np.asarray, part) for name, part in params["windows"].items()}
        # On one device: other than texts, windows are too few to share out.
        self._units = jax.tree.map(jnp.asarray, windows.pop("units"))
        self._bags = windows.pop("bags", None)
        embed, self._embed_bags = np.split(
            np.asarray(params["embed"]["kernel"]), [config.patch_hidden]
        )
        self._embed = jnp.asarray(embed)
        self._bias = np.asarray(params["embed"]["bias"])
        self.cells = Known(functools.partial(map_cells, windows), config.cell_width, memory)
        self.windows = Known(self._answer, config.width, memory)
        self.patches = Known(self._add_up, config.width, memory)

    def __call__(self, patches: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return float32 [B, S, D] of uint8 [B, S, H, W] with so many patches each; 0 elsewhere."""
        used = np.arange(patches.shape[1]) < count[:, None]
        embedded = np.zeros((*patches.shape[:2], self._config.width), np.float32)
        embedded[used] = self.patches(patches[used])
        return embedded

    def _add_up(self, patches: np.ndarray) -> np.ndarray:
        """Add up what the windows of patches uint8 [N, H, W] bring, and their letters."""
        width, size = self._config.cell_pixels, self._config.window_cells
        total = np.tile(self._bias, (len(patches), 1))
        for scale in range(self._config.cell_scales):
            pixels = narrower(patches, scale).astype(np.float32) / (255 << scale)
            cells = np.pad(cut_apart(pixels, width), ((0, 0), (1, size - 1), (0, 0), (0, 0)))
            codes = self.cells(cells.reshape(-1, pixels.shape[1] * width))
            codes = codes.reshape(*cells.shape[:2], -1)
            if self._bags:
                answers = answer_letters(self._bags, codes, cells.any(axis=(2, 3)))
                total += answers @ self._embed_bags
            windows = np.lib.stride_tricks.sliding_window_view(codes, size, axis=1).swapaxes(2, 3)
            brought = self.windows(windows.reshape(len(patches) * windows.shape[1], -1))
            total += brought.reshape(len(patches), -1, total.shape[1]).sum(axis=1)
        return total

    def _answer(self, windows: np.ndarray) -> np.ndarray:
        """Compute what windows of cells, float32 [N, K * C], bring."""
        found = []
        for first in range(0, len(windows), CHUNK):
            chunk = windows[first : first + CHUNK]
            # Of one shape, so that it is compiled once.
            filled = np.pad(chunk, ((0, CHUNK - len(chunk)), (0, 0)))
            found.append(np.asarray(_answers(filled, self._units, self._embed))[: len(chunk)])
        return np.concatenate(found)
