"""Distillation: a text teacher's embeddings as targets, while the student sees perturbed pixels."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from pixel_linguist.objective.contrastive import gather
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective


@dataclasses.dataclass(frozen=True)
class Distillation(Objective):
    """Pull each embedding to its target, and each row of similarities to the teacher's.

        loss_i = 1 - cos(x_i, y_i) + w H(softmax_j(cos(y_i, y_j) / t), softmax_j(cos(x_i, y_j) / t))

    where x is the student's embedding, y the teacher's target, H the cross-entropy over the targets
    of all devices, t the temperature, w `similarity_weight`. View: "anchor". Facts: "target"
    float32 [B, D], of any length but 0.

    The second term spreads similarities over a batch as SEED does (Fang et al. 2021, arXiv
    2101.04731, section 3.2); DSE (Barkan et al. 2019, arXiv 1908.05161) gives students a teacher's
    scores of pairs instead.

    >>> Distillation(temperature=0.05, similarity_weight=1.0)

    Attributes:
        similarity_weight: of the second term; 0 leaves it out.
    """

    temperature: float = 0.05
    similarity_weight: float = 1.0

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("anchor",)

    def loss(
        self, params: Any, state: Any, constants: Any, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Any, Any]:
        """Return (loss, metrics, {}, {}); metrics are accuracy and mean cosine."""
        found = encode(params["encoder"], batch.views["anchor"], key=key)
        student, target = normalise(found["embedding"]), normalise(batch.facts["target"])
        cosine = (student * target).sum(1)
        targets = gather(target)
        spread = jax.nn.softmax(target @ targets.T / self.temperature)
        scores = student @ targets.T / self.temperature
        similarity = optax.softmax_cross_entropy(scores, spread).mean()
        number = len(student)
        labels = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
        metrics = {
            "accuracy": (jnp.argmax(scores, axis=1) == labels).mean(),
            "cosine": cosine.mean(),
        }
        return (1 - cosine).mean() + self.similarity_weight * similarity, metrics, {}, {}
