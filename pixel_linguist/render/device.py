"""Glyph runs to patches in JAX, inside a jitted step: the same bytes as `glyphs.rasterise`.

Importing this module makes `GlyphRuns` a pytree: its arrays are leaves, its length and patch size
are static, so that a batch of them passes through jit, vmap, pmap and shard_map like any other.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from pixel_linguist.render.glyphs import GlyphRuns, glyph_type, power_of_two

jax.tree_util.register_dataclass(
    GlyphRuns,
    data_fields=["glyphs", "x", "y", "count", "tiles"],
    meta_fields=["length", "patch"],
)


def rasterise(runs: GlyphRuns) -> jax.Array:
    """Draw glyph runs, uint8 [B, S, H, W].

    Ink is added as integers, so that the order in which a device adds does not matter.
    """
    height, width = runs.patch
    rows, columns = runs.tiles.shape[1:]
    texts, strip = runs.glyphs.shape[0], runs.length * width
    # Pixels outside fall on a border as wide as a tile.
    canvas = jnp.zeros((texts, height + 2 * rows, strip + 2 * columns), jnp.int32)
    y = jnp.clip(jnp.asarray(runs.y, jnp.int32), -rows, height) + rows
    x = jnp.clip(jnp.asarray(runs.x, jnp.int32), -columns, strip) + columns
    text = jnp.broadcast_to(jnp.arange(texts)[:, None], x.shape)
    windows = lax.ScatterDimensionNumbers(
        update_window_dims=(2, 3),
        inserted_window_dims=(0,),
        scatter_dims_to_operand_dims=(0, 1, 2),
    )
    canvas = lax.scatter_add(
        canvas,
        jnp.stack([text, y, x], axis=-1),
        jnp.asarray(runs.tiles, jnp.int32)[jnp.asarray(runs.glyphs)],
        windows,
        mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )
    inside = canvas[:, rows : rows + height, columns : columns + strip]
    strips = jnp.minimum(inside, 255).astype(jnp.uint8)
    return strips.reshape(texts, height, runs.length, width).swapaxes(1, 2)


def share_out(runs: GlyphRuns, devices: int) -> GlyphRuns:
    """Give the rows of each device tiles of their own, on the host, before a batch is placed.

    After it the first axis of every array divides evenly among devices, and each part draws its
    rows without the others: `tiles` is uint8 [devices * T, h, w], and `glyphs` of a part are
    numbers of its own T tiles. T is again a power of two.

    Args:
        runs: of B texts, from `Renderer.glyph_runs`.
        devices: D of them, with B / D texts each.

    Raises:
        ValueError: B is not divisible by devices.
    """
    texts = len(runs.glyphs)
    if devices < 1 or texts % devices:
        raise ValueError(f"{texts} texts cannot be shared out evenly among {devices} devices")
    if devices == 1:
        return runs
    parts = np.split(runs.glyphs, devices)
    # Tile 0 is blank in each part, whether or not it has a blank piece.
    used = [np.union1d(part, [0]).astype(np.intp) for part in parts]
    room = power_of_two(max(map(len, used)))
    tiles = np.zeros((devices, room, *runs.tiles.shape[1:]), np.uint8)
    for own, numbers in zip(tiles, used, strict=True):
        own[: len(numbers)] = runs.tiles[numbers]
    glyphs = [np.searchsorted(own, part) for own, part in zip(used, parts, strict=True)]
    return dataclasses.replace(
        runs,
        glyphs=np.concatenate(glyphs).astype(glyph_type(room)),
        tiles=tiles.reshape(-1, *tiles.shape[2:]),
    )
