"""SESA: contrast in a space of named dimensions, which explain each score."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.protocol import Batch, Encode

Tree = Any
# So that few concepts are active at first: cosines of codes that are all 0.5 would be 1.
_BIAS = -3.0
_BAR = 30


def name_loss(logits: jax.Array, concepts: jax.Array) -> jax.Array:
    """Return the cross-entropy of each text's concepts, float [B]; 0 for a text without any.

    Those that a text has and those that it lacks weigh half each, whatever their number.

    Args:
        logits: float [B, K].
        concepts: int32 [B, M], numbers of the concepts, -1 where there are no more.
    """
    numbers = jnp.arange(logits.shape[1])
    has = (concepts[:, :, None] == numbers).any(axis=1)
    count, known = has.sum(axis=1), concepts.max(axis=1) >= 0
    there = jnp.where(has, jax.nn.softplus(-logits), 0).sum(axis=1) / jnp.maximum(count, 1)
    lacking = jnp.maximum(logits.shape[1] - count, 1)
    absent = jnp.where(has, 0, jax.nn.softplus(logits)).sum(axis=1) / lacking
    return jnp.where(known, (there + absent) / 2, 0)


@dataclasses.dataclass(frozen=True)
class ExplicitContrast(InfoNCE):
    """InfoNCE of codes, each dimension of which is a concept with a name.

        e(x) = sigmoid(W h(x) + b) in [0, 1]^K
        s(x, y) = sum_k w_k e_k(x) e_k(y) / (|e(x)|_w |e(y)|_w)
        loss = InfoNCE with s in place of the cosine + name_weight * `name_loss` of both views

    where h is the embedding and w > 0. The terms of s say which concepts made it (`explain`).
    Without the second part nothing holds a dimension to its name. With `latent=True` e is W h, w is
    1 and the name_weight 0: InfoNCE in a space of the same width that means nothing.

    Views: as InfoNCE, without hard negatives. Facts: as InfoNCE, and "concepts" int32 [B, M] of
    both texts, -1 where there are no more.

    Source: supervised explicit semantic analysis (Bogdanova and Yazdani 2017, arXiv 1708.03246),
    whose equations were not at hand: this form is inferred from its parts (encoder, projector,
    scorer, names). A patent application of that title exists (US 2019/0095788).

    >>> ExplicitContrast(concepts=136, name_weight=1.0)

    Attributes:
        concepts: K.
        name_weight: of the names' loss.
        latent: as above.
    """

    concepts: int = 0
    name_weight: float = 1.0
    latent: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.concepts < 2 or self.hard_negatives or self.view_heads:
            raise ValueError(
                f"objective.concepts is {self.concepts}; it must be at least 2, without "
                "objective.hard_negatives and objective.view_heads"
            )

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return "kernel" [D, K] and, of named dimensions, "bias" [K] and "weight" [K]."""
        params, state, constants = super().init(key, encoder, encoder_params, annotations)
        draw = jax.nn.initializers.orthogonal()
        params["kernel"] = draw(key, (encoder.dimension, self.concepts))
        if not self.latent:
            params["bias"] = jnp.full(self.concepts, _BIAS)
            params["weight"] = jnp.zeros(self.concepts)
        return params, state, constants

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics of InfoNCE and "names", {}, {})."""
        own = params["objective"]
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        logits = {view: x @ own["kernel"] for view, x in found.items()}
        if self.latent:
            loss, metrics = self.contrast(params, logits, batch)
            return loss, metrics, {}, {}
        logits = {view: x + own["bias"] for view, x in logits.items()}
        root = jax.nn.softplus(own["weight"]) ** 0.5
        codes = {view: root * jax.nn.sigmoid(x) for view, x in logits.items()}
        loss, metrics = self.contrast(params, codes, batch)
        known = batch.facts["concepts"]
        names = jnp.stack([name_loss(x, known).mean() for x in logits.values()]).mean()
        return loss + self.name_weight * names, {**metrics, "names": names}, {}, {}


def codes(own: Tree, embeddings: Any) -> np.ndarray:
    """Return the codes e, float [N, K] in [0, 1], of embeddings [N, D], by trained parameters."""
    logits = np.asarray(embeddings) @ np.asarray(own["kernel"]) + np.asarray(own["bias"])
    return np.asarray(1 / (1 + np.exp(-logits)))


def terms(own: Tree, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return what each concept gives to the score of two codes [K]: float [K], of sum s.

    Codes without a concept in common, or without any, have the score 0.
    """
    weight = np.log1p(np.exp(np.asarray(own["weight"], float)))
    size = np.sqrt((weight * first**2).sum() * (weight * second**2).sum())
    return np.asarray(weight * first * second / max(float(size), 1e-12))


def explain(
    own: Tree, first: np.ndarray, second: np.ndarray, names: Sequence[str], most: int = 5
) -> str:
    """Return the score of two codes and the concepts that made it, a bar each.

    Args:
        own: the objective's parameters.
        first: the code of a text, float [K].
        second: that of the other one.
        names: of the K dimensions.
        most: concepts that are shown.

    Raises:
        ValueError: for a dimension without a name.
    """
    parts = terms(own, first, second)
    if len(names) != len(parts):
        raise ValueError(f"{len(names)} names for {len(parts)} dimensions: each needs one")
    top = np.argsort(-parts)[:most].tolist()
    lines = [f"{parts[k]:.3f} {'█' * round(_BAR * parts[k]):{_BAR}} {names[k]}" for k in top]
    return "\n".join([f"{parts.sum():.3f} score", *lines])
