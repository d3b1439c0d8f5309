"""Prediction of which words a text has, from what its patches say together."""

import jax
import jax.numpy as jnp


def bag_of_words_loss(logits: jax.Array, words: jax.Array) -> jax.Array:
    """Return the cross-entropy of each text's distinct words, mean over them, then over texts.

    -1/|set(X)| sum over x in set(X) of log(exp(m[x]) / sum over v of exp(m[v])), where m are the
    logits of the vocabulary, the highest over the text's patches.

    Args:
        logits: float32 [B, V].
        words: int32 [B, W], distinct, each in 0..V - 1; below 0 where there are no more. A text of
            none costs 0.

    Returns:
        float32 [].

    Source: DupMAE (Xiao et al. 2022, arXiv 2211.08769; 2023, arXiv 2305.02564), section 3, which
    sums over the set; the mean is as in the authors' code (staoxiao/RetroMAE), but that it counts a
    word again in the divisor each time it comes again.
    """
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), jnp.maximum(words, 0), axis=1)
    there = words >= 0
    texts = -jnp.where(there, chosen, 0).sum(axis=1) / jnp.maximum(there.sum(axis=1), 1)
    return texts.mean()
