"""Relations: the similarities among texts that are alike, as a teacher has them."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.objective.contrastive import gather
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective


@dataclasses.dataclass(frozen=True)
class Relations(Objective):
    """Give texts that are alike the similarities that the teacher gives them.

        loss = (1 - r(near and far)) + (1 - r(near)) + w (1 - mean of cos(x_i, y_i))

    where x is the student's embedding, y the teacher's target, and r Pearson's correlation of
    cos(x_i, x_j) with cos(y_i, y_j) over pairs. Near pairs are those within an example, a text and
    its nearest; far pairs are as many, of an example and the one behind it in the batch. Cosines
    may be shifted and scaled, so that the student need not take over where the teacher's vectors
    lie, but only which texts are more alike than others.

    Views: "anchor", "nearest_1" to "nearest_{number}". Facts: "target" float32 [B, 1 + number, D],
    as of the pair maker "with_nearest". Examples are those of all devices.

    Source: relations of a teacher as targets are of Park et al. 2019 (arXiv 1904.05068), by
    Pearson's correlation of Huang et al. 2022 (arXiv 2205.10536); nearest texts are ours.

    >>> Relations(number=3, cosine_weight=0.3)

    Attributes:
        number: nearest texts of an example.
        cosine_weight: w; with 0, a teacher may have another width.
    """

    number: int = 3
    cosine_weight: float = 0.3

    def __post_init__(self) -> None:
        if self.number < 2 or self.cosine_weight < 0:
            raise ValueError(
                f"objective.number is {self.number} and objective.cosine_weight "
                f"{self.cosine_weight}; they must be at least 2, and at least 0"
            )

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("anchor", *(f"nearest_{n}" for n in range(1, self.number + 1)))

    def loss(
        self, params: Any, state: Any, constants: Any, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Any, Any]:
        """Return (loss, metrics, {}, {}); metrics are both correlations and the mean cosine.

        Raises:
            ValueError: if targets have another width than embeddings, and `cosine_weight` is not 0.
        """
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        student = gather(normalise(jnp.stack([found[x] for x in self.views], axis=1)))
        target = gather(normalise(batch.facts["target"]))
        (near, far), (near_target, far_target) = map(self._cosines, (student, target))
        near_r = correlation(near, near_target)
        both = map(jnp.concatenate, ((near, far), (near_target, far_target)))
        r = correlation(*both)
        loss, metrics = 2 - r - near_r, {"correlation": r, "near_correlation": near_r}
        if self.cosine_weight:
            if student.shape != target.shape:
                raise ValueError(
                    f"embeddings have {student.shape[-1]} numbers and targets {target.shape[-1]}, "
                    "which have no cosine: objective.cosine_weight must be 0"
                )
            metrics["cosine"] = (student * target).sum(axis=-1).mean()
            loss += self.cosine_weight * (1 - metrics["cosine"])
        return loss, metrics, {}, {}

    def _cosines(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the cosines of near and of far pairs of unit vectors [B, 1 + number, D]."""
        pairs = itertools.combinations(range(len(self.views)), 2)
        first, second = np.array(list(pairs)).T
        near = (x[:, first] * x[:, second]).sum(axis=-1)
        far = (x[:, first] * jnp.roll(x, 1, axis=0)[:, second]).sum(axis=-1)
        return near.ravel(), far.ravel()


def correlation(x: jax.Array, y: jax.Array) -> jax.Array:
    """Return Pearson's correlation of float [N] and [N]; 0 where either is constant."""
    return (normalise(x - x.mean()) * normalise(y - y.mean())).sum()
