"""Features of a patch as the sum over its windows of neighbouring cells."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

# Of a bag of letters: how much its first and its last count again, beside one in the middle; and
# what its squared length is at least.
ENDS, LEAST = 0.5, 1.0


class WindowFeatures(nn.Module):
    """A layer over all windows of a patch: what it learns of a few letters holds wherever they are.

    Attributes:
        cell_pixels: width of a cell.
        cell_scales: how often a patch is read, each time half as wide as before: letters of twice
            the width are then like others.
        cell_hidden: units of a layer that a cell's pixels go through first, to numbers of length 1
            at most; 0: none.
        cell_width: numbers C that a cell is mapped to, linearly, of length 1 at most.
        window_cells: cells K of a window.
        letters: L codes of letters.
        features: F units, each of which answers to a window that spells certain letters.
        bags: G units that answer to the letters of a patch in any order, as a reader does to a
            word whose inner letters are scrambled.
        dtype: of the products.
    """

    cell_pixels: int
    cell_scales: int
    cell_hidden: int
    cell_width: int
    window_cells: int
    letters: int
    features: int
    bags: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, patches: jax.Array) -> jax.Array:
        """Map float [S, H, W] to float [S, F + G].

        One blank cell stands before a patch and K - 1 after it, so that words are seen to begin
        and end: there is a window more than there are cells.
        """
        first = nn.Dense(self.cell_hidden, dtype=self.dtype, name="cell_hidden")
        cell = nn.Dense(self.cell_width, dtype=self.dtype, name="cell")
        kernel, bias = self.detectors()
        bags = nn.Dense(self.bags, dtype=self.dtype, name="bags") if self.bags else None
        total = jnp.zeros((len(patches), self.features), self.dtype)
        found = jnp.zeros((len(patches), self.bags), self.dtype)
        for scale in range(self.cell_scales):
            if scale:
                patches = (patches[..., ::2] + patches[..., 1::2]) / 2
            x = self.cut(patches)
            ink = x.any(axis=-1)
            x = cell(nn.relu(first(x)) if self.cell_hidden else x)
            # A picture unlike all that were seen may not wake every unit.
            x /= jnp.sqrt(jnp.maximum((x**2).sum(axis=-1, keepdims=True), 1))
            # One after the other: all at once would take F numbers for each window.
            for start in range(x.shape[1] - self.window_cells + 1):
                window = x[:, start : start + self.window_cells]
                total += nn.relu(window.reshape(len(x), -1) @ kernel + bias)
            if bags is not None:
                found += nn.relu(bags(bag_letters(x, ink)))
        return jnp.concatenate([total, found], axis=-1)

    def detectors(self) -> tuple[jax.Array, jax.Array]:
        """Return what answers to windows: kernel [K * C, F] and bias [F].

        A unit is `tolerance` where its window stands, and falls to 0 as cells differ from its
        letters by so much in all. Which letters it spells is not trained: whole numbers, -1 after
        the end of a window of fewer than K.
        """
        size = (self.features, self.window_cells)
        letters = self.param("letters", nn.initializers.normal(), (self.letters, self.cell_width))
        spelling = self.param("spelling", draw_spelling, size, self.letters)
        tolerance = self.param("tolerance", nn.initializers.constant(self.window_cells), (1,))
        letters /= jnp.maximum(jnp.linalg.norm(letters, axis=1, keepdims=True), 1e-6)
        number = jax.lax.stop_gradient(jnp.rint(spelling)).astype(jnp.int32)
        there = number >= 0
        units = jnp.where(there[..., None], letters[number], 0).reshape(self.features, -1)
        bias = tolerance - there.sum(axis=1)
        return units.T.astype(self.dtype), bias.astype(self.dtype)

    def cut(self, patches: jax.Array) -> jax.Array:
        """Return the cells of patches [S, H, W], and the blank ones beside them: [S, cells, P]."""
        number, height, width = patches.shape
        x = patches.reshape(number, height, width // self.cell_pixels, self.cell_pixels)
        x = jnp.pad(x, ((0, 0), (0, 0), (1, self.window_cells - 1), (0, 0)))
        return x.swapaxes(1, 2).reshape(number, x.shape[2], -1)


def draw_spelling(key: jax.Array, shape: tuple[int, int], letters: int) -> jax.Array:
    """Return windows of letters drawn at random, as float32."""
    return jax.random.randint(key, shape, 0, letters).astype(jnp.float32)


def bag_letters(codes: Any, ink: Any) -> Any:
    """Return the letters of patches without their order, float [N, 3 C], of length 1 at most.

    They are the sum of the codes of cells with ink, then the first's and the last's. NumPy's arrays
    give NumPy's.

    Args:
        codes: float [N, cells, C].
        ink: bool [N, cells].
    """
    place = ink.cumsum(axis=1)
    first, last = ink & (place == 1), ink & (place == place[:, -1:])
    weights = (ink, ENDS * first, ENDS * last)
    sums = [(codes * weight[..., None]).sum(axis=1) for weight in weights]
    bag = (jnp if isinstance(codes, jax.Array) else np).concatenate(sums, axis=1)
    return bag / ((bag**2).sum(axis=1, keepdims=True) + LEAST) ** 0.5


def answer_letters(units: dict[str, Any], codes: np.ndarray, ink: Any) -> np.ndarray:
    """Return what `WindowFeatures` answers to bags, float32 [N, G], as arrays of `bag_letters`."""
    answers: np.ndarray = np.maximum(bag_letters(codes, ink) @ units["kernel"] + units["bias"], 0)
    return answers


def narrower(patches: np.ndarray, scale: int) -> np.ndarray:
    """Return patches uint8 [..., W] 2**scale times as narrow: uint16 sums of pixels, not means."""
    shape = (*patches.shape[:-1], patches.shape[-1] >> scale, 1 << scale)
    return patches.reshape(shape).sum(axis=-1, dtype=np.uint16)


def cut_apart(patches: np.ndarray, width: int) -> np.ndarray:
    """Return the cells of patches [..., H, W]: [..., cells, H, width]."""
    *front, height, across = patches.shape
    return patches.reshape(*front, height, across // width, width).swapaxes(-3, -2)


def map_cells(params: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    """Return what `WindowFeatures` maps cells to: float32 [N, C] of pixels [N, P] in [0, 1]."""
    hidden, cell = params.get("cell_hidden"), params["cell"]
    if hidden:
        pixels = np.maximum(pixels @ hidden["kernel"] + hidden["bias"], 0)
    codes = pixels @ cell["kernel"] + cell["bias"]
    return codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)
