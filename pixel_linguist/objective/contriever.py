"""Contriever: contrast with a queue of embeddings by a momentum encoder."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.objective.contrastive import in_blocks, info_nce, same_meaning
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective

Tree = Any


@dataclasses.dataclass(frozen=True)
class Contriever(Objective):
    """Contrast of an anchor with the teacher's embedding of its positive, and with a queue.

        loss_i = -log (e(a_i, k_i) / (e(a_i, k_i) + sum_j e(a_i, q_j))), e(x, y) = exp(x . y / t)

    where a is the embedding of the anchor, k that of the positive by the teacher, q the keys of
    earlier batches in the queue, and t the temperature. The batch's other keys are no negatives:
    they enter the queue after the update, in the place of the oldest. Then the teacher moves,
    teacher ← m teacher + (1 - m) encoder. Neither has a gradient; keys are encoded with dropout.

    The queue is empty at first and its free places are masked, where the authors fill it with
    random vectors. Keys that share a text or a group with a row are no negatives of it: a small
    corpus is in the queue several times.

    Views: "anchor", "positive". Facts: "group"; of views "text_id".

    With momentum 0 and a queue of one batch, it is one-way InfoNCE against the batch before.
    `InfoNCE` on the pair maker "crops" is the authors' in-batch alternative.

    Source: Izacard et al. 2022 (arXiv 2112.09118), section 3, after MoCo (He et al. 2020, arXiv
    1911.05722, algorithm 1). English: queue 131,072, momentum 0.9995, temperature 0.05, batches of
    2,048. A teacher's half-life is ln 2 / (1 - m) steps, 1,386 at 0.9995: short runs take less.

    >>> Contriever(queue_size=4096, momentum=0.99)

    Attributes:
        queue_size: keys in the queue, at least those of one update.
        momentum: m, in [0, 1].
        normalised: whether embeddings are scaled to length 1, so that products are cosines; the
            authors leave them as they are.
        groups: groups of an example that are kept with its key.
    """

    queue_size: int
    momentum: float = 0.9995
    temperature: float = 0.05
    normalised: bool = False
    groups: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"momentum is {self.momentum}; it must be in [0, 1]")
        if self.queue_size < 1:
            raise ValueError(f"queue_size is {self.queue_size}; it must be at least 1")

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the state: "teacher", and "queue" of "key" [Q, D], "ids", "group", "filled"."""
        size = self.queue_size
        queue = {
            "key": np.zeros((size, encoder.dimension), np.float32),
            "ids": np.zeros((size, 2), np.int32),
            "group": np.full((size, self.groups), -1, np.int32),
            "filled": np.zeros(size, np.bool_),
        }
        return {}, {"teacher": encoder_params, "queue": queue, "next": np.int32(0)}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, rows, {}); rows are keys with their texts and groups."""
        group = batch.facts["group"]
        if group.shape[1] != self.groups:
            raise ValueError(
                f"examples have {group.shape[1]} groups; objective.groups is {self.groups}"
            )
        anchor, positive = batch.select(self.views)
        own = encode(params["encoder"], anchor, key=key)["embedding"]
        keys = jax.lax.stop_gradient(encode(state["teacher"], positive, key=key)["embedding"])
        if self.normalised:
            own, keys = normalise(own), normalise(keys)
        ids = [batch.view_facts[view]["text_id"] for view in self.views]
        rows = {"key": keys, "ids": jnp.stack(ids, axis=1), "group": group}
        scored = in_blocks(lambda some: self._score(some, state["queue"]), {"anchor": own, **rows})
        metrics = {
            "accuracy": scored["correct"].mean(),
            "queue_filled": state["queue"]["filled"].mean(),
            "cosine": (normalise(own) * normalise(keys)).sum(axis=1).mean(),
        }
        return scored["loss"].mean(), metrics, rows, {}

    def _score(self, rows: Tree, queue: Tree) -> dict[str, jax.Array]:
        """Score some rows [R] against their own keys and the queue [Q]: name → [R]."""
        related = same_meaning(rows["ids"], rows["group"], queue["ids"], queue["group"])
        own = (rows["anchor"] * rows["key"]).sum(axis=1, keepdims=True)
        others = rows["anchor"] @ queue["key"].T
        others = jnp.where(queue["filled"] & ~related, others, -jnp.inf)
        scores = jnp.concatenate([own, others], axis=1) / self.temperature
        label = jnp.zeros(len(scores), jnp.int32)
        return {"loss": info_nce(scores, label), "correct": jnp.argmax(scores, axis=1) == label}

    def after_update(self, params: Tree, state: Tree, rows: Tree, totals: Tree) -> Tree:
        """Move the teacher, and put the keys of all devices in the place of the oldest.

        Raises:
            ValueError: if the queue has less room than the keys of one update.
        """
        number = len(rows["key"])
        if number > self.queue_size:
            raise ValueError(
                f"objective.queue_size is {self.queue_size}; an update brings {number} keys, and "
                "the queue must hold them"
            )
        teacher = jax.tree.map(
            lambda old, new: self.momentum * old + (1 - self.momentum) * new,
            state["teacher"],
            params["encoder"],
        )
        places = (state["next"] + jnp.arange(number)) % self.queue_size
        entries = rows | {"filled": jnp.ones(number, jnp.bool_)}
        queue = {name: state["queue"][name].at[places].set(x) for name, x in entries.items()}
        return {
            "teacher": teacher,
            "queue": queue,
            "next": (state["next"] + number) % self.queue_size,
        }
