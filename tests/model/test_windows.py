"""A patch embedded by windows, against the slow obvious sum."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig, encode, init_params
from pixel_linguist.model.windows import ENDS, LEAST, WindowFeatures

Make = Callable[..., EncoderConfig]
CELLS: dict[str, Any] = {
    "cell_pixels": 2,
    "cell_width": 5,
    "window_cells": 3,
    "letters": 7,
    "patch_hidden": 24,
    "final_norm": False,
}


def squeeze(patch: np.ndarray, times: int) -> np.ndarray:
    """Return the means of so many columns [H, W / times]."""
    return np.stack([patch[:, i::times] for i in range(times)]).mean(axis=0)


def slow_cell(params: Any, cell: np.ndarray) -> np.ndarray:
    """Map one cell's pixels to its numbers."""
    if "cell_hidden" in params:
        hidden = cell @ params["cell_hidden"]["kernel"] + params["cell_hidden"]["bias"]
        cell = np.maximum(hidden, 0)
    code = cell @ params["cell"]["kernel"] + params["cell"]["bias"]
    return code / max(np.sqrt((code**2).sum()), 1)


def slow_features(params: Any, patch: np.ndarray, *, cell_pixels: int, window: int) -> np.ndarray:
    """Sum over windows, cell by cell, of one patch [H, W]."""
    height, width = patch.shape
    blank = np.zeros((height, cell_pixels))
    cells = [patch[:, i : i + cell_pixels] for i in range(0, width, cell_pixels)]
    cells = [blank, *cells, *[blank] * (window - 1)]
    mapped = [slow_cell(params, c.reshape(-1)) for c in cells]
    letters = [letter / np.sqrt(letter @ letter) for letter in params["letters"]]
    total = np.zeros(len(params["spelling"]))
    for first in range(len(cells) - window + 1):
        for unit, spelling in enumerate(params["spelling"]):
            spelled = [letters[int(number)] for number in spelling if number >= 0]
            lost = sum(
                1 - letter @ code for letter, code in zip(spelled, mapped[first:], strict=False)
            )
            total[unit] += max(params["tolerance"][0] - lost, 0)
    return total


def slow_bags(params: Any, patch: np.ndarray, *, cell_pixels: int) -> np.ndarray:
    """Answer to the letters of one patch [H, W], cell by cell."""
    cells = [patch[:, i : i + cell_pixels] for i in range(0, patch.shape[1], cell_pixels)]
    codes = [slow_cell(params, cell.reshape(-1)) for cell in cells if cell.any()]
    bag = np.concatenate([np.sum(codes, axis=0), ENDS * codes[0], ENDS * codes[-1]])
    bag = bag / np.sqrt(bag @ bag + LEAST)
    return np.maximum(bag @ params["bags"]["kernel"] + params["bags"]["bias"], 0)


def some_windows() -> dict[str, Any]:
    """Return windows of one to three letters, with tolerance enough to answer to strange ones."""
    spelling = np.random.default_rng(3).integers(0, 7, (24, 3)).astype(np.float32)
    spelling[8:, 2] = spelling[16:, 1] = -1
    return {"spelling": spelling, "tolerance": np.array([1.5], np.float32)}


@pytest.mark.parametrize(("cell_hidden", "scales"), [(0, 1), (7, 1), (7, 3)])
def test_features_are_the_sum_over_windows(cell_hidden: int, scales: int) -> None:
    layer = WindowFeatures(2, scales, cell_hidden, 5, 3, 7, 24, 9, np.dtype("float32"))
    patches = np.random.default_rng(0).random((4, 8, 16), np.float32)
    patches[1, :, 10:] = 0
    params = layer.init(jax.random.key(1), patches)["params"]
    params = jax.tree.map(lambda x: np.asarray(x) + 0.1, params) | some_windows()
    found = layer.apply({"params": params}, patches)
    for patch, features in zip(patches, found, strict=True):
        read = (patch, squeeze(patch, 2), squeeze(patch, 4))[:scales]
        slow = sum(slow_features(params, squeezed, cell_pixels=2, window=3) for squeezed in read)
        np.testing.assert_allclose(features[:24], slow, rtol=1e-5, atol=1e-5)
        bags = sum(slow_bags(params, squeezed, cell_pixels=2) for squeezed in read)
        assert np.any(bags)
        np.testing.assert_allclose(features[24:], bags, rtol=1e-5, atol=1e-5)


def test_the_order_of_inner_letters_does_not_change_a_bag() -> None:
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 24, 9, np.dtype("float32"))
    patch = np.random.default_rng(0).random((8, 6, 2), np.float32)
    orders = ([0, 1, 2, 3, 4, 5], [0, 3, 2, 4, 1, 5], [1, 0, 2, 3, 4, 5])
    patches = np.stack([patch[:, order].reshape(8, 12) for order in orders])
    params = layer.init(jax.random.key(1), patches)
    own, scrambled, other = np.asarray(layer.apply(params, patches))[:, 24:]
    assert own.any()
    np.testing.assert_allclose(scrambled, own, atol=1e-6)
    assert np.abs(other - own).max() > 1e-3


def test_a_letter_brings_the_same_wherever_it_stands() -> None:
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 24, 0, np.dtype("float32"))
    letter = np.random.default_rng(0).random((8, 2), np.float32)
    patches = np.zeros((3, 8, 12), np.float32)
    for patch, column in zip(patches, (2, 4, 6), strict=True):
        patch[:, column : column + 2] = letter
    params = layer.init(jax.random.key(0), patches)["params"]
    first, *others = np.asarray(layer.apply({"params": {**params, **some_windows()}}, patches))
    assert first.any()
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_blank_cells_have_finite_gradients() -> None:
    layer = WindowFeatures(2, 1, 7, 5, 3, 7, 24, 9, np.dtype("float32"))
    blank = np.zeros((1, 8, 12), np.float32)
    params = layer.init(jax.random.key(0), blank)
    gradients = jax.grad(lambda p: jnp.sum(layer.apply(p, blank)))(params)  # type: ignore[arg-type]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


def test_without_the_final_norm_a_mean_weighs_long_vectors_more(tiny_encoder: Make) -> None:
    config = tiny_encoder(**CELLS, depth=1, head="none")
    params = init_params(config, 0)
    silent = jax.tree.map(np.zeros_like, params["blocks"])
    params |= {"blocks": silent, "positions": np.zeros_like(params["positions"])}
    patches = jnp.asarray(np.random.default_rng(0).integers(0, 256, (1, 2, 8, 8), np.uint8))
    outputs = encode(config, params, patches, jnp.array([2]))
    alone = [
        np.asarray(encode(config, params, patches[:, i : i + 1], jnp.array([1]))["embedding"][0])
        for i in range(2)
    ]
    np.testing.assert_allclose(outputs["embedding"][0], np.mean(alone, axis=0), atol=1e-6)
    assert "norm" not in params


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell_pixels": 3}, "cell_pixels 3 does not divide the patch's width, 8"),
        ({"cell_scales": 4}, "cell_pixels 2 does not .*, at each of 4 model.cell_scales"),
        ({"window_cells": 0}, "must be at least 1; they are 5, 0, 24"),
        ({"letters": 0}, "letters is 0; with model.cell_pixels it must be 1 to 2048"),
        ({"letters": 2049}, "letters is 2049"),
        ({"channels": 3}, "cell_pixels needs model.channels 1"),
        ({"letter_bags": -1}, "letter_bags is -1; it must be 0, or above"),
        ({"cell_pixels": 0, "letter_bags": 9}, "letter_bags is 9; .* with model.cell_pixels"),
    ],
)
def test_impossible_cells_are_refused(
    tiny_encoder: Make, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tiny_encoder(**(CELLS | changes))
