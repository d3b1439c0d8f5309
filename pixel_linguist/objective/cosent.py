"""CoSENT: cosines of scored pairs in the order of their scores."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import gather
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective


def cosent(cosines: jax.Array, scores: jax.Array, scale: float) -> jax.Array:
    """Return log(1 + sum over pairs with scores i < j of exp(scale (cosine i - cosine j))).

    Args:
        cosines: float [N].
        scores: float [N]; only their order counts.
        scale: inverse temperature; 20 in the original.

    Source: Su 2022 (kexue.fm/archives/8847), as CoSENTLoss of sentence-transformers.
    """
    differences = scale * (cosines[:, None] - cosines[None, :])
    ordered = scores[:, None] < scores[None, :]
    return jax.nn.logsumexp(jnp.append(jnp.where(ordered, differences, -1e9), 0.0))


@dataclasses.dataclass(frozen=True)
class CoSENT(Objective):
    """CoSENT over the scored pairs of all devices.

        loss = log(1 + sum over i, j with score_i < score_j of exp(scale (cos_i - cos_j)))

    where cos_i is the cosine of the embeddings of pair i. Views: "anchor", "positive". Facts:
    "score" float32 [B], of which only the order counts.

    >>> CoSENT(scale=20.0)
    """

    scale: float = 20.0

    def loss(
        self, params: Any, state: Any, constants: Any, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Any, Any]:
        """Return (loss, {}, {}, {}); the loss is that of all devices' rows on each."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        first, second = (normalise(found[view]) for view in self.views)
        cosines = gather(jnp.sum(first * second, axis=1))
        return cosent(cosines, gather(batch.facts["score"]), self.scale), {}, {}, {}
