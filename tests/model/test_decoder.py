"""The decoder of a masked autoencoder: its shapes and its targets (see also tests/objective)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.decoder import DecoderConfig, decoder_shapes, init_decoder, target_pixels

Make = Callable[..., ViTEncoder]


@pytest.mark.parametrize("from_embedding", [False, True])
def test_parameters_have_their_shapes(tiny_encoder: Make, from_embedding: bool) -> None:
    config = tiny_encoder(channels=3).config
    decoder = DecoderConfig(16, 1, 2, 32, from_embedding)
    params = init_decoder(config, decoder, jax.random.key(0))
    shapes = jax.tree.map(lambda x: x.shape, params)
    assert shapes == jax.tree.map(lambda x: x.shape, decoder_shapes(config, decoder))
    assert shapes["pixels"]["kernel"] == (16, 3 * 64) and shapes["positions"] == (65, 16)
    assert ("mask_token" in shapes) != from_embedding


def test_target_pixels_are_by_row_column_and_channel(tiny_encoder: Make) -> None:
    rng = np.random.default_rng(0)
    grey, colour = (rng.integers(0, 256, (3, 8, 8, 8, n), np.uint8) for n in (1, 3))
    plain = target_pixels(tiny_encoder().config, jnp.asarray(grey))
    np.testing.assert_allclose(plain, grey.reshape(3, 8, 64) / 255, atol=1e-7)
    config = tiny_encoder(channels=3, paper_is_one=True).config
    found = np.asarray(target_pixels(config, jnp.asarray(colour)))
    number = (3 * 8 + 4) * 3 + 2
    assert found[1, 2, number] == pytest.approx(1 - colour[1, 2, 3, 4, 2] / 255, abs=1e-6)
    repeated = np.asarray(target_pixels(config, jnp.asarray(grey))).reshape(3, 8, 8, 8, 3)
    np.testing.assert_allclose(repeated, 1 - np.repeat(grey, 3, -1) / 255, atol=1e-6)


@pytest.mark.parametrize(("width", "heads"), [(18, 2), (16, 3)])
def test_impossible_decoders_are_refused(width: int, heads: int) -> None:
    with pytest.raises(ValueError, match="width"):
        DecoderConfig(width=width, depth=1, heads=heads, mlp_width=8)
