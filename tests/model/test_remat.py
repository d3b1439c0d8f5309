"""What is computed again in the backward pass: the same gradients, in less memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import EncoderConfig, encode, init_params

Make = Callable[..., EncoderConfig]
NAMES = ("none", "dots", "blocks")
LENGTH = 8


def params_of(config: EncoderConfig) -> Any:
    """Draw parameters and move them off the values at which they are drawn."""
    rng = np.random.default_rng(1)
    moved = init_params(config, 0)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype(np.float32), moved)


def loss(config: EncoderConfig, texts: int) -> Callable[[Any], jax.Array]:
    """Return a function of parameters, with dropout."""
    rng = np.random.default_rng(0)
    shape = (texts, config.max_patches, 8, 8)
    patches = jnp.asarray(rng.integers(0, 256, shape, np.uint8))
    count = jnp.asarray(rng.integers(1, config.max_patches + 1, texts, np.int32))
    keys = jax.random.split(jax.random.key(3), texts)
    return lambda params: jnp.sin(encode(config, params, patches, count, keys)["embedding"]).sum()


def test_gradients_are_the_same_compiled(tiny_encoder: Make) -> None:
    found = []
    for name in NAMES:
        config = tiny_encoder(max_patches=LENGTH, remat=name)
        value_and_grad = jax.jit(jax.value_and_grad(loss(config, 4)))
        found.append(value_and_grad(params_of(config)))
    for other in found[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), found[0], other)


@pytest.mark.slow
def test_gradients_are_the_same_to_the_bit(tiny_encoder: Make) -> None:
    # Operation by operation: compiled, each has its own rounding, as operations are fused.
    found = []
    for name in NAMES:
        config = tiny_encoder(max_patches=LENGTH, remat=name)
        params = jax.tree.map(jnp.asarray, params_of(config))
        with jax.disable_jit():
            found.append(jax.value_and_grad(loss(config, 2))(params))
    for other in found[1:]:
        assert all(map(np.array_equal, jax.tree.leaves(found[0]), jax.tree.leaves(other)))


@pytest.mark.slow
def test_the_more_is_computed_again_the_less_memory_is_used(tiny_encoder: Make) -> None:
    memory = []
    for name in NAMES:
        config = tiny_encoder(max_patches=32, depth=6, remat=name)
        compiled = jax.jit(jax.grad(loss(config, 16))).lower(init_params(config, 0)).compile()
        memory.append(compiled.memory_analysis().temp_size_in_bytes)  # type: ignore[union-attr]
    none, dots, blocks = memory
    assert 0 < blocks < 0.8 * dots < 0.8 * 0.8 * none


def test_an_unknown_name_is_refused(tiny_encoder: Make) -> None:
    for unknown in (True, "all"):
        with pytest.raises(ValueError, match=r"model.remat is .*; choose one of \('none', 'blo"):
            tiny_encoder(remat=unknown)
