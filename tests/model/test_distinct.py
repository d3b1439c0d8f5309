"""Rows computed once each, against the plain function."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model.distinct import distinct, once_each

RNG = np.random.default_rng(0)
PARAMS = {"w": RNG.normal(size=(4, 3)).astype(np.float32), "unused": np.zeros(2, np.float32)}
ROWS = RNG.normal(size=(5, 4)).astype(np.float32)[[0, 1, 0, 2, 0, 1, 3, 4, 4, 0]]


def function(params: Any, rows: jax.Array) -> jax.Array:
    return jnp.tanh(rows.astype(jnp.float32) @ params["w"])


def test_numbers_lead_back_to_the_rows() -> None:
    places, group, count = jax.jit(distinct, static_argnums=1)(ROWS, 5)
    assert count == 5 == len(set(np.asarray(group)))
    np.testing.assert_array_equal(ROWS[np.asarray(places)][np.asarray(group)], ROWS)


@pytest.mark.parametrize("most", [3, 5, 9])
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_values_and_gradients_are_those_of_the_function(most: int, kind: Any) -> None:
    rows = (ROWS if kind == np.float32 else 3 * (ROWS > 0)).astype(kind)
    weight = RNG.normal(size=(10, 3)).astype(np.float32)

    def loss(params: Any, rows: jax.Array, of: Any) -> jax.Array:
        return jnp.sum(weight * of(params, rows))

    wanted = (0, 1) if kind == np.float32 else 0
    slope = jax.grad(loss, wanted)(PARAMS, rows, function)
    own = jax.jit(
        jax.grad(lambda p, r: loss(p, r, lambda *x: once_each(function, most, *x)), wanted)
    )(PARAMS, rows)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6), slope, own)
    np.testing.assert_allclose(
        once_each(function, most, PARAMS, rows), function(PARAMS, jnp.asarray(rows)), rtol=1e-5
    )


@pytest.mark.parametrize(("most", "computed"), [(4, 10), (5, 5), (8, 8)])
def test_no_more_rows_are_computed_than_there_is_room_for(most: int, computed: int) -> None:
    seen: list[int] = []

    def counted(params: Any, rows: jax.Array) -> jax.Array:
        jax.debug.callback(lambda: seen.append(len(rows)))
        return function(params, rows)

    jax.jit(lambda: once_each(counted, most, PARAMS, ROWS))().block_until_ready()
    jax.effects_barrier()
    assert seen == [computed]
