"""The decoder of a masked autoencoder: from what an encoder saw, the pixels it did not see."""

import dataclasses
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from safetensors.numpy import load_file, save

from pixel_linguist.files import read_json, write_json, write_whole
from pixel_linguist.model.encoder import EncoderConfig, Params, encode
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.model.vit import block_stack
from pixel_linguist.model.words import WordLogits

# As in PIXEL, whatever the epsilon of the blocks.
NORM_EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class DecoderConfig:
    """What fixes a decoder's architecture, its encoder's aside.

    Attributes:
        width: of the residual stream.
        depth: number of blocks.
        heads: attention heads; divides the width.
        mlp_width: hidden width of each block's MLP.
        from_embedding: whether it is given the text's embedding and pixels of its own, not the
            features of what the encoder read (RetroMAE: Xiao et al. 2022, arXiv 2205.12035).
        word_buckets: buckets of hashed words that are predicted as well, from the features of the
            patches that the encoder read (DupMAE: Xiao et al. 2023, arXiv 2305.02564); 0: none, or
            the encoder does it itself.
    """

    width: int
    depth: int
    heads: int
    mlp_width: int
    from_embedding: bool
    # Decoders of before there were these predict none.
    word_buckets: int = 0

    def __post_init__(self) -> None:
        if self.width % self.heads or self.width % 4:
            raise ValueError(
                f"decoder.width {self.width} is not divisible by 4 and by heads {self.heads}"
            )


class Decoder(nn.Module):
    """The decoder of one example (He et al. 2022, arXiv 2111.06377, section 3)."""

    encoder: EncoderConfig
    config: DecoderConfig
    train: bool

    @nn.compact
    def __call__(
        self, front: jax.Array, seen: jax.Array, keep: jax.Array, text: jax.Array
    ) -> jax.Array:
        """Predict the pixels of all patches.

        Args:
            front: float [F, D], what stands before the patches: a CLS token's features, or none;
                or the embedding.
            seen: float [K, D], features of the patches that the encoder read; or float
                [K, H * W * C], the pixels that a decoder from an embedding is shown.
            keep: int32 [K], their places.
            text: bool [S], which patches are text.

        Returns:
            float32 [S, H * W * C], each patch by row, column, channel.
        """
        config, dtype = self.config, jnp.dtype(self.encoder.dtype)
        first, length = front.shape[0], text.shape[0]
        embed = nn.Dense(config.width, dtype=dtype, name="embed")
        if config.from_embedding:
            show = nn.Dense(config.width, dtype=dtype, name="embed_pixels")
            x = jnp.concatenate([embed(front), show(seen)])
        else:
            x = embed(jnp.concatenate([front, seen]))
        mask_token = self.param("mask_token", nn.initializers.normal(0.02), (1, config.width))
        patches = jnp.broadcast_to(mask_token.astype(dtype), (length, config.width))
        patches = patches.at[keep].set(x[first:])
        table = jax.lax.stop_gradient(self.param("positions", self._positions)).astype(dtype)
        x = jnp.concatenate([x[:first] + table[:first], patches + table[1 : 1 + length]])
        blocks = block_stack(
            depth=config.depth,
            heads=config.heads,
            mlp_width=config.mlp_width,
            dropout=self.encoder.dropout,
            norm_epsilon=self.encoder.norm_epsilon,
            dtype=dtype,
            deterministic=not self.train,
            remat=self.encoder.remat,
        )
        x = blocks(x, jnp.pad(text, (first, 0), constant_values=True))[0][first:]
        x = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=dtype, name="norm")(x)
        encoder = self.encoder
        numbers = encoder.patch_height * encoder.patch_width * encoder.channels
        return nn.Dense(numbers, dtype=dtype, name="pixels")(x).astype(jnp.float32)

    def _positions(self, key: jax.Array) -> jax.Array:
        """Return the sine-cosine table, a row of zeros in front; it is stored, not trained."""
        table = sincos_2d(self.encoder.max_patches, self.config.width)
        return jnp.asarray(np.pad(table, ((1, 0), (0, 0))))


def pixels(config: EncoderConfig, patches: jax.Array) -> jax.Array:
    """Return patches as an autoencoder of `config` is to predict them.

    Args:
        config: the encoder's; it decides on channels and on which of paper and ink is 1.
        patches: uint8 [B, S, H, W] or [B, S, C, H, W].

    Returns:
        float32 [B, S, H * W * C] in [0, 1], each patch by row, column, channel.
    """
    x = patches / 255.0
    if config.paper_is_one:
        x = 1 - x
    x = (
        jnp.moveaxis(x, 2, -1)
        if patches.ndim == 5
        else jnp.repeat(x[..., None], config.channels, -1)
    )
    return x.reshape(*x.shape[:2], -1)


def reconstruct(
    config: EncoderConfig,
    decoder: DecoderConfig,
    params: Params,
    patches: jax.Array,
    count: jax.Array,
    keep: jax.Array,
    keys: jax.Array | None = None,
    decoder_keep: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Encode a part of the patches of each text and predict all of its pixels.

    Args:
        config: the encoder's architecture.
        decoder: the decoder's.
        params: {"encoder": ..., "decoder": ...}.
        patches: uint8 [B, S, H, W] or [B, S, C, H, W].
        count: int32 [B], text patches of each example, at least 1.
        keep: int32 [B, K], the places of the patches that the encoder reads.
        keys: one dropout key an example, [B]; given in training, None at inference.
        decoder_keep: int32 [B, K], the places of the patches that a decoder from an embedding is
            shown; None for another.

    Returns:
        What `encode` returns, "predictions" and "pixels" float32 [B, S, H * W * C], "masked" bool
        [B, S]: which patches the decoder knows nothing of but what the encoder says, and, if words
        are predicted, "word_logits" float32 [B, V].
    """
    pair = (None, None) if keys is None else jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    encoded = encode(config, params["encoder"], patches, count, pair[0], keep)
    module = Decoder(config, decoder, train=keys is not None)
    length = patches.shape[1]
    original = pixels(config, patches)
    seen = encoded["patch_features"]
    if decoder.word_buckets:
        words = WordLogits(decoder.word_buckets, jnp.dtype(config.dtype))
        read = {"params": params["decoder"]["words"]}
        look: Any = jax.vmap(lambda x, mask: words.apply(read, x, mask))
        encoded["word_logits"] = look(seen, keep < count[:, None])
    front = encoded["cls_feature"][:, None] if config.cls_token else seen[:, :0]
    if decoder_keep is not None:
        # Of a joined embedding the sentence's own part.
        keep, front = decoder_keep, encoded["embedding"][:, None, : config.width]
        seen = jnp.take_along_axis(original, keep[..., None], axis=1)

    def one(f: Any, x: Any, k: Any, c: Any, key: jax.Array | None) -> Any:
        rngs = None if key is None else {"dropout": key}
        text = jnp.arange(length) < c
        return module.apply({"params": params["decoder"]}, f, x, k, text, rngs=rngs)

    masked = jax.vmap(lambda k: jnp.ones(length, bool).at[k].set(False))(keep)
    predictions = jax.vmap(one)(front, seen, keep, count, pair[1])
    return encoded | {"predictions": predictions, "pixels": original, "masked": masked}


def _draw_params(config: EncoderConfig, decoder: DecoderConfig, seed: int) -> Params:
    key = jax.random.key(seed)
    numbers = config.patch_height * config.patch_width * config.channels
    front = 1 if decoder.from_embedding else int(config.cls_token)
    variables = Decoder(config, decoder, train=True).init(
        {"params": key, "dropout": key},
        jnp.zeros((front, config.width)),
        jnp.zeros((1, numbers if decoder.from_embedding else config.width)),
        jnp.zeros(1, jnp.int32),
        jnp.ones(config.max_patches, bool),
    )
    params = variables["params"]
    if decoder.word_buckets:
        words = WordLogits(decoder.word_buckets, jnp.dtype(config.dtype))
        features, mask = jnp.zeros((1, config.width)), jnp.ones(1, bool)
        params = params | {
            "words": words.init(jax.random.fold_in(key, 1), features, mask)["params"]
        }
    return params


def init_decoder_params(config: EncoderConfig, decoder: DecoderConfig, seed: int) -> Params:
    """Draw a decoder's parameters; a nested dict of float32 NumPy arrays."""
    drawn = jax.jit(_draw_params, static_argnums=(0, 1))(config, decoder, seed)
    return jax.tree.map(np.asarray, drawn)


def decoder_param_shapes(config: EncoderConfig, decoder: DecoderConfig) -> Params:
    """Return what `init_decoder_params` would, as `jax.ShapeDtypeStruct`."""
    return jax.eval_shape(lambda: _draw_params(config, decoder, 0))


def save_decoder(folder: Path, decoder: DecoderConfig, params: Params) -> None:
    """Write a decoder into its model's folder, before the model, whose config.json comes last."""
    flat = traverse_util.flatten_dict(params, sep="/")
    weights = save({name: np.ascontiguousarray(array) for name, array in flat.items()})
    write_whole(folder / "decoder.safetensors", weights)
    write_json(folder / "decoder.json", dataclasses.asdict(decoder))


def load_decoder(folder: Path, config: EncoderConfig) -> tuple[DecoderConfig, Params] | None:
    """Read the decoder of a model's folder; None if it has none.

    Raises:
        ValueError: if its weights do not fit.
    """
    if not (folder / "decoder.json").is_file():
        return None
    decoder = DecoderConfig(**read_json(folder / "decoder.json"))
    params = traverse_util.unflatten_dict(load_file(folder / "decoder.safetensors"), sep="/")
    shapes = decoder_param_shapes(config, decoder)
    check_same_shapes(params, shapes, f"{folder}/decoder.safetensors")
    return decoder, params
