"""Measures of how embeddings lie on the sphere (Wang and Isola 2020, arXiv 2005.10242)."""

import math

import jax
import jax.numpy as jnp


def normalise(x: jax.Array) -> jax.Array:
    """Scale float [..., D] to unit length; a zero vector stays zero, with a zero gradient."""
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(x**2, axis=-1, keepdims=True), 1e-24))


def alignment(anchors: jax.Array, positives: jax.Array) -> jax.Array:
    """Return the mean squared distance of pairs of unit vectors [B, D]; in [0, 4], 0 is best."""
    return jnp.mean(jnp.sum((anchors - positives) ** 2, axis=-1))


def uniformity(anchors: jax.Array, others: jax.Array, different: jax.Array) -> jax.Array:
    """Return log E exp(-2 |x - y|²) over pairs of unit vectors; in [-8, 0], less is better.

    Without a pair that counts it is -8.

    Args:
        anchors: float [B, D].
        others: float [N, D].
        different: bool [B, N], which pairs count.
    """
    total, number = potential(anchors @ others.T, different)
    return log_mean_potential(total.sum(), number.sum())


def potential(cosines: jax.Array, different: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return each row's sum of exp(-2 |x - y|²) over the pairs that count, and their number.

    Added up over the rows of all blocks and devices, they give the uniformity of the whole by
    `log_mean_potential`.

    Args:
        cosines: float [B, N], of unit vectors.
        different: bool [B, N], which pairs count.

    Returns:
        float [B], float [B].
    """
    weights = different.astype(cosines.dtype)
    return jnp.sum(jnp.exp(4 * cosines - 4) * weights, axis=1), weights.sum(axis=1)


def log_mean_potential(total: jax.Array, number: jax.Array) -> jax.Array:
    """Return the uniformity of float [] pairs whose potentials add up to float []."""
    return jnp.log(jnp.maximum(total / jnp.maximum(number, 1), math.exp(-8)))
