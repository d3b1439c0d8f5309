"""From patch features to one vector a segment or unit."""

import flax.linen as nn
import jax
import jax.numpy as jnp


def membership(numbers: jax.Array, count: int) -> jax.Array:
    """Return which patches belong to each of `count` groups: int32 [R, S] to bool [R, K, S]."""
    return numbers[:, None, :] == jnp.arange(count)[:, None]


def mean_pool(features: jax.Array, members: jax.Array) -> jax.Array:
    """Average features by group.

    Args:
        features: float [R, S, D].
        members: bool [R, K, S].

    Returns:
        float [R, K, D]; 0 for a group of no patches.
    """
    weights = members.astype(features.dtype)
    return weights @ features / jnp.maximum(weights.sum(axis=-1, keepdims=True), 1)


def max_pool(x: jax.Array) -> jax.Array:
    """Return the maximum over places: float [N, L, F] to [N, F]; one place has its gradient.

    That of `jnp.max` goes to the places that equal the maximum. Where a compiler computes x again
    and rounds it differently, none does, and the gradient is 0 / 0.
    """
    places = jnp.argmax(x, axis=1, keepdims=True)
    return jnp.take_along_axis(x, places, axis=1)[:, 0]


class AttentionPool(nn.Module):
    """Multi-head attention pooling by one learned query (MAP; Zhai et al. 2022, section 3.3)."""

    heads: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, features: jax.Array, members: jax.Array) -> jax.Array:
        """Pool float [R, S, D] under bool [R, K, S] to float [R, K, D]."""
        query = self.param("query", nn.initializers.xavier_uniform(), (1, features.shape[-1]))
        # A bias of the keys would have no effect (see `QueryKeyValue`), and Flax has all or none.
        attend = nn.MultiHeadDotProductAttention(
            num_heads=self.heads, dtype=self.dtype, use_bias=False
        )
        shape = (*members.shape[:2], features.shape[-1])
        queries = jnp.broadcast_to(query.astype(self.dtype), shape)
        return attend(queries, features, mask=members[:, None])


class VectorAttentionPool(nn.Module):
    """Attention of each dimension by itself: a softmax over patches for every channel.

        a_t = softmax_t(V tanh(W h_t + c) + d), pooled = sum_t a_t * h_t

    With V = 0 it is the mean. Source: Merkx and Frank 2019 (arXiv 1903.11393), who call it
    vectorial attention, with 128 hidden units.
    """

    dtype: jnp.dtype
    hidden: int = 128

    @nn.compact
    def __call__(self, features: jax.Array, members: jax.Array) -> jax.Array:
        """Pool float [R, S, D] under bool [R, K, S] to float [R, K, D]; no patches give 0."""
        width, orthogonal = features.shape[-1], nn.initializers.orthogonal()
        x = nn.Dense(self.hidden, kernel_init=orthogonal, dtype=self.dtype, name="hidden")(features)
        logits = nn.Dense(width, dtype=self.dtype, name="logits")(jnp.tanh(x)).astype(jnp.float32)
        logits = jnp.where(members.any(axis=1)[..., None], logits, -jnp.inf)
        # Segments of a row share the largest logit; tanh bounds the distance of the others to it.
        most = jax.lax.stop_gradient(logits.max(axis=1, keepdims=True))
        weights = jnp.exp(logits - jnp.where(jnp.isfinite(most), most, 0))
        member = members.astype(jnp.float32)
        total = member @ weights
        # Of no patches the sum is 0; divided by a tiny number, its gradient would be 0 / 0.
        total = jnp.where(total > 0, total, 1)
        return (member @ (weights * features) / total).astype(features.dtype)
