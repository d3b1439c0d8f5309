"""Units found in a tree of letters, against the encoder's product with every one of them."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig, reading
from pixel_linguist.model.reading import Reader, grow_tree
from pixel_linguist.model.windows import WindowFeatures

Make = Callable[..., EncoderConfig]


@pytest.mark.parametrize(("hidden", "scales", "bags"), [(0, 1, 0), (7, 2, 9)])
@pytest.mark.parametrize("tolerance", [1.0, 2.0])
def test_a_reader_answers_as_the_layer_does(
    tiny_encoder: Make, hidden: int, scales: int, bags: int, tolerance: float
) -> None:
    config = tiny_encoder(
        patch_width=16,
        cell_pixels=2,
        cell_scales=scales,
        cell_hidden=hidden,
        cell_width=3,
        window_cells=3,
        letters=11,
        patch_hidden=60,
        letter_bags=bags,
        final_norm=False,
    )
    layer = WindowFeatures(2, scales, hidden, 3, 3, 11, 60, bags, np.dtype("float32"))
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (30, 8, 16)).astype(np.uint8)
    patches[::3, :, 6:] = 0
    params: Any = layer.init(jax.random.key(1), patches / np.float32(255))["params"]
    params = jax.tree.map(lambda x: np.asarray(x) * 3, params)
    # Some windows are there twice.
    spelling = rng.integers(0, 11, (60, 3)).astype(np.float32)
    spelling[:30, 2] = spelling[:10, 1] = -1
    params |= {"spelling": spelling, "tolerance": np.array([tolerance], np.float32)}
    expected = np.asarray(layer.apply({"params": params}, patches / np.float32(255)))
    reader = Reader(config, params)
    found = reader(patches).toarray()
    assert 0 < (found[:, :60] > 0).mean() < 0.9
    np.testing.assert_allclose(found, expected, atol=2e-5)
    # What it has seen it knows, in any order.
    np.testing.assert_allclose(reader(patches[::-1]).toarray()[::-1], found, atol=1e-6)


def test_a_full_memory_of_cells_forgets(
    tiny_encoder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CELLS", 20)
    config = tiny_encoder(
        cell_pixels=2, cell_width=3, window_cells=2, letters=5, patch_hidden=20, final_norm=False
    )
    layer = WindowFeatures(2, 1, 0, 3, 2, 5, 20, 0, np.dtype("float32"))
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (40, 8, 8)).astype(np.uint8)
    params: Any = layer.init(jax.random.key(1), patches / np.float32(255))["params"]
    spelling = np.stack(np.divmod(np.arange(20), 5), axis=1).astype(np.float32)
    params |= {"spelling": spelling, "tolerance": np.array([1.0], np.float32)}
    reader = Reader(config, params)
    whole = Reader(config, params)(patches).toarray()
    for first in range(0, 40, 4):
        part = reader(patches[first : first + 4]).toarray()
        np.testing.assert_allclose(part, whole[first : first + 4], atol=1e-6)


def test_a_tree_has_a_branch_for_every_beginning() -> None:
    first, second = grow_tree(np.array([[2, 1], [0, -1], [2, 0], [2, -1]]), 3)
    np.testing.assert_array_equal(first.keys, [0, 2])
    np.testing.assert_array_equal(first.window, [1, 3])
    # The second beginning's letters 0 and 1.
    np.testing.assert_array_equal(second.keys, [3, 4])
    np.testing.assert_array_equal(second.window, [2, 0])
