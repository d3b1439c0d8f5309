"""HICL: classification of a post that is read with a related one, and trainable patches between."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from pixel_linguist.model.encoder import Encoder
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.objective.contrastive import info_nce
from pixel_linguist.objective.protocol import Batch, Encode, Objective
from pixel_linguist.render.patches import Patches, one_text_a_row

Tree = Any


def insert(patches: Patches, between: jax.Array) -> Patches:
    """Put T patches between the first and the second sentence of each row.

    Args:
        patches: of R rows of two sentences, or one; float pixels [R, S, ...].
        between: float [T, ...].

    Returns:
        Rows of S + T patches; those of one sentence end with the patches that are put in.
    """
    pixels, count = patches.pixels, len(between)
    first, both = ((patches.unit == 0).sum(axis=1), (patches.unit >= 0).sum(axis=1))
    rows, length = pixels.shape[:2]
    place = jnp.broadcast_to(jnp.arange(length + count), (rows, length + count))
    behind = place - first[:, None]
    source = jnp.clip(jnp.where(behind < 0, place, place - count), 0, length - 1)
    flat = jnp.take_along_axis(pixels.reshape(rows, length, -1), source[..., None], axis=1)
    own = between.reshape(count, -1)[jnp.clip(behind, 0, max(count - 1, 0))] if count else flat
    put_in = (behind >= 0) & (behind < count)
    joined = jnp.where(put_in[..., None], own, flat).reshape(*place.shape, *pixels.shape[2:])
    return one_text_a_row(joined, both + count, jnp)


@dataclasses.dataclass(frozen=True)
class JoinedClassification(Objective):
    """Cross-entropy of the class of a post, joined with a related post.

        loss_i = -log softmax(W h(x_i, T, x'_i) + b)[label_i]

    where h is the embedding of the row of patches of post x, T trainable patches, and the related
    post x'; with `between=0` the posts are joined plainly, and of posts without a related one the
    row ends with T. A trainable patch is a vector in the place of a stem's where the encoder has
    one, otherwise a picture with any ink.

    View: "post", a document of one or two sentences. Fact: "label" int32 [] in [0, classes).

    Training takes two stages: first all but T is trained (`between=0`), then T alone
    (`train_head=False`, and `optimizer.frozen` names all groups of the encoder).

    Source: HICL (Tan et al. 2025, arXiv 2308.09985): five trigger tokens between the posts.

    >>> JoinedClassification(classes=4, between=5, train_head=False)

    Attributes:
        between: T.
        train_head: whether W and b are trained.
    """

    classes: int
    between: int = 0
    train_head: bool = True

    def __post_init__(self) -> None:
        if self.classes < 2 or self.between < 0:
            raise ValueError(
                f"objective.classes is {self.classes} and objective.between {self.between}; they "
                "must be at least 2 and 0"
            )

    @property
    def views(self) -> tuple[str, ...]:
        """The post with the related one."""
        return ("post",)

    def init(
        self, key: Any, encoder: Encoder, encoder_params: Any, annotations: Any
    ) -> tuple[Tree, Tree, Tree]:
        """Return "weights" [D, K], "bias" [K] and, with patches between, "between" [T, ...]."""
        first, second = jax.random.split(key)
        # Not "kernel", which decays, also where it has no gradient.
        weights = jax.nn.initializers.lecun_normal()(first, (encoder.dimension, self.classes))
        params = {"weights": weights, "bias": jnp.zeros(self.classes)}
        if self.between:
            config = encoder.config
            if isinstance(encoder, HybridEncoder):
                # Vectors of the stem have length 1.
                shape, size = (config.stem_width,), config.stem_width**-0.5
                drawn = size * jax.random.normal(second, (self.between, *shape))
            else:
                picture = (config.patch_height, config.patch_width, 1)
                drawn = 0.1 * jax.random.uniform(second, (self.between, *picture))
            params["between"] = drawn
        return params, {}, {}

    def logits(
        self, params: Tree, encoder: Encoder, patches: Patches, keys: jax.Array | None = None
    ) -> jax.Array:
        """Return float32 [R, K] of R posts.

        Args:
            patches: of the view "post".
        """
        own, pixels = params["objective"], patches.pixels
        between = own.get("between", jnp.zeros((0, *pixels.shape[2:])))
        if pixels.ndim > 3:
            if isinstance(encoder, HybridEncoder):
                pixels = encoder.stem_rows(params["encoder"], pixels)
            else:
                pixels, between = pixels.astype(jnp.float32), 255 * between
        if not self.between:
            between = jnp.zeros((0, *pixels.shape[2:]))
        joined = insert(patches._replace(pixels=pixels), between)
        embedding = encoder.encode(params["encoder"], joined, keys=keys)["embedding"][:, 0]
        return embedding @ own["weights"] + own["bias"]

    def loss(
        self, params: Tree, state: Tree, constants: Tree, batch: Batch, encode: Encode, key: Any
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree, Tree]:
        """Return (loss, {"accuracy"}, {}, {}).

        Raises:
            ValueError: for examples without a label.
        """
        if "label" not in batch.facts:
            raise ValueError("examples have no fact 'label'; the pair maker 'labelled' gives it")
        if not self.train_head:
            frozen = {
                name: x if name == "between" else jax.lax.stop_gradient(x)
                for name, x in params["objective"].items()
            }
            params = {**params, "objective": frozen}

        def logits(params: Tree, patches: Patches, keys: jax.Array) -> jax.Array:
            return self.logits(params, encode.encoder, patches, keys)

        scores = encode.rows(logits, params, batch.views["post"], key=key)
        label = batch.facts["label"]
        accuracy = (scores.argmax(axis=1) == label).mean()
        return info_nce(scores, label).mean(), {"accuracy": accuracy}, {}, {}
