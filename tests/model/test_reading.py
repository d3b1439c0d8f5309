"""What the host reads in patches, against the encoder."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig, reading
from pixel_linguist.model.reading import Reader, Table
from pixel_linguist.model.windows import WindowFeatures
from tests.model.test_windows import drawn, some_patches

Make = Callable[..., EncoderConfig]


def some_encoder(make: Make, *, hidden: int, scales: int) -> EncoderConfig:
    return make(
        width=12,
        heads=3,
        patch_width=16,
        cell_pixels=2,
        cell_scales=scales,
        cell_hidden=hidden,
        cell_width=5,
        window_cells=3,
        letters=7,
        window_rows=64,
        row_codes=4,
        fine_codes=6,
        final_norm=False,
    )


@pytest.mark.parametrize(("hidden", "scales"), [pytest.param(0, 1, marks=pytest.mark.slow), (9, 2)])
def test_a_reader_finds_what_the_layer_does(tiny_encoder: Make, hidden: int, scales: int) -> None:
    config = some_encoder(tiny_encoder, hidden=hidden, scales=scales)
    layer = WindowFeatures(2, scales, hidden, 5, 3, 7, 64, 4, 6, 12, jnp.dtype("float32"))
    patches = some_patches(30, 8)
    patches[::3, :, 6:] = 0
    params = drawn(layer, patches)
    # Some buckets answer to every window, others to few.
    params["prints"] = np.where(np.arange(8)[:, None] < 4, 0, np.arange(1, 9)[None]) * np.ones(1)
    expected = np.asarray(layer.apply({"params": params}, patches))
    reader, table = Reader(config, params), Table(params)
    features = reader(patches)
    assert features.shape == (30, 64)
    np.testing.assert_allclose(table(features), expected, rtol=1e-4, atol=1e-4)
    # What it has seen it knows, in any order.
    again = reader(patches[::-1]).toarray()[::-1]
    np.testing.assert_allclose(again, features.toarray(), atol=1e-6)


@pytest.mark.slow
def test_a_full_memory_of_cells_forgets(
    tiny_encoder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CELLS", 5)
    config = some_encoder(tiny_encoder, hidden=0, scales=1)
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 64, 4, 6, 12, jnp.dtype("float32"))
    patches = some_patches(40, 8)
    params: Any = drawn(layer, patches)
    reader = Reader(config, params)
    whole = Reader(config, params)(patches).toarray()
    for first in range(0, 40, 4):
        part = reader(patches[first : first + 4]).toarray()
        np.testing.assert_allclose(part, whole[first : first + 4], atol=1e-6)


def test_a_blank_patch_has_no_windows(tiny_encoder: Make) -> None:
    config = some_encoder(tiny_encoder, hidden=0, scales=1)
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 64, 4, 6, 12, jnp.dtype("float32"))
    blank = np.zeros((2, 8, 16), np.uint8)
    params = jax.tree.map(np.asarray, layer.init(jax.random.key(0), blank)["params"])
    assert Reader(config, params)(blank).nnz == 0
