"""The encoder: patches in, patch features and one embedding out."""

import dataclasses
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.pooling import AttentionPool, mean_pool
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.model.strip import stand
from pixel_linguist.model.vit import Dropout, Remat, block_stack
from pixel_linguist.model.words import WordLogits, sparsify

Params = dict[str, Any]

PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {"width": 192, "depth": 4, "heads": 3, "mlp_width": 768},
    "small": {"width": 384, "depth": 6, "heads": 6, "mlp_width": 1536},
    "base": {"width": 768, "depth": 12, "heads": 12, "mlp_width": 3072},
}


def preset(name: str) -> dict[str, Any]:
    """Return width, depth, heads and MLP width of a preset; base is ViT-B (86M parameters)."""
    if name not in PRESETS:
        raise ValueError(f"no model preset {name!r}; there are {', '.join(PRESETS)}")
    return dict(PRESETS[name])


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """Everything that fixes an encoder's architecture.

    Attributes:
        patch_height: pixels.
        patch_width: pixels.
        max_patches: number of positions; a longer input is refused.
        width: of the residual stream.
        depth: number of blocks.
        heads: attention heads; divides the width.
        mlp_width: hidden width of each block's MLP.
        patch_hidden: hidden width of an MLP that embeds each patch; 0 embeds it linearly, as
            ViT does.
        positions: "learned"; "sincos_2d" (fixed); or "frozen", a stored table, sine-cosine at
            first, that is not trained (PIXEL's autoencoder).
        pooling: "mean" over text patches, "cls" token, or "attention" (MAP) over all patches.
        head: projection head: "none", "patches" (before pooling, as Pixel-Linguist has it: linear,
            GELU, layer norm, dropout), or "pooled" (after it).
        keep_head: whether the head is kept at inference.
        channels: 1, or 3 where converted weights expect colour (grey is repeated).
        dropout: rate in [0, 1).
        norm_epsilon: of the blocks' layer norms.
        dtype: compute type, "float32" or "bfloat16"; parameters and embeddings are float32.
        remat: what is computed again in the backward pass to save memory: "none", "blocks" (all of
            them, the least memory), or "dots" (all but products with weights).
        cls_token: whether a CLS token stands in front, with a row of the positions for itself.
        paper_is_one: whether pixels are read as PIXEL reads them, paper 1 and ink 0.
        word_buckets: V, buckets of hashed words whose logits stand in the embedding, beside the
            D numbers of the sentence's own (DupMAE: Xiao et al. 2023, arXiv 2305.02564); 0: none.
        top_words: how many of them, the highest, are not set to 0.
    """

    patch_height: int
    patch_width: int
    max_patches: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    patch_hidden: int
    positions: Literal["learned", "sincos_2d", "frozen"]
    pooling: Literal["mean", "cls", "attention"]
    head: Literal["none", "patches", "pooled"]
    keep_head: bool
    channels: int
    dropout: float
    norm_epsilon: float
    dtype: Literal["float32", "bfloat16"]
    remat: Remat
    # Model folders of before there were these have none of them.
    cls_token: bool = False
    paper_is_one: bool = False
    word_buckets: int = 0
    top_words: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            choices = get_args(field.type)
            value = getattr(self, field.name)
            if choices and value not in choices:
                raise ValueError(f"model.{field.name} is {value!r}; choose one of {choices}")
        if self.width % self.heads:
            raise ValueError(f"model.width {self.width} is not divisible by heads {self.heads}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"model.dropout is {self.dropout}; it must be in [0, 1)")
        if self.channels not in (1, 3):
            raise ValueError(f"model.channels is {self.channels}; it must be 1 or 3")
        if self.pooling == "cls" and not self.cls_token:
            raise ValueError("model.pooling is 'cls'; it needs model.cls_token")
        least = min(self.word_buckets, 1)
        if self.word_buckets < 0 or not least <= self.top_words <= self.word_buckets:
            raise ValueError(
                f"model.top_words is {self.top_words}; of {self.word_buckets} model.word_buckets "
                f"it must be {least} to {max(self.word_buckets, 0)}"
            )

    @property
    def dimension(self) -> int:
        """The length of an embedding: D, or D + V."""
        return self.width + self.word_buckets

    @property
    def packs(self) -> bool:
        """Whether several texts may stand in one sequence: nothing but a mean is made of each."""
        return self.pooling == "mean" and not self.word_buckets


class Encoder(nn.Module):
    """The encoder of one example."""

    config: EncoderConfig
    train: bool

    @nn.compact
    def __call__(
        self, patches: jax.Array, count: jax.Array, keep: jax.Array | None = None
    ) -> dict[str, jax.Array]:
        """Encode uint8 [S, H, W] or [S, C, H, W] of which the first `count` patches are text.

        Only the patches that int32 `keep` [K] names are read, if it is given. Where `count` is
        int32 [T], so many texts follow each other, and there is an embedding of each.

        Returns:
            "embedding" float32 [D or D + V], or [T, D], not normalised, "patch_features" float
            [S or K, D], "cls_feature" float [D], or [T, D], if there is a CLS token, and
            "word_logits" float32 [V] if there are buckets of words.
        """
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        drop = Dropout(config.dropout)
        table = jnp.asarray(self.position_table()).astype(dtype)
        front, length = int(config.cls_token), patches.shape[0]
        if count.ndim:
            # Each text has a CLS token of its own.
            tokens = front * count.shape[0]
            mask, seen, places = stand(count, length, tokens)
            positions = table[front + places]
        else:
            tokens = front
            mask = jnp.arange(length) < count
            seen = jnp.pad(mask if keep is None else mask[keep], (front, 0), constant_values=True)
            # Not by Python's slices, which do not take the symbolic lengths of an export.
            positions = jax.lax.slice_in_dim(table, front, front + length)
        x = self.embed_patches(patches, dtype) + positions
        if keep is not None:
            x, mask = x[keep], mask[keep]
        if config.cls_token:
            cls = self.param("cls", nn.initializers.normal(0.02), (1, config.width))
            x = jnp.concatenate([jnp.tile(cls.astype(dtype) + table[:1], (tokens, 1)), x])
        x = drop(x, deterministic=not self.train)
        x = self.blocks()(x, seen)[0]
        x = nn.LayerNorm(epsilon=config.norm_epsilon, dtype=dtype, name="norm")(x)
        use_head = config.head if self.train or config.keep_head else "none"
        pooled = self.pool(self.head(x) if use_head == "patches" else x, mask)
        if use_head == "pooled":
            pooled = self.head(pooled)
        outputs = {"embedding": pooled.astype(jnp.float32), "patch_features": x[tokens:]}
        if config.cls_token:
            outputs["cls_feature"] = x[:tokens] if count.ndim else x[0]
        if config.word_buckets:
            logits = WordLogits(config.word_buckets, dtype, name="words")(x[tokens:], mask)
            outputs["word_logits"] = logits
            words = sparsify(logits, config.top_words)
            outputs["embedding"] = jnp.concatenate([outputs["embedding"], words])
        return outputs

    def embed_patches(self, patches: jax.Array, dtype: jnp.dtype) -> jax.Array:
        """Map uint8 [S, H, W] or [S, C, H, W] to float [S, D], without positions."""
        config = self.config
        x = (patches.reshape(patches.shape[0], -1) / 255.0).astype(dtype)
        if config.paper_is_one:
            x = 1 - x
        if patches.ndim == 3 and config.channels > 1:
            x = jnp.tile(x, (1, config.channels))
        if config.patch_hidden:
            x = nn.gelu(nn.Dense(config.patch_hidden, dtype=dtype, name="embed_hidden")(x))
        return nn.Dense(config.width, dtype=dtype, name="embed")(x)

    def position_table(self) -> jax.Array:
        """Return float32 [N, D], a row for each position; the CLS token's is the first."""
        config = self.config
        fixed = sincos_2d(config.max_patches, config.width)
        fixed = np.pad(fixed, ((int(config.cls_token), 0), (0, 0)))
        if config.positions == "sincos_2d":
            return jnp.asarray(fixed)
        if config.positions == "frozen":
            return jax.lax.stop_gradient(self.param("positions", lambda _: jnp.asarray(fixed)))
        return self.param("positions", nn.initializers.normal(0.02), fixed.shape)

    def blocks(self) -> nn.Module:
        """Return the stack of blocks."""
        config = self.config
        return block_stack(
            depth=config.depth,
            heads=config.heads,
            mlp_width=config.mlp_width,
            dropout=config.dropout,
            norm_epsilon=config.norm_epsilon,
            dtype=jnp.dtype(config.dtype),
            deterministic=not self.train,
            remat=config.remat,
        )

    def pool(self, x: jax.Array, mask: jax.Array) -> jax.Array:
        """Reduce float [S, D], with any CLS tokens in front, to float [D] or [T, D]."""
        if self.config.pooling == "cls":
            return x[0]
        x = x[x.shape[0] - mask.shape[-1] :]
        if self.config.pooling == "mean":
            return mean_pool(x, mask)
        pool = AttentionPool(self.config.heads, jnp.dtype(self.config.dtype), name="pool")
        return pool(x, mask)

    def head(self, x: jax.Array) -> jax.Array:
        """Apply the projection head to float [..., D]; its epsilon is the reference's 1e-12."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        x = nn.gelu(nn.Dense(config.width, dtype=dtype, name="head")(x), approximate=False)
        x = nn.LayerNorm(epsilon=1e-12, dtype=dtype, name="head_norm")(x)
        return Dropout(config.dropout)(x, deterministic=not self.train)


def encode(
    config: EncoderConfig,
    params: Params,
    patches: jax.Array,
    count: jax.Array,
    keys: jax.Array | None = None,
    keep: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Encode a batch of rendered texts.

    Args:
        config: the architecture.
        params: as made by `init_params`.
        patches: uint8 [B, S, H, W], S at most `config.max_patches`; in colour
            [B, S, C, H, W].
        count: int32 [B], text patches of each example, at least 1; or [B, T], of each of T texts
            that follow each other in a sequence, 0 for none, if `config.packs`.
        keys: one dropout key an example, [B]; given in training, None at inference.
        keep: int32 [B, K], the patches that are read, by their places; None: all.

    Returns:
        "embedding" float32 [B, D or D + V], or [B, T, D], "patch_features" float [B, S or K, D],
        "cls_feature" float [B, D], or [B, T, D], if there is a CLS token, and "word_logits" float32
        [B, V] if there are buckets of words.
    """
    length, height, width = patches.shape[1], *patches.shape[-2:]
    if (height, width) != (config.patch_height, config.patch_width) or length > config.max_patches:
        raise ValueError(
            f"the encoder reads up to {config.max_patches} patches of {config.patch_height} x "
            f"{config.patch_width} pixels; it was given {length} of {height} x {width}"
        )
    if count.ndim > 1 and (keep is not None or not config.packs):
        raise ValueError("several texts of one sequence need the mean of all their patches")
    module = Encoder(config, train=keys is not None)

    def one(p: jax.Array, c: jax.Array, key: jax.Array | None, k: jax.Array | None) -> Any:
        rngs = None if key is None else {"dropout": key}
        return module.apply({"params": params}, p, c, k, rngs=rngs)

    return jax.vmap(one)(patches, count, keys, keep)


def _draw_params(config: EncoderConfig, seed: int) -> Params:
    """Draw parameters by reading one blank text."""
    key = jax.random.key(seed)
    shape = (config.max_patches, config.patch_height, config.patch_width)
    variables = Encoder(config, train=True).init(
        {"params": key, "dropout": key}, jnp.zeros(shape, jnp.uint8), jnp.int32(1)
    )
    return variables["params"]


def init_params(config: EncoderConfig, seed: int) -> Params:
    """Draw parameters; a nested dict of float32 NumPy arrays, the head's included."""
    drawn = jax.jit(_draw_params, static_argnums=0)(config, seed)
    return jax.tree.map(np.asarray, drawn)


def param_shapes(config: EncoderConfig) -> Params:
    """Return what `init_params` would, as `jax.ShapeDtypeStruct`, without computing it."""
    return jax.eval_shape(lambda: _draw_params(config, 0))
