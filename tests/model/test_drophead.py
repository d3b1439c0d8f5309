"""Whole heads of attention are dropped by row, one at least is kept, and the rest are scaled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model.vit import DropHeads
from tests.train.tiny import encoder


@pytest.mark.parametrize("rate", [0.2, 0.9])
def test_heads_are_dropped_whole_and_the_rest_scaled(rate: float) -> None:
    rows, heads = 2000, 3
    keys = jax.random.split(jax.random.key(0), rows)
    x = jnp.ones((rows, heads, 2, 2))
    found = DropHeads(rate).apply({}, x, keys, rngs={"dropout": jax.random.key(1)})
    per_head = np.asarray(found)[:, :, 0, 0]
    assert np.array_equal(np.asarray(found), np.broadcast_to(per_head[..., None, None], x.shape))
    kept = (per_head > 0).sum(axis=1)
    np.testing.assert_allclose(per_head.sum(axis=1), heads, rtol=1e-6)
    # Where all are drawn, one stays.
    none = rate**heads
    assert kept.min() == 1
    assert kept.mean() == pytest.approx(heads * (1 - rate) + none, abs=0.06)


def test_inference_drops_none_and_the_rate_is_checked() -> None:
    x = jnp.ones((2, 3, 2, 2))
    assert DropHeads(0.5).apply({}, x, None) is x
    with pytest.raises(ValueError, match="drophead"):
        encoder(drophead=1.0)
