"""Distillation: a text teacher's embeddings as targets, while the student sees perturbed pixels."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from pixel_linguist.objective.geometry import normalise


@dataclasses.dataclass(frozen=True)
class Distillation:
    """Pull each embedding to its target, and each row of similarities to the teacher's.

    The loss is (1 - cosine of embedding and target), plus `similarity_weight` times the
    cross-entropy between how the teacher and how the student spread one text over the targets of
    all devices: softmax over targets of their cosines with the text's target, and with its
    embedding, divided by the temperature. Sources: DSE (arXiv 2305.04854) gives students a
    teacher's scores of pairs; Tian et al. 2022, "SimReg"/"SEED" (arXiv 2101.04731) spread
    similarities over a batch.

    Attributes:
        temperature: by which cosines are divided in the softmax.
        similarity_weight: of the second term; 0 leaves it out.
        axis: name of the mapped device axis.
    """

    temperature: float
    similarity_weight: float
    axis: str

    views = ("anchor",)

    def init(self) -> tuple[Any, Any]:
        """Return (parameters, state), both empty."""
        return {}, {}

    def __call__(
        self, params: Any, outputs: Any, batch: Any, state: Any, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], Any]:
        """Return (loss, metrics, state) of this device's rows.

        Args:
            params: not used.
            outputs: "anchor" → {"embedding": float32 [B, D]}.
            batch: "target" float32 [B, D], of any length but 0.
            state: returned as it came.
            key: not used.
        """
        student = normalise(outputs["anchor"]["embedding"])
        target = normalise(batch["target"])
        cosine = (student * target).sum(1)
        targets = jax.lax.all_gather(target, self.axis, tiled=True)
        spread = jax.nn.softmax(target @ targets.T / self.temperature)
        scores = student @ targets.T / self.temperature
        similarity = optax.softmax_cross_entropy(scores, spread).mean()
        number = len(student)
        labels = jnp.arange(number) + jax.lax.axis_index(self.axis) * number
        metrics = {
            "accuracy": (jnp.argmax(scores, axis=1) == labels).mean(),
            "cosine": cosine.mean(),
        }
        return (1 - cosine).mean() + self.similarity_weight * similarity, metrics, state
