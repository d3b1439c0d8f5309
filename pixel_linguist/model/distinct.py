"""A function of rows, computed once for each distinct row."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Rows = Callable[[Any, jax.Array], jax.Array]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def once_each(function: Rows, most: int, params: Any, rows: jax.Array) -> jax.Array:
    """Return function(params, rows), which has a row of its own for each row.

    Where no more than `most` rows are distinct, only these are computed: the words of a batch
    repeat, and its padding is one row. Rows keep gradients of their own, also equal ones.

    Args:
        function: maps parameters and [N, D'] to [N, D], each row by itself.
        most: rows for which there is room, at least 1.
        params: a tree of arrays.
        rows: float32, [N, D'].
    """
    found, group, count = distinct(rows, most)
    return jax.lax.cond(
        count <= most,
        lambda: function(params, rows[found])[group],
        lambda: function(params, rows),
    )


def _forward(function: Rows, most: int, params: Any, rows: jax.Array) -> Any:
    outputs, pull = jax.vjp(lambda x: once_each.fun(function, most, x, rows), params)
    return outputs, (pull, params, rows)


def _backward(function: Rows, most: int, kept: Any, cotangents: jax.Array) -> Any:
    pull, params, rows = kept
    # A compiler leaves this out where nobody asks for gradients of rows.
    return *pull(cotangents), *jax.vjp(lambda x: function(params, x), rows)[1](cotangents)


once_each.defvjp(_forward, _backward)


def distinct(rows: jax.Array, most: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return one place of each distinct row, int32 [most], each row's number among them, and how
    many there are.

    Rows are sorted by a hash and compared with their neighbours, so that equal hashes of distinct
    rows may only tell equal rows apart. With more than `most`, places and numbers are of no use.
    """
    bits = jax.lax.bitcast_convert_type(rows, jnp.uint32)
    weights = np.random.default_rng(0).integers(2**32, size=rows.shape[1], dtype=np.uint32) | 1
    order = jnp.argsort((bits * weights).sum(axis=1))
    ordered = rows[order]
    first = jnp.pad((ordered[1:] != ordered[:-1]).any(axis=1), (1, 0), constant_values=True)
    number = jnp.cumsum(first) - 1
    group = jnp.zeros(len(rows), number.dtype).at[order].set(number)
    return order[jnp.nonzero(first, size=most, fill_value=0)[0]], group, number[-1] + 1
