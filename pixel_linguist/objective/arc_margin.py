"""An angular margin on classes, and on captions of a frozen model: CLIP tuned for retrieval."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import gather, info_nce, same_meaning
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective

Tree = Any
# Cosines of a row's own captions above it are of the same caption.
_EQUAL = 0.9999


def with_margin(cosine: jax.Array, margin: float) -> jax.Array:
    """Return cos(angle + margin) of a cosine.

    Where the sum would pass pi it goes on from -1 with slope 1 in the cosine, so that it rises with
    it everywhere; cosines are clipped by 1e-6, where the slope is not finite.
    """
    x = jnp.clip(cosine, -1 + 1e-6, 1 - 1e-6)
    turned = x * jnp.cos(margin) - jnp.sqrt(1 - x**2) * jnp.sin(margin)
    last = -jnp.cos(margin)
    return jnp.where(x > last, turned, -1 + x - last) if margin else cosine


@dataclasses.dataclass(frozen=True)
class ArcMargin(Objective):
    """Cross-entropy of an embedding's class, and of its captions, by the angle plus a margin.

        loss_i = -log e(p_iy) / (e(p_iy) + sum_{c != y} exp(s cos(x_i, w_c)))
                 + 1/K sum_k -log e(t_ik) / (e(t_ik) + sum_j exp(s cos(x_i, t_j)))

    where e(w) = exp(s cos(angle of x_i and w, plus m)). The first line is ArcFace's: x is the
    embedding, w_c are trained proxies of C classes. In the second, a frozen model's vectors of the
    example's K captions stand in their place, and j runs over the captions of other classes of
    all devices: what is tuned stays aligned with what does not move.

    View: "anchor". Facts: "group"; with classes "label" int32 [B], -1 of an example without a
    class; with captions "captions" float32 [B, K, D], which get no gradient, as an annotator gives
    them. Examples that share a label or group, and captions equal to one of the row's own, are no
    negatives.

    Without margin and with one caption it is `InfoNCE` one way at temperature 1 / s, whose
    positives are the captions.

    Source: Schall et al. 2024 (arXiv 2409.01936), who call the second line MCArcMargin; its form is
    inferred, as their code is not public. ArcFace: Deng et al. 2019 (arXiv 1801.07698, equation 3).

    >>> ArcMargin(classes=100, captions=3)

    Attributes:
        classes: C; 0: no proxies.
        captions: K; 0: none.
        margin: m, in radians.
        scale: s.
    """

    classes: int = 0
    captions: int = 0
    margin: float = 0.2
    scale: float = 30.0

    def __post_init__(self) -> None:
        if min(self.classes, self.captions) < 0 or not self.classes + self.captions:
            raise ValueError(
                f"objective.classes is {self.classes} and objective.captions {self.captions}; one "
                "of them must be above 0"
            )
        if not 0 <= self.margin < 1.5:
            raise ValueError(f"objective.margin is {self.margin}; it must be in [0, 1.5) radians")

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("anchor",)

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the proxies [C, D] as a parameter, if there are classes."""
        if not self.classes:
            return {}, {}, {}
        return {"proxies": jax.random.normal(key, (self.classes, encoder.dimension))}, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}); metrics are accuracies among classes and captions.

        A label that is not below C makes the loss NaN, which stops training.

        Raises:
            ValueError: for a fact that is missing or of another shape.
        """
        found = encode(params["encoder"], batch.views["anchor"], key=key)
        x = normalise(found["embedding"])
        total, metrics = jnp.float32(0), {}
        if self.classes:
            label = self._fact(batch, "label", (len(x),))
            loss, right = self._of_classes(x, params["objective"]["proxies"], label)
            total, metrics["class_accuracy"] = total + loss, right
        if self.captions:
            shape = len(x), self.captions, x.shape[1]
            captions = jax.lax.stop_gradient(normalise(self._fact(batch, "captions", shape)))
            loss, right = self._of_captions(x, captions, batch)
            total, metrics["caption_accuracy"] = total + loss, right
        return total, metrics, {}, {}

    def _fact(self, batch: Batch, name: str, shape: tuple[int, ...]) -> jax.Array:
        given = batch.facts[name].shape if name in batch.facts else None
        if given != shape:
            raise ValueError(f"the fact {name!r} of a batch is of shape {given}, not {shape}")
        return batch.facts[name]

    def _of_classes(
        self, x: jax.Array, proxies: jax.Array, label: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Return the mean loss of the examples that have a class, and their accuracy."""
        cosines = x @ normalise(proxies).T
        own = jnp.arange(self.classes) == label[:, None]
        scores = self.scale * jnp.where(own, with_margin(cosines, self.margin), cosines)
        classed = label >= 0
        losses = jnp.where(classed, info_nce(scores, jnp.maximum(label, 0)), 0)
        losses = jnp.where(label < self.classes, losses, jnp.nan)
        right = classed & (cosines.argmax(axis=1) == label)
        return losses.mean(), right.sum() / jnp.maximum(classed.sum(), 1)

    def _of_captions(
        self, x: jax.Array, captions: jax.Array, batch: Batch
    ) -> tuple[jax.Array, jax.Array]:
        """Return the mean loss over captions [B, K, D], and how often the nearest is an own one."""
        group = batch.facts["group"]
        label = batch.facts.get("label", jnp.full(len(x), -1, jnp.int32))[:, None]
        ids = jnp.broadcast_to(batch.view_facts["anchor"]["text_id"][:, None], (len(x), 2))
        related = same_meaning(ids, group, gather(ids), gather(group))
        related |= (label == gather(label).T) & (label >= 0)
        pool = gather(captions)
        # A caption that several classes share is no negative either.
        equal = jnp.einsum("bkd,nld->bknl", captions, pool).max(axis=1) > _EQUAL
        negative = ~(related[:, :, None] | equal).reshape(len(x), -1)
        others = jnp.where(negative, self.scale * x @ pool.reshape(-1, x.shape[1]).T, -1e9)
        own = jnp.einsum("bd,bkd->bk", x, captions)
        rest = jax.nn.logsumexp(others, axis=1, keepdims=True)
        scores = self.scale * with_margin(own, self.margin)
        losses = jnp.logaddexp(scores, rest) - scores
        right = self.scale * own.max(axis=1) > others.max(axis=1)
        return losses.mean(), right.mean()
