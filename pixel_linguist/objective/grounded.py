"""Visually grounded sentences: a margin between the picture of a caption and all other pictures."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import gather, in_blocks, same_meaning
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective

Tree = Any


@dataclasses.dataclass(frozen=True)
class Grounded(Objective):
    """A hinge that ranks each pair of picture and caption before all pairs of the batch.

        loss = 1 / N² sum_{i != j} max(0, m + s_ij - s_ii) + max(0, m + s_ji - s_ii)

    where s_ij is the cosine of picture i and caption j, m the margin, and i and j run over the N
    examples of all devices. Pairs that share a group or a caption do not count: other captions of
    the same picture.

    Views: "positive", the caption, and "anchor", the picture, which the same encoder reads. With
    `features` the picture is a vector that a frozen network gave, the fact "features" float32
    [B, F], under a linear map that is trained with the encoder and not part of a saved model.
    Facts: "group"; of views "text_id".

    All negatives inside the margin weigh the same, and those beyond it nothing; `InfoNCE` with
    `symmetric` weighs them by a softmax instead, which never reaches 0.

    Source: Merkx and Frank 2019 (arXiv 1903.11393), and their code: m 0.2, all negatives of the
    batch, a mean over N² entries.

    >>> Grounded(margin=0.2)

    Attributes:
        margin: m, in cosines.
        features: F; 0: the picture is a view.
    """

    margin: float = 0.2
    features: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.margin <= 2 or self.features < 0:
            raise ValueError(
                f"objective.margin is {self.margin} and objective.features {self.features}; the "
                "margin is of cosines, above 0 and at most 2, and features are 0 or more"
            )

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("positive",) if self.features else ("anchor", "positive")

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the map of features, "kernel" [F, D] and "bias" [D], if there are any."""
        if not self.features:
            return {}, {}, {}
        shape = self.features, encoder.dimension
        kernel = jax.nn.initializers.xavier_uniform()(key, shape)
        return {"kernel": kernel, "bias": jnp.zeros(encoder.dimension)}, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}).

        Metrics are accuracy (of picking the caption), the mean cosine of pairs, and violations, the
        share of the hinges that are above 0.

        Raises:
            ValueError: for features that are missing, or of another length.
        """
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        if self.features:
            found["anchor"] = self._mapped(params["objective"], batch.facts)
        number = len(found["positive"])
        ids = [batch.view_facts[view]["text_id"] for view in (self.views[0], "positive")]
        rows = {
            "picture": normalise(found["anchor"]),
            "caption": normalise(found["positive"]),
            "ids": jnp.stack(ids, axis=1),
            "group": batch.facts["group"],
            "label": jnp.arange(number) + jax.lax.axis_index(AXIS) * number,
        }
        pool = {name: gather(x) for name, x in rows.items()}
        scored = in_blocks(lambda some: self._score(some, pool), rows)
        return scored.pop("loss").mean(), {name: x.mean() for name, x in scored.items()}, {}, {}

    def _mapped(self, own: Tree, facts: Any) -> jax.Array:
        given = facts["features"].shape[1:] if "features" in facts else None
        if given != (self.features,):
            raise ValueError(
                f"the fact 'features' of an example is of shape {given}; objective.features is "
                f"{self.features}"
            )
        mapped: jax.Array = facts["features"] @ own["kernel"] + own["bias"]
        return mapped

    def _score(self, rows: Tree, pool: Tree) -> dict[str, jax.Array]:
        """Score some rows [R] against the whole pool [N]: name → [R]."""
        related = same_meaning(rows["ids"], rows["group"], pool["ids"], pool["group"])
        counts = ~related & (jnp.arange(related.shape[1]) != rows["label"][:, None])
        own = (rows["picture"] * rows["caption"]).sum(axis=1, keepdims=True)
        to_captions = rows["picture"] @ pool["caption"].T
        to_pictures = rows["caption"] @ pool["picture"].T
        hinges = [
            jnp.where(counts, jax.nn.relu(self.margin + s - own), 0)
            for s in (to_captions, to_pictures)
        ]
        best = jnp.where(counts, to_captions, -jnp.inf).max(axis=1)
        return {
            "loss": (hinges[0] + hinges[1]).mean(axis=1),
            "accuracy": own[:, 0] > best,
            "cosine": own[:, 0],
            "violations": (jnp.stack(hinges) > 0).mean(axis=(0, 2)),
        }
