"""What the decoder of a masked autoencoder promises."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.decoder import (
    DecoderConfig,
    decoder_param_shapes,
    init_decoder_params,
    load_decoder,
    pixels,
    reconstruct,
    save_decoder,
)
from pixel_linguist.model.encoder import init_params

Make = Callable[..., EncoderConfig]
DECODER = DecoderConfig(width=16, depth=1, heads=2, mlp_width=32, from_embedding=False)
RETRO = dataclasses.replace(DECODER, from_embedding=True)
COUNTS = np.array([3, 8, 5], np.int32)
KEEP = np.array([[0, 1, 5, 6], [0, 2, 4, 7], [7, 3, 1, 0]], np.int32)


def patches(seed: int = 0, length: int = 8) -> np.ndarray:
    shape = (3, length, 8, 8)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def params_of(config: EncoderConfig, decoder: DecoderConfig = DECODER) -> dict[str, Any]:
    drawn = {"encoder": init_params(config, 0), "decoder": init_decoder_params(config, decoder, 0)}
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype), drawn)


RUN: Any = jax.jit(reconstruct, static_argnums=(0, 1))


@pytest.mark.parametrize("cls_token", [False, True])
def test_masked_patches_are_predicted_from_the_others_alone(
    tiny_encoder: Make, cls_token: bool
) -> None:
    config = tiny_encoder(max_patches=8, cls_token=cls_token)
    params = params_of(config)
    found = RUN(config, DECODER, params, patches(), COUNTS, KEEP)
    assert found["predictions"].shape == found["pixels"].shape == (3, 8, 64)
    hidden = np.ones((3, 8), bool)
    np.put_along_axis(hidden, KEEP, False, axis=1)
    assert np.array_equal(found["masked"], hidden)
    changed = np.where(hidden[..., None, None], patches(1), patches())
    again = RUN(config, DECODER, params, changed, COUNTS, KEEP)
    assert np.array_equal(again["predictions"], found["predictions"])
    shown = np.where(hidden[..., None, None], patches(), patches(1))
    other = RUN(config, DECODER, params, shown, COUNTS, KEEP)["predictions"]
    assert np.abs(other - found["predictions"])[:, 0].max() > 1e-3


@pytest.mark.parametrize("cls_token", [False, True])
def test_a_decoder_from_an_embedding_has_nothing_else_of_the_encoder(
    tiny_encoder: Make, cls_token: bool
) -> None:
    config = tiny_encoder(max_patches=8, cls_token=cls_token)
    params = params_of(config, RETRO)
    shown = np.array([[0, 4], [3, 6], [1, 5]], np.int32)
    found = RUN(config, RETRO, params, patches(), COUNTS, KEEP, None, shown)
    hidden = np.ones((3, 8), bool)
    np.put_along_axis(hidden, shown, False, axis=1)
    assert np.array_equal(found["masked"], hidden)
    # What neither is shown does not count; what either is shown does.
    for places, differs in ((KEEP, True), (shown, True), (np.array([[3], [5], [6]]), False)):
        changed = patches()
        rows = np.arange(3)[:, None]
        changed[rows, places] = patches(1)[rows, places]
        again = RUN(config, RETRO, params, changed, COUNTS, KEEP, None, shown)["predictions"]
        assert (np.abs(again - found["predictions"]).max() > 1e-4) == differs
    # Two texts with one embedding and one view of the decoder's have one reconstruction.
    blind = dict(params, encoder=jax.tree.map(np.zeros_like, params["encoder"]))
    first, second = (
        RUN(config, RETRO, blind, p, COUNTS, KEEP, None, shown)["predictions"]
        for p in (patches(), np.where(hidden[..., None, None], patches(1), patches()))
    )
    np.testing.assert_array_equal(first, second)


def test_padding_does_not_change_predictions_of_text(tiny_encoder: Make) -> None:
    config = tiny_encoder(max_patches=16)
    params = params_of(config)
    short = RUN(config, DECODER, params, patches(), COUNTS, KEEP)["predictions"]
    padded = np.concatenate([patches(), patches(7)], axis=1)
    keep = np.concatenate([KEEP, np.tile(np.arange(8, 12, dtype=np.int32), (3, 1))], axis=1)
    longer = RUN(config, DECODER, params, padded, COUNTS, keep)["predictions"]
    for row, count in enumerate(COUNTS):
        np.testing.assert_allclose(longer[row, :count], short[row, :count], atol=1e-5)


def test_gradients_reach_every_parameter_but_the_decoder_s_positions(tiny_encoder: Make) -> None:
    config = tiny_encoder(max_patches=8, head="none", cls_token=True)
    params = params_of(config)
    keys = jax.random.split(jax.random.key(0), 3)
    weights = np.random.default_rng(2).normal(size=(3, 8, 64))

    def total(params: Any) -> Any:
        outputs = reconstruct(config, DECODER, params, patches(), COUNTS, KEEP, keys)  # type: ignore[arg-type]
        return (outputs["predictions"] * weights).sum()

    grads = jax.jit(jax.grad(total))(params)
    for path, gradient in jax.tree_util.tree_leaves_with_path(grads):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        assert (np.abs(gradient).max() > 0) == (name != "decoder/positions"), name


def test_dropout_follows_the_keys(tiny_encoder: Make) -> None:
    config = tiny_encoder(max_patches=8, dropout=0.3)
    params = params_of(config)
    keys = jax.random.split(jax.random.key(0), 3)
    first, again = (
        RUN(config, DECODER, params, patches(), COUNTS, KEEP, k)["predictions"]
        for k in (keys, keys[::-1])
    )
    assert np.abs(first[0] - again[0]).max() > 1e-3
    np.testing.assert_allclose(first[1], again[1], atol=1e-5)


def test_pixels_are_by_row_column_and_channel(tiny_encoder: Make) -> None:
    grey = patches()
    plain = pixels(tiny_encoder(), jnp.asarray(grey))
    np.testing.assert_allclose(plain, grey.reshape(3, 8, 64) / 255, atol=1e-7)
    colour = np.random.default_rng(0).integers(0, 256, (3, 8, 3, 8, 8), np.uint8)
    config = tiny_encoder(channels=3, paper_is_one=True)
    found = np.asarray(pixels(config, jnp.asarray(colour))).reshape(3, 8, 8, 8, 3)
    assert found[1, 2, 3, 4, 2] == pytest.approx(1 - colour[1, 2, 2, 3, 4] / 255, abs=1e-6)
    repeated = np.asarray(pixels(config, jnp.asarray(grey))).reshape(3, 8, 8, 8, 3)
    np.testing.assert_allclose(repeated, 1 - np.repeat(grey[..., None], 3, -1) / 255, atol=1e-6)


def test_a_decoder_is_stored_beside_its_model(tmp_path: Path, tiny_encoder: Make) -> None:
    config = tiny_encoder()
    assert load_decoder(tmp_path, config) is None
    params = init_decoder_params(config, DECODER, 0)
    shapes = jax.tree.map(lambda x: (x.shape, x.dtype), params)
    expected = jax.tree.map(lambda x: (x.shape, x.dtype), decoder_param_shapes(config, DECODER))
    assert shapes == expected
    save_decoder(tmp_path, DECODER, params)
    loaded = load_decoder(tmp_path, config)
    assert loaded and loaded[0] == DECODER
    assert all(map(np.array_equal, jax.tree.leaves(loaded[1]), jax.tree.leaves(params)))
    with pytest.raises(ValueError, match=r"decoder.safetensors is of another architecture"):
        load_decoder(tmp_path, tiny_encoder(max_patches=16))


@pytest.mark.parametrize(("width", "heads"), [(18, 2), (16, 3)])
def test_impossible_decoders_are_refused(width: int, heads: int) -> None:
    with pytest.raises(ValueError, match=f"decoder.width {width} is not divisible"):
        DecoderConfig(width=width, depth=1, heads=heads, mlp_width=8, from_embedding=False)
