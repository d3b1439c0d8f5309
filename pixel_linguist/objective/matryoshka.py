"""Matryoshka representation learning: prefixes of the embedding are trained to serve alone."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.cosent import CoSENT
from pixel_linguist.objective.protocol import Batch, Encode, Objective, View


@dataclasses.dataclass(frozen=True)
class Matryoshka(Objective):
    """The weighted mean of another objective's loss over prefixes of the embeddings.

        loss = sum_d c_d loss(x_1..d, y_1..d, ...) / sum_d c_d

    where x, y, ... are the embeddings of the views, d runs over `prefixes`, each of which the
    objective scales to length 1 by itself, and c_d are the `weights`. Texts are encoded once.
    Views, facts and parameters are those of the objective. With the whole dimension as the only
    prefix it is the objective. Vectors are cut by `SentenceEncoder.encode(truncate_dim=d)`.

    Source: Kusupati et al. 2022 (arXiv 2205.13147, equation 1, with equal weights).

    >>> Matryoshka(InfoNCE(), prefixes=(64, 128, 256))

    Attributes:
        objective: that is trained: InfoNCE or CoSENT.
        prefixes: d, from 1 to the encoder's dimension, which is one of them.
        weights: c, above 0, one a prefix; (): all are 1.
    """

    objective: Objective
    prefixes: tuple[int, ...] = (64, 128, 256)
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        # Others compare embeddings with vectors of one length: a teacher's, or those of a queue.
        if not isinstance(self.objective, InfoNCE | CoSENT):
            kind = type(self.objective).__name__
            raise ValueError(f"matryoshka trains prefixes for info_nce and cosent, not for {kind}")
        if not self.prefixes or min(self.prefixes) < 1:
            raise ValueError(f"prefixes are {self.prefixes}; they must be at least 1")
        if self.weights and (len(self.weights) != len(self.prefixes) or min(self.weights) <= 0):
            raise ValueError(f"weights are {self.weights}; each prefix needs one above 0")

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return self.objective.views

    def init(self, key: Any, encoder: Any, encoder_params: Any, annotations: Any) -> Any:
        """Return the parameters, state and constants of the objective.

        Raises:
            ValueError: the longest prefix is not the encoder's dimension.
        """
        if max(self.prefixes) != encoder.dimension:
            raise ValueError(
                f"the longest of the prefixes {self.prefixes} must be the encoder's dimension, "
                f"{encoder.dimension}, or the other numbers are not trained"
            )
        return self.objective.init(key, encoder, encoder_params, annotations)

    def loss(
        self, params: Any, state: Any, constants: Any, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Any, Any]:
        """Return (loss, metrics, {}, {}); metrics are the objective's, and each prefix's loss."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        weights = self.weights or (1.0,) * len(self.prefixes)
        loss, metrics = jnp.float32(0), {}
        for width, weight in sorted(zip(self.prefixes, weights, strict=True)):
            given: Any = _Given({view: x[:, :width] for view, x in found.items()})
            own, whole, *_ = self.objective.loss(params, state, constants, batch, given, key)
            loss += weight / sum(weights) * own
            metrics[f"loss_{width}"] = own
        return loss, metrics | whole, {}, {}


class _Given:
    """Gives embeddings, view → float32 [B, d], that were computed before."""

    def __init__(self, found: dict[str, jax.Array]):
        self._found = found

    def many(self, params: Any, views: Sequence[View], *, key: Any) -> dict[str, jax.Array]:
        """Return them."""
        return {view.name: self._found[view.name] for view in views}
