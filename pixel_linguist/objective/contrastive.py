"""InfoNCE over in-batch negatives, gathered from all devices, with optional hard negatives."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from pixel_linguist.objective.geometry import (
    alignment,
    log_mean_potential,
    normalise,
    potential,
)
from pixel_linguist.objective.protocol import AXIS, Batch, Encode, Objective

Tree = Any

# Rows that are scored against all candidates at once; more would cost memory and gain no speed.
ROWS_AT_ONCE = 256


def in_blocks(score: Callable[..., Tree], *rows: Tree) -> Tree:
    """Return `score(*rows)` computed a block of rows at a time, and again in the backward pass.

    No matrix of all rows by all candidates is ever held, which alone would grow by the square of
    the batch.

    Args:
        score: of some rows, trees of arrays [R, ...]; what it returns has a leading axis R too.
        rows: trees of arrays [B, ...].
    """
    count = jax.tree.leaves(rows)[0].shape[0]
    if count <= ROWS_AT_ONCE:
        return score(*rows)
    one = jax.checkpoint(lambda row: jax.tree.map(lambda x: x[0], score(*_stack_of_one(row))))
    return jax.lax.map(one, rows, batch_size=ROWS_AT_ONCE)


def _stack_of_one(row: Tree) -> Tree:
    return jax.tree.map(lambda x: x[None], row)


def info_nce(scores: jax.Array, labels: jax.Array) -> jax.Array:
    """Return each row's cross-entropy of picking its positive among its candidates: float [B].

    Args:
        scores: float [B, N], already divided by the temperature.
        labels: int [B], the column of each row's positive.

    Source: van den Oord et al. 2018 (arXiv 1807.03748), as used by SimCSE (arXiv 2104.08821).
    """
    return optax.softmax_cross_entropy_with_integer_labels(scores, labels)


def exclude(scores: jax.Array, labels: jax.Array, excluded: jax.Array) -> jax.Array:
    """Take candidates out of the scores [B, N] where bool [B, N] says so, the label never."""
    own = jnp.arange(scores.shape[1]) == labels[:, None]
    return jnp.where(excluded & ~own, -1e9, scores)


def same_meaning(
    ids: jax.Array, groups: jax.Array, other_ids: jax.Array, other_groups: jax.Array
) -> jax.Array:
    """Tell which pairs are known not to be negatives: a shared text, or a shared group.

    Args:
        ids: int32 [B, 2], the texts of each row's anchor and positive.
        groups: int32 [B, G]; -1 stands for no group.
        other_ids: int32 [N, 2].
        other_groups: int32 [N, G].

    Returns:
        bool [B, N].
    """
    shared_text = (ids[:, None, :, None] == other_ids[None, :, None, :]).any((2, 3))
    own = groups[:, None, :, None]
    shared_group = ((own == other_groups[None, :, None, :]) & (own >= 0)).any((2, 3))
    return shared_text | shared_group


def cap(x: jax.Array, most: float) -> jax.Array:
    """Return min(x, most) with the gradient of x, so that a parameter above it can come back."""
    return x + jax.lax.stop_gradient(jnp.minimum(x, most) - x)


@dataclasses.dataclass(frozen=True)
class InfoNCE(Objective):
    """Contrast of an anchor's positive with all other positives, and with hard negatives.

        loss_i = -log (e(a_i, p_i) / sum_j (e(a_i, p_j) + e(a_i, n_j))), e(x, y) = exp(s(x, y) / t)

    where s is the cosine of the embeddings of anchor a, positive p and hard negative n, j runs over
    the examples of all devices, and t is the temperature. Without hard negatives and if
    `symmetric`, the loss averages both directions (anchor to positives, positive to anchors).

    Views: "anchor", "positive", with hard negatives "negative". Facts: "group"; of views "text_id",
    and of "negative" also "present" bool [B], whether the example has one.

    With `symmetric` it is CLIP's loss (arXiv 2103.00020); without, SimCSE's (arXiv 2104.08821,
    equations 1 and 5) and Pixel-Linguist's (arXiv 2402.08183).

    >>> InfoNCE(temperature=0.05, symmetric=False, hard_negatives=True)

    Attributes:
        temperature: by which cosines are divided; 0.05 in SimCSE and Pixel-Linguist.
        learnable_temperature: whether it is trained from that value on, kept at 0.01 or above
            as in CLIP (section 2.5).
        symmetric: as above.
        hard_negatives: whether examples bring one.
        mask_false_negatives: whether identical texts and shared groups are kept from being
            negatives.
        within_views: whether the other rows of a row's own view are negatives too, 2 N - 2 of them
            for N examples (NT-Xent: SimCLR, arXiv 2002.05709, algorithm 1).
        view_heads: whether each view has a linear map of its own between embedding and cosine, the
            identity at first, for views of different kinds; models are saved without them.

    Raises:
        ValueError: for `within_views` with hard negatives.
    """

    temperature: float = 0.05
    learnable_temperature: bool = False
    symmetric: bool = True
    hard_negatives: bool = False
    mask_false_negatives: bool = True
    within_views: bool = False
    view_heads: bool = False

    def __post_init__(self) -> None:
        if self.within_views and self.hard_negatives:
            raise ValueError("objective.within_views needs objective.hard_negatives to be False")

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("anchor", "positive", "negative") if self.hard_negatives else ("anchor", "positive")

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the temperature's logarithm and the heads [D, D] as parameters, if there are."""
        params: dict[str, Any] = {}
        if self.learnable_temperature:
            params["log_scale"] = jnp.float32(-math.log(self.temperature))
        if self.view_heads:
            params["heads"] = {view: jnp.eye(encoder.dimension) for view in self.views}
        return params, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}); metrics are accuracy, alignment, uniformity, t."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        if self.view_heads:
            heads = params["objective"]["heads"]
            found = {view: x @ heads[view] for view, x in found.items()}
        loss, metrics = self.contrast(params, found, batch)
        return loss, metrics, {}, {}

    def contrast(
        self, params: Tree, found: dict[str, jax.Array], batch: Batch
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Return (loss, metrics) of vectors of a device's examples: view → float [B, any]."""
        scale = jnp.float32(1 / self.temperature)
        if self.learnable_temperature:
            scale = jnp.exp(cap(params["objective"]["log_scale"], math.log(100.0)))
        rows = {view: normalise(x) for view, x in found.items()}
        ids = [batch.view_facts[view]["text_id"] for view in self.views]
        rows["ids"] = jnp.stack(ids[:2], axis=1)
        rows["group"] = batch.facts["group"]
        number = len(rows["group"])
        rows["label"] = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
        # What each row is compared with: the rows of all devices.
        pool = {name: gather(x) for name, x in rows.items()}
        if self.hard_negatives:
            pool["present"] = gather(batch.view_facts["negative"]["present"])
            pool["negative_ids"] = gather(ids[2])
        scored = in_blocks(lambda block: self._score(scale, block, pool), rows)
        sums = jax.lax.psum((scored["potential"].sum(), scored["pairs"].sum()), AXIS)
        metrics = {
            "accuracy": scored["correct"].mean(),
            "alignment": alignment(rows["anchor"], rows["positive"]),
            "uniformity": log_mean_potential(*sums),
            "temperature": 1 / scale,
        }
        return scored["loss"].mean(), metrics

    def _score(self, scale: jax.Array, rows: Tree, pool: Tree) -> dict[str, jax.Array]:
        """Score some rows [R] against the whole pool [N]: name → [R]."""
        labels, anchors = rows["label"], rows["anchor"]
        related = same_meaning(rows["ids"], rows["group"], pool["ids"], pool["group"])
        excluded = related & self.mask_false_negatives
        cosines = anchors @ pool["positive"].T
        scores = exclude(scale * cosines, labels, excluded)
        if self.within_views:
            scores = self._with_own_view(scores, scale, "anchor", rows, pool, excluded)
        if self.hard_negatives:
            out = self._excluded_negatives(rows["ids"], pool)
            hard = jnp.where(out, -1e9, scale * anchors @ pool["negative"].T)
            # All positives come first, so that the labels hold with and without hard negatives.
            scores = jnp.concatenate([scores, hard], axis=1)
        loss = info_nce(scores, labels)
        if self.symmetric and not self.hard_negatives:
            backward = exclude(scale * rows["positive"] @ pool["anchor"].T, labels, excluded)
            if self.within_views:
                backward = self._with_own_view(backward, scale, "positive", rows, pool, excluded)
            loss = (loss + info_nce(backward, labels)) / 2
        total, pairs = potential(jax.lax.stop_gradient(cosines), ~related)
        return {
            "loss": loss,
            "correct": jnp.argmax(scores, axis=1) == labels,
            "potential": total,
            "pairs": pairs,
        }

    def _with_own_view(
        self,
        scores: jax.Array,
        scale: jax.Array,
        view: str,
        rows: Tree,
        pool: Tree,
        excluded: jax.Array,
    ) -> jax.Array:
        """Add the rows of the own view [N] to the candidates [R, N] of some rows: [R, 2 N]."""
        own = jnp.arange(len(pool[view])) == rows["label"][:, None]
        others = jnp.where(excluded | own, -1e9, scale * rows[view] @ pool[view].T)
        return jnp.concatenate([scores, others], axis=1)

    def _excluded_negatives(self, ids: jax.Array, pool: Tree) -> jax.Array:
        """Tell which hard negatives [N] do not count for each row: bool [R, N].

        Groups play no part here: a contradiction of the row's own premise is what is wanted.
        """
        excluded = ~pool["present"][None, :]
        if self.mask_false_negatives:
            excluded = excluded | (ids[:, :, None] == pool["negative_ids"]).any(1)
        return excluded


def mean_count(counted: jax.Array) -> jax.Array:
    """Return the number of rows that count on all devices, by the number of devices.

    The mean over devices of sums that are divided by it is the mean over all rows that count.

    Args:
        counted: bool [...], of this device.

    Returns:
        float32 []; that of one row where none counts.
    """
    return jnp.maximum(jax.lax.psum(counted.sum(), AXIS), 1) / jax.lax.psum(1, AXIS)


def gather(x: jax.Array) -> jax.Array:
    """Concatenate the rows of all devices, in the order of the global batch."""
    return jax.lax.all_gather(x, AXIS, tiled=True)
