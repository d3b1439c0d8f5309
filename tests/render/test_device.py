"""The rasteriser in JAX: the bytes of the one in NumPy, on any number of devices."""

import dataclasses
import unicodedata
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from pixel_linguist.render import Renderer
from pixel_linguist.render import glyphs as host
from pixel_linguist.render.device import rasterise, share_out
from pixel_linguist.render.glyphs import GlyphRuns

# As the names of their characters begin in the Unicode Character Database.
SCRIPTS = [
    "LATIN SMALL", "GREEK SMALL", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC LETTER",
    "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "TAMIL", "TELUGU", "MALAYALAM", "THAI",
    "KHMER", "MYANMAR", "ETHIOPIC SYLLABLE", "HANGUL SYLLABLE", "HIRAGANA",
]  # fmt: skip

draw = jax.jit(rasterise)


@lru_cache(maxsize=1)
def strings() -> list[str]:
    """Draw 50 strings of each of 20 scripts, marks, digits and brackets among them."""
    rng = np.random.default_rng(1)
    names = {chr(code): unicodedata.name(chr(code), "") for code in range(0x20, 0xD800)}
    found = []
    for script in SCRIPTS:
        letters = [letter for letter, name in names.items() if name.startswith(script)]
        assert len(letters) > 50, script
        pool = letters + list(" " * (len(letters) // 5) + "1(,)\u0301")
        found += ["".join(rng.choice(pool, rng.integers(1, 70))) for _ in range(50)]
    return found


def random_runs(
    seed: int,
    *,
    texts: int = 8,
    pieces: int = 64,
    tile: tuple[int, int] = (8, 5),
    reach: int = 12,
    dense: bool = False,
) -> GlyphRuns:
    """Draw runs of which many lie across the edges; `dense`: they are heaped on a few columns."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (32, *tile), np.uint8)
    tiles[0] = 0
    right = 6 if dense else 10 * 4 + reach
    return GlyphRuns(
        glyphs=rng.integers(0, 32, (texts, pieces)).astype(np.uint16),
        x=rng.integers(-reach, right, (texts, pieces)).astype(np.int16),
        y=rng.integers(-reach, 6 + reach, (texts, pieces)).astype(np.int16),
        count=np.full(texts, 10, np.int32),
        tiles=tiles,
        length=10,
        patch=(6, 4),
    )


def slowly(runs: GlyphRuns) -> np.ndarray:
    """Draw pixel by pixel, as the definition says."""
    (height, width), (texts, pieces) = runs.patch, runs.glyphs.shape
    strips = np.zeros((texts, height, runs.length * width), np.int64)
    for text in range(texts):
        for piece in range(pieces):
            tile = runs.tiles[runs.glyphs[text, piece]]
            for row, column in np.ndindex(tile.shape):
                y, x = int(runs.y[text, piece]) + row, int(runs.x[text, piece]) + column
                if 0 <= y < height and 0 <= x < strips.shape[2]:
                    strips[text, y, x] += tile[row, column]
    capped = np.minimum(strips, 255)
    parts = [capped[:, :, s * width : (s + 1) * width] for s in range(runs.length)]
    return np.stack(parts, axis=1).astype(np.uint8)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("tile", [(8, 5), (3, 9), (6, 4)])
def test_random_runs_are_drawn_as_defined(tile: tuple[int, int], dense: bool) -> None:
    for seed in range(3):
        runs = random_runs(seed, tile=tile, dense=dense)
        expected = slowly(runs)
        if dense:
            assert (expected == 255).mean() > 0.05
        patches = draw(runs)
        assert patches.dtype == jnp.uint8
        np.testing.assert_array_equal(patches, expected)
        np.testing.assert_array_equal(host.rasterise(runs), expected)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_pieces_far_outside_are_not_drawn(axis: str) -> None:
    ends = np.array([-32768, -300, 300, 32767], np.int16)
    far: dict[str, Any] = {axis: np.random.default_rng(4).choice(ends, (8, 64))}
    assert not np.asarray(draw(dataclasses.replace(random_runs(0), **far))).any()


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_a_thousand_strings_of_twenty_scripts_have_the_bytes_of_the_host(strategy: str) -> None:
    renderer = Renderer(strategy=strategy)
    texts = strings()
    assert len(texts) == 1000
    pixels = renderer(texts, length=40)
    runs = renderer.glyph_runs(texts, length=40)
    np.testing.assert_array_equal(draw(runs), pixels.patches)
    np.testing.assert_array_equal(runs.count, pixels.count)
    assert (pixels.patches.reshape(20, -1).max(axis=1) == 255).all()


def test_batches_of_one_shape_compile_once() -> None:
    renderer, traced = Renderer(), []

    @jax.jit
    def step(runs: GlyphRuns) -> jax.Array:
        traced.append(runs.glyphs.shape)
        return rasterise(runs)

    for start in range(0, 512, 64):
        texts = [f"text {i} of many, {i * 7919 % 1000} words" for i in range(start, start + 64)]
        step(renderer.glyph_runs(texts, length=24))
    assert traced == [(64, 32)]


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_each_device_draws_its_part_alone(devices: int) -> None:
    runs = random_runs(2, texts=8, pieces=16)
    shared = share_out(runs, devices)
    expected = host.rasterise(runs)
    assert len(shared.tiles) % devices == 0
    parts = jax.tree.map(lambda a: a.reshape(devices, -1, *a.shape[1:]), shared)
    for back_end in (jax.pmap, jax.vmap):
        drawn = np.asarray(back_end(rasterise)(parts))
        np.testing.assert_array_equal(drawn.reshape(expected.shape), expected)
    mesh = jax.make_mesh(
        (devices,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:devices]
    )
    spec = PartitionSpec("data")
    sharded = jax.jit(jax.shard_map(rasterise, mesh=mesh, in_specs=spec, out_specs=spec))
    np.testing.assert_array_equal(sharded(shared), expected)


def test_shared_shapes_are_powers_of_two() -> None:
    shared = share_out(Renderer().glyph_runs(strings()[:64], length=40), 4)
    each = len(shared.tiles) // 4
    assert each >= 32 and each & (each - 1) == 0
    assert shared.glyphs.dtype == np.uint16 and shared.glyphs.max() < each


@pytest.mark.parametrize("devices", [0, 3])
def test_rows_that_do_not_divide_are_refused(devices: int) -> None:
    with pytest.raises(ValueError, match="devices"):
        share_out(random_runs(0), devices)


def test_renumbered_runs_do_not_depend_on_what_was_laid_out_before() -> None:
    texts = strings()[::25]
    fresh, used = Renderer(), Renderer()
    used.glyph_runs(strings()[::-7], length=40)
    runs = [renderer.glyph_runs(texts, length=40) for renderer in (fresh, used)]
    assert not np.array_equal(runs[0].glyphs, runs[1].glyphs)
    # Parts whose tiles are partly the same, as those of several stores are.
    halves = host.join_runs([fresh.glyph_runs(t, length=40) for t in (texts[:20], texts[20:])])
    assert len(halves.tiles) >= len(runs[0].tiles)
    one, *others = (host.renumber(r) for r in (*runs, halves))
    expected = fresh(texts, 40).patches
    np.testing.assert_array_equal(host.rasterise(one), expected)
    assert not one.tiles[0].any() and len(one.tiles) <= len(runs[0].tiles)
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, other, one)
    again = random_runs(1, texts=1, pieces=3)
    assert host.renumber(again).glyphs.max() <= 3
    np.testing.assert_array_equal(host.rasterise(host.renumber(again)), host.rasterise(again))


def test_more_tiles_than_16_bits_count_are_still_told_apart() -> None:
    """Many styles of many letters in one batch: numbers must not begin again at 0."""
    rng = np.random.default_rng(0)
    parts = []
    for seed in range(2):
        tiles = rng.integers(0, 256, (40_000, 2, 2), np.uint8)
        tiles[0] = 0
        glyphs = rng.integers(0, 40_000, (4, 32)).astype(np.uint16)
        runs = random_runs(seed, texts=4, pieces=32)
        parts.append(dataclasses.replace(runs, glyphs=glyphs, tiles=tiles))
    joined = host.join_runs(parts)
    expected = np.concatenate([host.rasterise(part) for part in parts])
    np.testing.assert_array_equal(draw(joined), expected)
    shared = share_out(joined, 2)
    # A device's own tiles are few again.
    assert joined.glyphs.dtype == np.uint32 and shared.glyphs.dtype == np.uint16
    parts_of_devices = jax.tree.map(lambda a: a.reshape(2, -1, *a.shape[1:]), shared)
    drawn = np.asarray(jax.vmap(rasterise)(parts_of_devices))
    np.testing.assert_array_equal(drawn.reshape(expected.shape), expected)
