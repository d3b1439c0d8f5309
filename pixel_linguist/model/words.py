"""Words from patch features: a logit for each bucket, and what of them joins the embedding."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from pixel_linguist.model.pooling import max_pool

# The logit of every bucket for a text none of whose patches are read; as in the authors' code.
NOTHING = -1000.0


class WordLogits(nn.Module):
    """How much each bucket of words is in a text: a linear map of each patch, and its maximum.

    Source: DupMAE (Xiao et al. 2022, arXiv 2211.08769; 2023, arXiv 2305.02564), section 3: the
    ordinary tokens' features by a matrix of the vocabulary, max-pooled over tokens.
    """

    buckets: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, features: jax.Array, members: jax.Array) -> jax.Array:
        """Map float [R, S, D] under bool [R, K, S] to float32 [R, K, V]."""
        logits = nn.Dense(self.buckets, dtype=self.dtype, name="buckets")(features)
        highest = [
            max_pool(jnp.where(mask[:, :, None], logits, NOTHING))
            for mask in jnp.moveaxis(members, 1, 0)
        ]
        return jnp.stack(highest, axis=1).astype(jnp.float32)


def sparsify(logits: jax.Array, most: int) -> jax.Array:
    """Return float [..., V] with all but the `most` highest set to 0 (DupMAE, section 3)."""
    if most >= logits.shape[-1]:
        return logits

    def of_one(logits: jax.Array) -> jax.Array:
        values, places = jax.lax.top_k(logits, most)
        return jnp.zeros_like(logits).at[places].set(values)

    # jnp.put_along_axis would refuse the symbolic batch of an export.
    sparse: jax.Array = jnp.vectorize(of_one, signature="(v)->(v)")(logits)
    return sparse
