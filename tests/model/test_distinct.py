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
    return jnp.tanh(rows @ params["w"])


def test_numbers_lead_back_to_the_rows() -> None:
    places, group, count = jax.jit(distinct, static_argnums=1)(ROWS, 5)
    assert count == 5 == len(set(np.asarray(group)))
    np.testing.assert_array_equal(ROWS[np.asarray(places)][np.asarray(group)], ROWS)


@pytest.mark.parametrize("most", [3, 5, 9])
def test_values_and_gradients_are_those_of_the_function(most: int) -> None:
    weight = RNG.normal(size=(10, 3)).astype(np.float32)

    def once(params: Any, rows: jax.Array) -> jax.Array:
        return once_each(function, most, params, rows)

    def slopes(of: Any) -> Any:
        return jax.jit(jax.grad(lambda p, r: jnp.sum(weight * of(p, r)), (0, 1)))(PARAMS, ROWS)

    def same(a: Any, b: Any) -> None:
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)

    jax.tree.map(same, slopes(once), slopes(function))
    same(once(PARAMS, jnp.asarray(ROWS)), function(PARAMS, jnp.asarray(ROWS)))


@pytest.mark.parametrize(("most", "computed"), [(4, 10), (5, 5), (8, 8)])
def test_no_more_rows_are_computed_than_there_is_room_for(most: int, computed: int) -> None:
    seen: list[int] = []

    def counted(params: Any, rows: jax.Array) -> jax.Array:
        jax.debug.callback(lambda: seen.append(len(rows)))
        return function(params, rows)

    jax.jit(lambda: once_each(counted, most, PARAMS, ROWS))().block_until_ready()
    jax.effects_barrier()
    assert seen == [computed]
