"""A hybrid vision transformer: a convolutional stem reads each patch, the picture of a word."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.distinct import once_each
from pixel_linguist.model.encoder import EncoderConfig, Params, VisionTransformer, ViTEncoder
from pixel_linguist.model.pooling import max_pool
from pixel_linguist.model.vit import gelu

# Columns of pixels to one column of features.
STRIDE = 4
# Parts of a word over which features are maximised, in hundredths of its width: the whole, and
# thirds that overlap, so that the place of a letter counts.
_PARTS = ((0, 100), (0, 40), (28, 72), (60, 100))

# Tokens of the stem's vectors are computed once each where at most one in so many is new.
_REPEATED = 3


@dataclasses.dataclass(frozen=True)
class HybridConfig(EncoderConfig):
    """A transformer over the vectors of a convolutional stem.

    Attributes:
        stem_channels: output channels of the four convolutions.
        stem_hidden: hidden width of the MLP on the features of a patch.
        stem_width: numbers that the stem makes of a patch.
        token_hidden: hidden width of the MLP that maps them to tokens, of another width; 0: they
            are the tokens.
    """

    stem_channels: Sequence[int] = (16, 48, 192, 320)
    stem_hidden: int = 1024
    stem_width: int = 256
    token_hidden: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        # Lists come from JSON; configs are hashed.
        object.__setattr__(self, "stem_channels", tuple(self.stem_channels))
        if len(self.stem_channels) != 4 or min(self.stem_channels) < 1:
            raise ValueError(f"model.stem_channels is {self.stem_channels}; it has four widths")
        if self.patch_height % STRIDE or self.patch_width % STRIDE or self.channels != 1:
            raise ValueError(
                f"patches are {self.patch_height} x {self.patch_width} pixels of {self.channels} "
                f"channels; the stem needs grey ones of sides divisible by {STRIDE}"
            )
        if (self.stem_width == self.width) == bool(self.token_hidden):
            raise ValueError(
                f"model.stem_width is {self.stem_width} and model.width {self.width}; they are "
                "equal without model.token_hidden, and differ with it"
            )


class Stem(nn.Module):
    """Pictures of words to vectors of length 1, whatever blank columns follow a word."""

    config: HybridConfig

    @nn.compact
    def __call__(self, pixels: jax.Array) -> jax.Array:
        """Map uint8 [N, H, W], ink on a background of 0, to float32 [N, stem_width]."""
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        first, second, third, fourth = config.stem_channels

        def convolve(name: str, x: jax.Array, features: int, kernel: Any, **options: Any) -> Any:
            return nn.Conv(features, kernel, dtype=dtype, name=name, **options)(x)

        x = (pixels / 255.0).astype(dtype)[..., None]
        x = nn.relu(convolve("conv1", x, first, (4, 4), strides=(2, 2), padding=((1, 1), (1, 1))))
        x = nn.relu(convolve("conv2", x, second, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1))))
        # All rows at once: from here on a picture is a sequence of columns.
        rows = config.patch_height // STRIDE
        x = nn.relu(convolve("conv3", x, third, (rows, 3), padding=((0, 0), (1, 1))))
        x = convolve("conv4", self.norm("norm3", x), fourth, (1, 3), padding=((0, 0), (1, 1)))
        x = self.norm("norm_pooled", _maxima(self.norm("norm4", x[:, 0]), _columns(pixels)))
        hidden = gelu(nn.Dense(config.stem_hidden, dtype=dtype, name="hidden")(x))
        x = nn.Dense(config.stem_width, dtype=dtype, name="skip")(x) + nn.Dense(
            config.stem_width, dtype=dtype, name="out"
        )(hidden)
        x = x.astype(jnp.float32)
        return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-12)

    def norm(self, name: str, x: jax.Array) -> jax.Array:
        """Normalise features in the last axis."""
        config = self.config
        return nn.LayerNorm(epsilon=config.norm_epsilon, dtype=config.dtype, name=name)(x)


def _columns(pixels: jax.Array) -> jax.Array:
    """Return the columns of features up to the last ink: uint8 [N, H, W] to int32 [N]."""
    inked = (pixels > 0).any(axis=1).reshape(len(pixels), -1, STRIDE).any(axis=-1)
    return (inked * jnp.arange(1, inked.shape[1] + 1)).max(axis=1)


def _maxima(x: jax.Array, columns: jax.Array) -> jax.Array:
    """Maximise features over the parts of each word: [N, L, F], int32 [N] to [N, parts * F].

    Blank words have zeros. Places are compared in whole numbers, as quotients round differently
    from one compiler to another.
    """
    place, last = jnp.arange(x.shape[1])[None], jnp.maximum(columns - 1, 1)[:, None]
    found = []
    for start, end in _PARTS:
        part = (place < columns[:, None]) & (100 * place >= start * last)
        part &= 100 * place <= end * last
        most = max_pool(jnp.where(part[..., None], x, -jnp.inf))
        found.append(jnp.where(part.any(axis=1)[:, None], most, 0))
    return jnp.concatenate(found, axis=-1)


class Tokens(nn.Module):
    """Pictures of words, or the stem's vectors of them, to tokens."""

    config: HybridConfig

    @nn.compact
    def __call__(self, words: jax.Array) -> jax.Array:
        """Map uint8 [N, H, W], or float [N, stem_width], to [N, D]."""
        return _tokens(self.config, words)


@functools.cache
def _apply(config: HybridConfig) -> Any:
    """Return the function of parameters and words; one for all traces of an architecture."""
    return lambda params, words: Tokens(config, parent=None).apply({"params": params}, words)


def _tokens(config: HybridConfig, words: jax.Array) -> jax.Array:
    """Map words to tokens by modules that belong to the one that calls."""
    dtype = jnp.dtype(config.dtype)
    x = words if words.ndim == 2 else Stem(config, name="stem")(words)
    x = x.astype(dtype)
    if not config.token_hidden:
        return x
    x = nn.LayerNorm(epsilon=config.norm_epsilon, dtype=dtype, name="norm_token")(
        x * config.stem_width**0.5
    )
    hidden = gelu(nn.Dense(config.token_hidden, dtype=dtype, name="token_hidden")(x))
    return nn.Dense(config.width, dtype=dtype, name="token_skip")(x) + nn.Dense(
        config.width, dtype=dtype, name="token_out"
    )(hidden)


class HybridTransformer(VisionTransformer):
    """The transformer of R rows of pictures of words."""

    config: Any

    def embed(self, pixels: jax.Array, dtype: jnp.dtype) -> jax.Array:
        """Map uint8 [R, S, H, W, 1] to [R, S, D].

        The stem's vectors, float [R, S, stem_width], and tokens, float [R, S, D], may stand for
        pictures.
        """
        if pixels.ndim == 3 and pixels.shape[-1] == self.config.width:
            return pixels.astype(dtype)
        words = pixels if pixels.ndim == 3 else pixels[..., 0]
        rows = words.reshape(-1, *words.shape[2:])
        if pixels.ndim == 3 and not self.is_initializing():
            most = max(1, len(rows) // _REPEATED)
            params = {
                name: own for name, own in self.variables["params"].items() if "token" in name
            }
            found = once_each(_apply(self.config), most, params, rows)
        else:
            found = _tokens(self.config, rows)
        return found.reshape(*words.shape[:2], -1)


@dataclasses.dataclass(frozen=True)
class HybridEncoder(ViTEncoder):
    """A hybrid vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929, section 3.1).

    A patch is the picture of a word. Its vector of the stem, and its token, depend on that picture
    alone, so they are computed once for each distinct one.
    """

    config: HybridConfig
    config_type = HybridConfig
    module = HybridTransformer

    def stem(self, params: Params, pixels: jax.Array | np.ndarray) -> jax.Array:
        """Return the stem's vectors of patches, float32 [N, stem_width], of uint8 [N, H, W'].

        W' may be less than a patch's width where the columns left out are blank: at least 8 blank
        columns keep the vector exactly.
        """
        found: Any = Stem(self.config).apply({"params": params["stem"]}, jnp.asarray(pixels))
        return found

    def stem_rows(self, params: Params, pixels: jax.Array) -> jax.Array:
        """Return the stem's vectors of rows, float32 [R, S, stem_width], of [R, S, H, W, 1]."""
        words = pixels.reshape(-1, *pixels.shape[2:4])
        return self.stem(params, words).reshape(*pixels.shape[:2], -1)

    def tokens(self, params: Params, pixels: jax.Array | np.ndarray) -> jax.Array:
        """Return the tokens of patches before positions, float32 [N, D], of uint8 [N, H, W']."""
        found: Any = Tokens(self.config).apply({"params": params}, jnp.asarray(pixels))
        return found.astype(jnp.float32)


def stem_only(params: Params, encoder: ViTEncoder) -> Params:
    """Return a start with the stem of another encoder; all else is drawn anew."""
    return {**encoder.init(0), "stem": params["stem"]}
