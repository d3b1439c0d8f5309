"""The decoder of a masked autoencoder: predicts the pixels that its encoder did not see."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.encoder import EncoderConfig, Params
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.model.vit import block_stack

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
        from_embedding: whether it is given the text's embedding and patches of its own, not the
            features of what the encoder read: the enhanced decoding of RetroMAE (Xiao et al. 2022,
            arXiv 2205.12035, section 3.3), there of depth 1.
    """

    width: int
    depth: int
    heads: int
    mlp_width: int
    from_embedding: bool = False

    def __post_init__(self) -> None:
        if self.width % self.heads or self.width % 4:
            raise ValueError(
                f"decoder.width {self.width} is not divisible by 4 and by heads {self.heads}"
            )


class Decoder(nn.Module):
    """The decoder of R rows (He et al. 2022, arXiv 2111.06377, section 3)."""

    encoder: EncoderConfig
    config: DecoderConfig

    @nn.compact
    def __call__(
        self,
        front: jax.Array,
        seen: jax.Array,
        given: jax.Array,
        text: jax.Array,
        keys: jax.Array | None,
    ) -> jax.Array:
        """Predict the pixels of all patches.

        Args:
            front: float [R, F, D], what stands before the patches: features of CLS tokens, or none;
                or the embedding, F = 1.
            seen: float [R, K, D], features of the patches that the encoder read; or, from the
                embedding, the encoder's patch embeddings of all S patches.
            given: int32 [R, K], their places; or, from the embedding, bool [R, S, S], the patches
                that each prediction may read beside the embedding, never its own.
            text: bool [R, S], which patches are text.
            keys: of dropout, [R]; None at inference.

        Returns:
            float32 [R, S, H * W * C], each patch by row, column, channel.
        """
        config, encoder, dtype = self.config, self.encoder, jnp.dtype(self.encoder.dtype)
        (rows, first), length = front.shape[:2], text.shape[1]
        x = nn.Dense(config.width, dtype=dtype, name="embed")(
            jnp.concatenate([front, seen], axis=1)
        )
        table = jax.lax.stop_gradient(self.param("positions", self._positions)).astype(dtype)
        place = table[1 : 1 + length]
        if config.from_embedding:
            first, mask = 0, two_streams(given)
            # The residual of a prediction begins without its patch.
            x = jnp.concatenate([x[:, :1] + place, x[:, :1], x[:, 1:] + place], axis=1)
        else:
            mask_token = self.param("mask_token", nn.initializers.normal(0.02), (1, config.width))
            patches = jnp.broadcast_to(mask_token.astype(dtype), (rows, length, config.width))
            patches = jax.vmap(lambda p, k, known: p.at[k].set(known))(patches, given, x[:, first:])
            x = jnp.concatenate([x[:, :first] + table[:first], patches + place], axis=1)
            mask = jnp.pad(text, ((0, 0), (first, 0)), constant_values=True)[:, None, None]
        blocks = block_stack(
            depth=config.depth,
            heads=config.heads,
            mlp_width=config.mlp_width,
            dropout=encoder.dropout,
            drophead=encoder.drophead,
            norm_epsilon=encoder.norm_epsilon,
            dtype=dtype,
            remat=encoder.remat,
        )
        x = blocks(x, mask, keys, {})[0][:, first : first + length]
        x = nn.LayerNorm(epsilon=NORM_EPSILON, dtype=dtype, name="norm")(x)
        numbers = encoder.patch_height * encoder.patch_width * encoder.channels
        return nn.Dense(numbers, dtype=dtype, name="pixels")(x).astype(jnp.float32)

    def _positions(self, key: jax.Array) -> jax.Array:
        """Return the sine-cosine table, a row of zeros in front; it is stored, not trained."""
        table = sincos_2d(self.encoder.max_patches, self.config.width)
        return jnp.asarray(np.pad(table, ((1, 0), (0, 0))))


def two_streams(visible: jax.Array) -> jax.Array:
    """Return who reads whom in enhanced decoding: bool [R, S, S] to [R, 1, 2 S + 1, 2 S + 1].

    Predictions come first and read the embedding and the patches visible to them, which come next
    and read themselves alone: no block carries one patch into another's place.
    """
    itself = jnp.eye(visible.shape[1] + 1, dtype=bool)
    itself = jnp.broadcast_to(itself, (len(visible), *itself.shape))
    reads = jnp.pad(visible, ((0, 0), (0, 0), (1, 0)), constant_values=True)
    both = jnp.concatenate([reads, itself], axis=1)
    return jnp.pad(both, ((0, 0), (0, 0), (visible.shape[1], 0)))[:, None]


def target_pixels(config: EncoderConfig, pixels: jax.Array) -> jax.Array:
    """Return patches as an autoencoder is to predict them.

    Args:
        config: the encoder's; it decides on channels and on which of paper and ink is 1.
        pixels: uint8 [R, S, H, W, C].

    Returns:
        float32 [R, S, H * W * channels] in [0, 1], each patch by row, column, channel.
    """
    x = pixels / 255.0
    if config.paper_is_one:
        x = 1 - x
    if pixels.shape[-1] < config.channels:
        x = jnp.repeat(x, config.channels, axis=-1)
    return x.reshape(*x.shape[:2], -1)


def _draw(config: EncoderConfig, decoder: DecoderConfig, key: jax.Array) -> Params:
    visible, places = jnp.zeros((1, 1, 1), bool), jnp.zeros((1, 1), jnp.int32)
    variables = Decoder(config, decoder).init(
        {"params": key, "dropout": key},
        jnp.zeros((1, 1 if decoder.from_embedding else int(config.cls_token), config.width)),
        jnp.zeros((1, 1, config.width)),
        visible if decoder.from_embedding else places,
        jnp.ones((1, 1), bool),
        key[None],
    )
    return variables["params"]


def init_decoder(config: EncoderConfig, decoder: DecoderConfig, key: jax.Array) -> Params:
    """Draw a decoder's parameters; a nested dict of float32 arrays."""
    return jax.jit(_draw, static_argnums=(0, 1))(config, decoder, key)


def decoder_shapes(config: EncoderConfig, decoder: DecoderConfig) -> Params:
    """Return what `init_decoder` would, as `jax.ShapeDtypeStruct`."""
    return jax.eval_shape(lambda: _draw(config, decoder, jax.random.key(0)))
