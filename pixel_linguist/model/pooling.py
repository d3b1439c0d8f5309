"""Ways from patch features to one vector."""

import flax.linen as nn
import jax
import jax.numpy as jnp


def mean_pool(features: jax.Array, mask: jax.Array) -> jax.Array:
    """Average the features of text patches.

    Args:
        features: float [S, D].
        mask: bool [S], True where a patch is text; or [K, S], for each of several texts.

    Returns:
        float [D] or [K, D]; 0 for a text of no patches.
    """
    weights = mask.astype(features.dtype)
    return weights @ features / jnp.maximum(weights.sum(axis=-1, keepdims=True), 1)


class AttentionPool(nn.Module):
    """Multi-head attention pooling by one learned query (MAP; Zhai et al. 2022, section 3.3)."""

    heads: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, features: jax.Array, mask: jax.Array) -> jax.Array:
        """Pool float [S, D] under bool [S] to float [D]."""
        query = self.param("query", nn.initializers.xavier_uniform(), (1, features.shape[-1]))
        # A bias of the keys would have no effect (see `QueryKeyValue`), and Flax has all or none.
        attend = nn.MultiHeadDotProductAttention(
            num_heads=self.heads, dtype=self.dtype, use_bias=False
        )
        return attend(query.astype(self.dtype), features, mask=mask[None, None, :])[0]
