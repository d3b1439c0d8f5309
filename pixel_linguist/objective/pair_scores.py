"""Distilled Sentence Embedding: a teacher reads pairs in one sequence, its student each text."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective

Tree = Any
# Rows of pairs that a head scores at once.
_ROWS = 16


@dataclasses.dataclass(frozen=True)
class JoinedScore(Objective):
    """The teacher: its score of a pair is the first number of the embedding of both texts as one.

        loss = mean over i of (h(a_i ¶ b_i)_1 - score_i)^2

    The encoder's own last layer is thereby the head: a teacher is saved, loaded and asked as any
    model is. View: "anchor", the joined text. Fact: "score" float32 [B].

    Source: Barkan et al. 2020 (arXiv 1908.05161), whose teacher is BERT-large with a linear head.

    >>> JoinedScore()
    """

    @property
    def views(self) -> tuple[str, ...]:
        """The joined texts."""
        return ("anchor",)

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, {}, {}, {})."""
        found = encode(params["encoder"], batch.views["anchor"], key=key)["embedding"]
        return jnp.mean((found[:, 0] - batch.facts["score"]) ** 2), {}, {}, {}


@dataclasses.dataclass(frozen=True)
class PairDistillation(Objective):
    """The student: labels and a teacher's scores of pairs, of which each text is read by itself.

        loss = mean over i of (1 - w) l_i (y_i - score_i)^2 + w (y_i - target_i)^2
        concat:  y = W2 relu(W1 [u, v, u * v, |u - v|] + b1) + b2
        cosine:  y = a cos(u, v) + b

    where u and v are the embeddings, l_i whether the pair is labelled, w `teacher_weight`. With
    w = 0 it is regression of the labels; with w = 1 labels do not count. Scores of N x M pairs take
    N + M embeddings (`scores`). The head "cosine" leaves cosines that mean something to a model
    saved without head; with "concat" the score is the head's, and depends on the order.

    Views: "anchor", "positive". Facts: "score" and "target" float32 [B], "labelled" bool [B].

    Source: Barkan et al. 2020 (arXiv 1908.05161) and its code: 512 hidden, w 0.5, means of the last
    four layers, of which this takes what the encoder gives.

    >>> PairDistillation(head="concat", teacher_weight=0.5)

    Attributes:
        head: "concat" or "cosine".
        teacher_weight: w, in [0, 1].
        hidden: outputs of W1.
    """

    head: str = "concat"
    teacher_weight: float = 0.5
    hidden: int = 512

    def __post_init__(self) -> None:
        if self.head not in ("concat", "cosine") or not 0 <= self.teacher_weight <= 1:
            raise ValueError(
                f"objective.head is {self.head!r} and objective.teacher_weight "
                f"{self.teacher_weight}; 'concat' or 'cosine', and 0 to 1 are needed"
            )

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the head's parameters."""
        if self.head == "cosine":
            return {"scale": jnp.float32(1), "bias": jnp.float32(0)}, {}, {}
        first, second = jax.random.split(key)
        draw = jax.nn.initializers.lecun_normal()
        params = {
            "kernel": draw(first, (4 * encoder.dimension, self.hidden)),
            "hidden_bias": jnp.zeros(self.hidden),
            "out": draw(second, (self.hidden, 1)),
            "bias": jnp.float32(0),
        }
        return params, {}, {}

    def paired(self, own: Tree, u: jax.Array, v: jax.Array) -> jax.Array:
        """Return the scores [...] of embeddings u and v, float [..., D]."""
        if self.head == "cosine":
            cosine: jax.Array = (normalise(u) * normalise(v)).sum(-1)
            return own["scale"] * cosine + own["bias"]
        joined = jnp.concatenate([u, v, u * v, abs(u - v)], axis=-1)
        hidden = jax.nn.relu(joined @ own["kernel"] + own["hidden_bias"])
        return (hidden @ own["out"])[..., 0] + own["bias"]

    def scores(self, own: Tree, u: jax.Array, v: jax.Array) -> jax.Array:
        """Return the scores float32 [N, M] of all pairs of embeddings [N, D] and [M, D].

        Args:
            own: the objective's parameters.
            u: of the first texts.
            v: of the second texts.
        """

        def row(x: jax.Array) -> jax.Array:
            return self.paired(own, jnp.broadcast_to(x, v.shape), v)

        return jax.lax.map(row, u, batch_size=_ROWS)

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, {"from_labels", "from_teacher"} (squared errors), {}, {})."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        scored = self.paired(params["objective"], found["anchor"], found["positive"])
        facts = batch.facts
        labels = jnp.where(facts["labelled"], (scored - facts["score"]) ** 2, 0).mean()
        teacher = ((scored - facts["target"]) ** 2).mean()
        loss = (1 - self.teacher_weight) * labels + self.teacher_weight * teacher
        return loss, {"from_labels": labels, "from_teacher": teacher}, {}, {}
