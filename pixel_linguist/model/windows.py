"""Features of a patch as the sum over its windows of neighbouring cells."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class WindowFeatures(nn.Module):
    """A layer over all windows of a patch: what it learns of a few letters holds wherever they are.

    Attributes:
        cell_pixels: width of a cell.
        cell_hidden: units of a layer that a cell's pixels go through first, to numbers of length 1
            at most; 0: none.
        cell_width: numbers C that a cell is mapped to, linearly.
        window_cells: cells K of a window.
        features: F.
        dtype: of the products.
    """

    cell_pixels: int
    cell_hidden: int
    cell_width: int
    window_cells: int
    features: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, patches: jax.Array) -> jax.Array:
        """Map float [S, H, W] to float [S, F].

        One blank cell stands before a patch and K - 1 after it, so that words are seen to begin
        and end: there is a window more than there are cells.
        """
        number, height, width = patches.shape
        cells = width // self.cell_pixels
        x = patches.reshape(number, height, cells, self.cell_pixels)
        x = jnp.pad(x, ((0, 0), (0, 0), (1, self.window_cells - 1), (0, 0)))
        x = x.swapaxes(1, 2).reshape(number, cells + self.window_cells, -1)
        if self.cell_hidden:
            x = nn.relu(nn.Dense(self.cell_hidden, dtype=self.dtype, name="cell_hidden")(x))
        x = nn.Dense(self.cell_width, dtype=self.dtype, name="cell")(x)
        if self.cell_hidden:
            # A picture unlike all that were seen may not wake every unit.
            x /= jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1)
        units = nn.Dense(self.features, dtype=self.dtype, name="units")
        # One after the other: all at once would take F numbers for each window.
        total = jnp.zeros((number, self.features), self.dtype)
        for first in range(cells + 1):
            window = x[:, first : first + self.window_cells]
            total += nn.relu(units(window.reshape(number, -1)))
        return total
