"""Topic segmentation: tags of boundaries, relations of neighbours, and contrast of topics."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from pixel_linguist.model.encoder import Encoder
from pixel_linguist.model.pooling import membership
from pixel_linguist.model.vit import block_stack
from pixel_linguist.objective.contrastive import info_nce, mean_count
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective
from pixel_linguist.render.patches import Patches, packed

Tree = Any


class Tagger(nn.Module):
    """Sentences of documents to logits: whether each ends a topic, and its relation to the last.

    A sentence is its vector of length 1 and the products of that with its neighbours', whose sums
    are cosines. Blocks over them read the whole document.
    """

    depth: int
    heads: int
    width: int

    @nn.compact
    def __call__(self, x: jax.Array, present: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map float [B, U, D], bool [B, U] to float [B, U, 2] and [B, U, 3]."""
        x = normalise(x)
        padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0)))
        features = jnp.concatenate([x, x * padded[:, :-2], x * padded[:, 2:]], axis=-1)
        x = nn.Dense(self.width)(x.shape[-1] ** 0.5 * features)
        if self.depth:
            x += self.param("positions", nn.initializers.normal(0.02), x.shape[1:])
            blocks = block_stack(
                depth=self.depth,
                remat="none",
                heads=self.heads,
                mlp_width=2 * self.width,
                dropout=0.0,
                norm_epsilon=1e-6,
                dtype=jnp.dtype(jnp.float32),
                drophead=0.0,
            )
            x = blocks(x, present[:, None, None], None, {})[0]
        x = nn.LayerNorm()(x)
        return nn.Dense(2, name="boundary")(x), nn.Dense(3, name="relation")(x)


@dataclasses.dataclass(frozen=True)
class Coherence(Objective):
    """Boundaries of topics in a document and in a disarrayed copy of it.

        loss = tags(document) + copy_weight * tags(copy) + contrast_weight * contrast(document)
               + relation_weight * relations(copy)

    Tags and relations are means of cross-entropies over sentences: of 2 classes, whether a sentence
    ends a topic, and of 3, how it relates to the one before it. In the contrast, u_i being the
    vector of sentence i, p its positive, q its negatives,

        -log (e(u_i, u_p) / (e(u_i, u_p) + sum_q e(u_i, u_q))), e(x, y) = exp(cos(x, y) / t)

    Views: "document" and, unless both its weights are 0, "copy"; each a document of up to
    `sentences` sentences. Facts: those of the pair maker "disarrayed_topics". Sentences that did
    not fit into a row count nowhere. With the three weights 0 it is a plain tagger of boundaries.

    Source: Yu et al. 2023 (arXiv 2310.11772), TSSP and CSSL; there a Longformer reads the page, a
    sentence is what it makes of a token in front, here the mean of its patches.

    >>> Coherence(sentences=16, page=False)

    Attributes:
        sentences: U, room for those of a document.
        page: whether a document is read whole, and u_i is the maximum over the features of a
            sentence's patches; else each sentence is read by itself, as users embed it, u_i is its
            embedding, and blocks over all embeddings of a document tag it.
        copy_weight: as above.
        contrast_weight: as above.
        relation_weight: as above.
        temperature: t.
        width: of the tagger.
        depth: of its blocks; a page needs none.
        heads: of its blocks.
    """

    sentences: int
    page: bool = False
    copy_weight: float = 1.0
    contrast_weight: float = 0.5
    relation_weight: float = 1.0
    temperature: float = 0.1
    width: int = 128
    depth: int = 2
    heads: int = 4

    def __post_init__(self) -> None:
        weights = (self.copy_weight, self.contrast_weight, self.relation_weight)
        if self.sentences < 2 or min(weights) < 0 or self.temperature <= 0:
            raise ValueError(
                f"objective.sentences is {self.sentences}, the weights {weights} and temperature "
                f"{self.temperature}; they must be at least 2, at least 0, and above 0"
            )

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are encoded."""
        return ("document", "copy") if self.copy_weight or self.relation_weight else ("document",)

    @property
    def tagger(self) -> Tagger:
        """The tagger of sentences."""
        return Tagger(0 if self.page else self.depth, self.heads, self.width)

    def init(
        self, key: Any, encoder: Encoder, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the tagger's parameters."""
        shape = (1, self.sentences, encoder.dimension)
        drawn = self.tagger.init(key, jnp.zeros(shape), jnp.ones(shape[:2], bool))
        return drawn["params"], {}, {}

    def read(
        self, encoder: Encoder, params: Tree, patches: Patches, keys: jax.Array | None = None
    ) -> Tree:
        """Return {"tagged" [R, U, D], "contrasted" [R, U, D], "present" bool [R, U]} of documents.

        Args:
            encoder: of patches.
            params: the encoder's.
            patches: rows of documents, each sentence a unit.
            keys: of dropout, [R]; None at inference.
        """
        count = membership(patches.unit, self.sentences).sum(axis=-1)
        if not self.page:
            # Sentences share a row, but do not see each other.
            owner = jnp.where(count > 0, jnp.arange(len(count))[:, None], -1)
            apart = packed(patches.pixels, count, owner, jnp)
            found = encoder.encode(params, apart, keys=keys)["embedding"]
            return {"tagged": found, "contrasted": found, "present": count > 0}
        outputs = ("unit_embedding", "patch_features")
        both = encoder.encode(params, patches, keys=keys, outputs=outputs, units=self.sentences)
        place = jnp.where(patches.unit < 0, self.sentences, patches.unit)
        most = jax.vmap(lambda x, of: jax.ops.segment_max(x, of, self.sentences))(
            both["patch_features"].astype(jnp.float32), place
        )
        most = jnp.where((count > 0)[..., None], most, 0)
        return {"tagged": both["unit_embedding"], "contrasted": most, "present": count > 0}

    def boundaries(self, params: Tree, encoder: Encoder, patches: Patches) -> jax.Array:
        """Return the probability that a sentence ends a topic: float [R, U], of documents."""
        found = self.read(encoder, params["encoder"], patches)
        own = {"params": params["objective"]}
        logits, _ = self.tagger.apply(own, found["tagged"], found["present"])
        return nn.softmax(logits)[..., 1]

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}); metrics are the terms without their weights.

        Raises:
            ValueError: for facts of another number of sentences.
        """
        facts = batch.facts
        if facts["boundary"].shape[1] != self.sentences:
            raise ValueError(
                f"objective.sentences is {self.sentences}, but the pair maker has room for "
                f"{facts['boundary'].shape[1]}"
            )

        def read(params: Tree, patches: Patches, keys: jax.Array) -> Tree:
            return self.read(encode.encoder, params["encoder"], patches, keys)

        def tags(found: Tree) -> Any:
            own = {"params": params["objective"]}
            return self.tagger.apply(own, found["tagged"], found["present"])

        document = encode.rows(read, params, batch.views["document"], key=key)
        logits, _ = tags(document)
        terms = {"boundaries": _labelled(logits, facts["boundary"], document["present"])}
        loss = terms["boundaries"]
        if self.contrast_weight:
            terms["contrast"] = self._contrast(document, facts)
            loss += self.contrast_weight * terms["contrast"]
        if "copy" in self.views:
            copy = encode.rows(read, params, batch.views["copy"], key=key)
            logits, relations = tags(copy)
            for name, scores, label, weight in (
                ("copy_boundaries", logits, "copy_boundary", self.copy_weight),
                ("relations", relations, "copy_relation", self.relation_weight),
            ):
                terms[name] = _labelled(scores, facts[label], copy["present"])
                loss += weight * terms[name]
        return loss, terms, {}, {}

    def _contrast(self, found: Tree, facts: Any) -> jax.Array:
        """Return the contrast of sentences of one topic with those of others."""
        u = normalise(found["contrasted"])
        scores = jnp.einsum("bid,bjd->bij", u, u) / self.temperature
        chosen = jnp.concatenate([facts["positive"][..., None], facts["negatives"]], axis=-1)
        place = jnp.maximum(chosen, 0)
        there = (chosen >= 0) & jnp.take_along_axis(found["present"][:, None], place, axis=2)
        scores = jnp.where(there, jnp.take_along_axis(scores, place, axis=2), -1e9)
        counted = found["present"] & there[..., 0]
        return _mean(info_nce(scores, jnp.zeros(scores.shape[:2], int)), counted)


def _labelled(logits: jax.Array, labels: jax.Array, present: jax.Array) -> jax.Array:
    """Return the mean cross-entropy [] of logits [B, U, C] where there is a label [B, U]."""
    return _mean(info_nce(logits, jnp.maximum(labels, 0)), present & (labels >= 0))


def _mean(losses: jax.Array, counted: jax.Array) -> jax.Array:
    """Return this device's share of the mean over those of all devices that count; 0 of none."""
    return jnp.where(counted, losses, 0).sum() / mean_count(counted)
