"""CoSENT: cosines of graded pairs are to be in the order of their scores."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.geometry import normalise


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
class CoSENT:
    """CoSENT over the pairs of all devices.

    Attributes:
        scale: by which cosines are multiplied.
        axis: name of the mapped device axis.
    """

    scale: float
    axis: str

    @property
    def views(self) -> tuple[str, ...]:
        """The texts of an example that are encoded."""
        return ("anchor", "positive")

    def init(self) -> tuple[Any, Any]:
        """Return (parameters, state); both are empty."""
        return {}, {}

    def __call__(
        self, params: Any, outputs: Any, batch: Any, state: Any, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], Any]:
        """Return (loss, metrics, state); the loss is that of all devices' rows on each.

        Args:
            params: not used.
            outputs: view → {"embedding": float32 [B, D]}.
            batch: "score" float32 [B].
            state: returned as it came.
            key: not used.
        """
        first, second = (normalise(outputs[view]["embedding"]) for view in self.views)
        cosines = jax.lax.all_gather(jnp.sum(first * second, axis=1), self.axis, tiled=True)
        scores = jax.lax.all_gather(batch["score"], self.axis, tiled=True)
        return cosent(cosines, scores, self.scale), {}, state
