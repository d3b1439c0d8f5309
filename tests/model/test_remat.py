"""What is computed again in the backward pass: the same gradients, in less memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import ViTEncoder
from pixel_linguist.render.patches import one_text_a_row

Make = Callable[..., ViTEncoder]
NAMES = ("none", "dots", "blocks")


def params_of(encoder: ViTEncoder) -> Any:
    """Draw parameters and move them off the values at which they are drawn."""
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype("f"), encoder.init(0))


def loss(encoder: ViTEncoder, texts: int) -> Callable[[Any], jax.Array]:
    """Return a function of parameters, with dropout."""
    rng, most = np.random.default_rng(0), encoder.config.max_patches
    pixels = rng.integers(0, 256, (texts, most, 8, 8), np.uint8)
    patches = one_text_a_row(pixels, rng.integers(1, most + 1, texts, np.int32))
    keys = jax.random.split(jax.random.key(3), texts)
    return lambda params: jnp.sin(encoder.encode(params, patches, keys=keys)["embedding"]).sum()


@pytest.mark.slow
def test_gradients_are_the_same_compiled(tiny_encoder: Make) -> None:
    found = []
    for name in NAMES:
        encoder = tiny_encoder(max_patches=8, remat=name)
        found.append(jax.jit(jax.value_and_grad(loss(encoder, 4)))(params_of(encoder)))
    for other in found[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), found[0], other)


@pytest.mark.slow
def test_the_more_is_computed_again_the_less_memory_is_used(tiny_encoder: Make) -> None:
    memory = []
    for name in NAMES:
        encoder = tiny_encoder(max_patches=32, depth=6, remat=name)
        compiled = jax.jit(jax.grad(loss(encoder, 16))).lower(encoder.init(0)).compile()
        memory.append(compiled.memory_analysis().temp_size_in_bytes)  # type: ignore[union-attr]
    none, dots, blocks = memory
    assert 0 < blocks < 0.8 * dots < 0.8 * 0.8 * none
