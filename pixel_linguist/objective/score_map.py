"""DenseCLIP: maps of how near each patch is to each text of the batch, beside plain contrast."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from pixel_linguist.model.encoder import Encoder
from pixel_linguist.objective.contrastive import InfoNCE, gather
from pixel_linguist.objective.geometry import normalise
from pixel_linguist.objective.protocol import Batch, Encode, Objective
from pixel_linguist.render.patches import Patches

Tree = Any
HIDDEN, HEADS = 128, 4
# Ink of the nearest patch of a page in its heat map.
HEAT = 0.5


class PromptDecoder(nn.Module):
    """Texts that look at a picture: one layer of cross-attention and an MLP, before their norms."""

    @nn.compact
    def __call__(self, texts: jax.Array, memory: jax.Array) -> jax.Array:
        """Return float [B, K, D] of texts [K, D] and what they look at, [B, S, D]."""
        width, init = texts.shape[-1], nn.initializers.truncated_normal(0.02)
        memory = nn.LayerNorm()(nn.Dense(HIDDEN)(nn.LayerNorm()(memory)))
        x = nn.Dense(HIDDEN)(nn.LayerNorm()(texts))
        x = jnp.broadcast_to(x, (len(memory), *x.shape))
        x = x + nn.MultiHeadDotProductAttention(HEADS)(nn.LayerNorm()(x), memory)
        x = x + nn.Dense(HIDDEN)(nn.gelu(nn.Dense(4 * HIDDEN)(nn.LayerNorm()(x))))
        return nn.Dense(width, kernel_init=init)(nn.LayerNorm()(x))


def patch_cross_entropy(scores: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the loss of patches that have several right texts, or none: [], and accuracy [].

        loss_s = -log (sum of exp(scores) over right texts / sum over all), mean over patches

    Args:
        scores: float [B, S, K], divided by the temperature.
        right: bool [B, S, K]; a patch without a right text does not count.
    """
    counts = right.any(axis=2)
    own = jax.nn.logsumexp(jnp.where(right, scores, -1e9), axis=2)
    losses = jnp.where(counts, jax.nn.logsumexp(scores, axis=2) - own, 0)
    best = jnp.take_along_axis(right, scores.argmax(axis=2)[..., None], axis=2)[..., 0]
    number = jnp.maximum(counts.sum(), 1)
    return losses.sum() / number, (best & counts).sum() / number


@dataclasses.dataclass(frozen=True)
class ScoreMap(Objective):
    """Contrast of pictures and texts, and cross-entropy of patches over the texts of the batch.

        S_isk = cos(z_is, t_k + g * v_ik),  loss = InfoNCE + w * mean_is -log softmax_k(S_isk / t)

    where z_is is the feature of patch s of picture i, t_k the embedding of text k of all devices,
    v_ik what a small decoder makes of t_k and the picture (its patches and its embedding), and g a
    trained vector, 1e-4 at first. All texts of a patch's class are right; a patch without a text in
    the batch does not count. InfoNCE is symmetric, of the embeddings of pictures and texts.

    Views: "anchor", the picture, and "positive", a text for something on it. Facts: "label" int32
    [B], the text's class; "patch_labels" int32 [B, S], the class of each patch, -1 for none;
    "group". With `weight` 0 it is `InfoNCE`. Decoder and g are not part of a saved model, whose map
    is that of g = 0.

    Source: Rao et al. 2022 (arXiv 2112.01518), equations 1 and 3 to 5, and their code: w 0.4, t
    0.07. Theirs has three layers, among them self-attention between the classes of a data set,
    while here the texts are those of a batch.

    >>> ScoreMap(weight=0.4)

    Attributes:
        weight: w.
        temperature: t, of the map and of the contrast.
        prompting: whether there is a decoder.
    """

    weight: float = 0.4
    temperature: float = 0.07
    prompting: bool = True

    def init(
        self, key: Any, encoder: Any, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return the parameters of the decoder and "gamma" [D], if there is one.

        Raises:
            ValueError: for an encoder whose embeddings pass a head that patches do not.
        """
        if encoder.config.head != "none":
            raise ValueError(
                f"model.head is {encoder.config.head!r}; score maps compare patches with "
                "embeddings, so that it must be 'none'"
            )
        if not self.prompting:
            return {}, {}, {}
        width = encoder.dimension
        drawn = jax.jit(PromptDecoder().init)(key, jnp.zeros((1, width)), jnp.zeros((1, 2, width)))
        return {"decoder": drawn["params"], "gamma": jnp.full(width, 1e-4)}, {}, {}

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, metrics, {}, {}); metrics are accuracies of pictures and of patches."""
        picture, text = batch.select(self.views)
        outputs = ("embedding", "patch_features")
        found = encode(params["encoder"], picture, key=key, outputs=outputs)
        whole, patches = found["embedding"], found["patch_features"].astype(jnp.float32)
        named = encode(params["encoder"], text, key=key)["embedding"]
        texts = gather(named)
        label, shown = batch.facts["label"], batch.facts["patch_labels"]
        if shown.shape != patches.shape[:2]:
            raise ValueError(
                f"the fact 'patch_labels' is of shape {shown.shape}; the pictures have patches "
                f"{patches.shape[:2]}"
            )
        both = {"anchor": whole, "positive": named}
        contrast, of_both = InfoNCE(self.temperature).contrast(params, both, batch)
        memory = jnp.concatenate([whole[:, None], patches], axis=1)
        scores = score_map(params["objective"], patches, texts, memory) / self.temperature
        labels = gather(label)
        right = (shown[:, :, None] == labels) & (shown >= 0)[:, :, None]
        dense, patch_accuracy = patch_cross_entropy(scores, right)
        metrics = {"accuracy": of_both["accuracy"], "patch_accuracy": patch_accuracy}
        metrics["patch_loss"] = dense
        return contrast + self.weight * dense, metrics, {}, {}

    def images(
        self, params: Tree, encoder: Encoder, views: Mapping[str, Patches], key: jax.Array
    ) -> dict[str, Patches]:
        """Return each page's text, the "query", and the page over the map of its scores S.

        The ink of a patch is 0.5 exp((S - the page's highest S) / t).
        """
        pages, texts = (views[name] for name in self.views)
        outputs = ("embedding", "patch_features")
        found = encoder.encode(params["encoder"], pages, outputs=outputs)
        named = encoder.encode(params["encoder"], texts)["embedding"][:, 0]
        patches = found["patch_features"]
        memory = jnp.concatenate([found["embedding"], patches], axis=1)
        scores = score_map(params["objective"], patches, named, memory)
        own = jnp.diagonal(scores, axis1=0, axis2=2).T
        heat = HEAT * jnp.exp((own - own.max(axis=1, keepdims=True)) / self.temperature)
        ink = pages.pixels.mean(axis=-1, keepdims=True) / 255
        drawn = jnp.maximum(ink, heat[:, :, None, None, None])
        return {
            "query": texts._replace(pixels=texts.pixels / 255),
            "score map": pages._replace(pixels=drawn),
        }


def score_map(own: Tree, patches: jax.Array, texts: jax.Array, memory: jax.Array) -> jax.Array:
    """Return the cosine of each patch and each text: float [B, S, K].

    Args:
        own: of the objective, with a decoder or without.
        patches: float [B, S, D].
        texts: float [K, D].
        memory: float [B, 1 + S, D], what texts look at.
    """
    if not own:
        return jnp.einsum("bsd,kd->bsk", normalise(patches), normalise(texts))
    seen = PromptDecoder().apply({"params": own["decoder"]}, texts, memory)
    prompted: jax.Array = normalise(texts + own["gamma"] * seen)
    return jnp.einsum("bsd,bkd->bsk", normalise(patches), prompted)
