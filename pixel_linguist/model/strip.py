"""Several texts in one sequence of patches, each of which reads itself alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Strip(NamedTuple):
    """Where K texts stand that follow each other in S patches.

    Attributes:
        texts: bool [K, S], the patches of each; none of a text of 0 patches.
        seen: bool [F + S, F + S], what each token reads: its text, that is its patches and, with F
            = K CLS tokens in front, its CLS token. What is left at the end reads itself.
        places: int32 [S], each patch's place in its text.
    """

    texts: jax.Array
    seen: jax.Array
    places: jax.Array


def stand(count: jax.Array, length: int, front: int) -> Strip:
    """Return where texts of int32 [K] patches stand in `length`, after 0 or K CLS tokens."""
    ends = jnp.cumsum(count)
    every = jnp.arange(length)
    # What is left counts as one more text.
    owner = (every[:, None] >= ends).sum(axis=1)
    starts = jnp.concatenate([jnp.zeros(1, ends.dtype), ends])
    token_owner = jnp.concatenate([jnp.arange(front), owner])
    return Strip(
        texts=owner == jnp.arange(count.shape[0])[:, None],
        seen=token_owner[:, None] == token_owner,
        places=every - starts[owner],
    )
