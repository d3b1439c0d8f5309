"""B-PROP: of two sets of words, the one that represents a document better is to be nearer to it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.objective.contrastive import InfoNCE, mean_count
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective


@dataclasses.dataclass(frozen=True)
class Preference(Objective):
    """Representative words prediction (ROP), beside the contrast of two spans of a document.

        loss_i = weight * 2 sigmoid((s(d_i, n_i) - s(d_i, p_i)) / t) + contrast * c_i
        c_i = -log (exp(s(d_i, o_i) / t) / sum_j exp(s(d_i, o_j) / t))

    where s is the cosine of the embeddings of document d, the better set p, the other set n and
    another span o of the document, j runs over the examples of all devices without others of the
    row's groups, and t is the temperature. The first term is a hinge of margin 1 on the softmax of
    the two scores, as PROP has it; it is 1 at a tie. A set is compared with that of its own
    document alone: the other one is no irrelevant text.

    Views: "anchor"; with `weight` "positive", "negative"; with `contrast` "span". Facts: "group";
    of views "text_id", and of "negative" "present". An example without a second set costs nothing.

    With `weight` 0 it is `InfoNCE` in one direction. The contrast is ours; the authors score pairs
    by a cross-encoder beside masked language modelling, for which a stage of `masked_autoencoder`
    before this one stands here.

    Source: PROP (Ma et al. 2021, arXiv 2010.10137), B-PROP (Ma et al. 2021, arXiv 2104.09791), and
    their code.

    >>> Preference(temperature=0.05, weight=1.0, contrast=1.0)

    Attributes:
        temperature: t.
        weight: of ROP.
        contrast: weight of the contrast of spans.
    """

    temperature: float = 0.05
    weight: float = 1.0
    contrast: float = 1.0

    def __post_init__(self) -> None:
        if min(self.weight, self.contrast) < 0 or not self.views[1:]:
            raise ValueError(
                f"objective.weight is {self.weight} and objective.contrast {self.contrast}; they "
                "must be 0 or more, and not both 0"
            )

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        sets = ("positive", "negative") if self.weight else ()
        return ("anchor", *sets, *(("span",) if self.contrast else ()))

    def loss(
        self, params: Any, state: Any, constants: Any, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Any, Any]:
        """Return (loss, metrics, {}, {}); metrics are the share of right preferences, accuracy."""
        found = encode.many(params["encoder"], batch.select(self.views), key=key)
        unit = {view: normalise(x) for view, x in found.items()}
        loss = jnp.float32(0)
        metrics: dict[str, jax.Array] = {}
        if self.weight:
            better, worse = ((unit["anchor"] * unit[v]).sum(1) for v in ("positive", "negative"))
            there = batch.view_facts["negative"]["present"]
            number = mean_count(there)
            each = 2 * jax.nn.sigmoid((worse - better) / self.temperature)
            rank = jnp.where(there, each, 0).sum() / number
            loss += self.weight * rank
            metrics |= {"rank_loss": rank, "preferred": (there & (better > worse)).sum() / number}
        if self.contrast:
            # The span is the positive of plain contrast.
            facts = {"anchor": batch.view_facts["anchor"], "positive": batch.view_facts["span"]}
            spans = {"anchor": found["anchor"], "positive": found["span"]}
            plain = InfoNCE(self.temperature, symmetric=False)
            cost, of_spans = plain.contrast(params, spans, batch._replace(view_facts=facts))
            loss += self.contrast * cost
            metrics["accuracy"] = of_spans["accuracy"]
        return loss, metrics, {}, {}
