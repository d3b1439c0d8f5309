"""A vision transformer over rows of patches.

Attention is masked so that texts of one row, and rows of one batch, do not see one another, and
every row draws dropout from a key of its own: an embedding depends neither on its neighbours nor
on the number of devices.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

# Arrays [R] by name that blocks may go by, such as a domain.
Options = Mapping[str, jax.Array]
# Blocks of a stack that is unrolled, at most.
_UNROLLED = 6
# What is computed again in the backward pass, instead of being kept for it from the forward pass.
Remat = Literal["none", "blocks", "dots"]
# Of each block, what is kept beside its input.
_KEPT = {
    "blocks": jax.checkpoint_policies.nothing_saveable,
    # Products with weight matrices; not attention's, which grow with the square of the length.
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}


class Dropout(nn.Module):
    """Dropout by a hash of each element's place, a tenth of the time `flax.linen` takes on a CPU.

    The rate is rounded to the nearest 1/256 (255/256 at most) and the scale follows the rounded
    rate, so that the expectation is exact.
    """

    rate: float

    @nn.compact
    def __call__(self, x: jax.Array, keys: jax.Array | None) -> jax.Array:
        """Zero elements of [R, ...] at random, each row by its own key [R]; None: no dropout."""
        threshold = min(round(self.rate * 256), 255)
        if keys is None or threshold == 0:
            return x
        # The rng tells places of dropout apart, in all layers of a scan, and the keys tell rows.
        site = jax.random.bits(self.make_rng("dropout"), (), jnp.uint32)
        row_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, site)
        bits = jax.vmap(lambda key: hashed_bits(key, x.shape[1:]))(row_keys)
        return jnp.where(
            bits >= jnp.uint32(threshold << 24), x * (256 / (256 - threshold)), 0
        ).astype(x.dtype)


class DropHeads(nn.Module):
    """Drops whole attention heads of a row, at least one of them kept, and scales the rest.

    Source: Zhou et al. 2020 (arXiv 2004.13342), section 3.1, without a schedule.
    """

    rate: float

    @nn.compact
    def __call__(self, x: jax.Array, keys: jax.Array | None) -> jax.Array:
        """Zero heads of [R, heads, S, D] at random, each row by its own key [R]; None: none."""
        if keys is None or self.rate == 0:
            return x
        site = jax.random.bits(self.make_rng("dropout"), (), jnp.uint32)
        row_keys = jax.vmap(jax.random.fold_in, (0, None))(keys, site)
        draws = jax.vmap(lambda key: jax.random.uniform(key, x.shape[1:2]))(row_keys)
        kept = (draws >= self.rate) | (draws == draws.max(axis=1, keepdims=True))
        scale = kept.shape[1] / kept.sum(axis=1, keepdims=True)
        return x * (kept * scale).astype(x.dtype)[:, :, None, None]


def hashed_bits(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Return random uint32 of a shape, hashed from each element's place and a key.

    Threefry's bits are fit for any use, and took a sixth of a training step on a CPU; dropout needs
    them even and unlike other keys'. The hash is hash-prospector's lowbias32
    (github.com/skeeto/hash-prospector), taken once with each of two words that the key draws.
    """
    x = jax.lax.iota(jnp.uint32, math.prod(shape))
    for word in jax.random.bits(key, (2,), jnp.uint32):
        x ^= word
        x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
        x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
        x ^= x >> 16
    return x.reshape(shape)


@jax.checkpoint
def gelu(x: jax.Array) -> jax.Array:
    """Return the exact (erf) GELU of an array; nothing but `x` is kept for the backward pass.

    To compute it again is faster than to write and read four more arrays of this size.
    """
    return 0.5 * x * (1 + jax.lax.erf(x * 0.5**0.5))


class QueryKeyValue(nn.Module):
    """Queries, keys and values of all heads by one matrix; the keys' bias is not trained.

    A bias of the keys shifts all scores of a query alike, which the softmax cancels: its
    gradient is nothing but rounding, which Adam would scale up to whole steps, different ones
    on another number of devices.
    """

    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Map float [..., D] to float [..., 3 D]."""
        width = x.shape[-1]
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (width, 3 * width))
        bias = self.param("bias", nn.initializers.zeros, (3 * width,))
        of_key = jnp.arange(3 * width) // width == 1
        bias = jnp.where(of_key, jax.lax.stop_gradient(bias), bias)
        return x @ kernel.astype(self.dtype) + bias.astype(self.dtype)


class SelfAttention(nn.Module):
    """Multi-head self-attention with padding masked; scores and softmax in float32."""

    heads: int
    dropout: float
    dtype: jnp.dtype
    drophead: float

    @nn.compact
    def __call__(self, x: jax.Array, mask: jax.Array, keys: jax.Array | None) -> jax.Array:
        """Map float [R, S, D] to the same; bool [R, 1, 1 or S, S] says who reads whom."""
        rows, length, width = x.shape
        size = width // self.heads
        project = QueryKeyValue(self.dtype, name="query_key_value")
        # Split, not sliced: the gradient of slices is a sum of padded arrays.
        query, key, value = (
            part.reshape(rows, length, self.heads, size)
            for part in jnp.split(project(x), 3, axis=-1)
        )
        drops = keys is not None and (self.dropout or self.drophead)
        if drops or jax.default_backend() == "cpu":
            mixed = self._by_products(query, key, value, mask, keys)
        else:
            # cuDNN's fused attention keeps no weights, and takes 16 bits alone.
            fused = jax.default_backend() == "gpu" and self.dtype.itemsize == 2
            mixed = jax.nn.dot_product_attention(
                query,
                key,
                value,
                mask=jnp.broadcast_to(mask, (rows, 1, length, length)),
                implementation="cudnn" if fused else "xla",
            )
        return nn.Dense(width, dtype=self.dtype, name="out")(mixed.reshape(x.shape))

    def _by_products(
        self, query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array, keys: Any
    ) -> jax.Array:
        """Map float [R, S, heads, D] each to the same.

        Heads first and each an ordinary product of matrices: a quarter less time on a CPU.
        """
        size = query.shape[-1]
        query, key = query.swapaxes(1, 2), key.transpose(0, 2, 3, 1)
        scores = jnp.matmul(query * size**-0.5, key, preferred_element_type=jnp.float32)
        weights = nn.softmax(jnp.where(mask, scores, -1e9)).astype(self.dtype)
        weights = Dropout(self.dropout)(weights, keys)
        return DropHeads(self.drophead)(weights @ value.swapaxes(1, 2), keys).swapaxes(1, 2)


class Block(nn.Module):
    """A pre-norm transformer block with exact (erf) GELU."""

    heads: int
    mlp_width: int
    dropout: float
    norm_epsilon: float
    dtype: jnp.dtype
    drophead: float

    @nn.compact
    def __call__(
        self, x: jax.Array, mask: jax.Array, keys: jax.Array | None, options: Options
    ) -> tuple[jax.Array, None]:
        """Map float [R, S, D] to the same, and None, for `nn.scan`.

        Args:
            x: features.
            mask: bool [R, 1, 1 or S, S], who reads whom.
            keys: of dropout, [R]; None at inference.
            options: arrays [R] by name that other kinds of MLP go by.
        """
        drop = Dropout(self.dropout)
        norm = nn.LayerNorm(epsilon=self.norm_epsilon, dtype=self.dtype, name="norm_attention")
        heads = self.heads, self.dropout, self.dtype, self.drophead
        attend = SelfAttention(*heads, name="attention")
        x = x + drop(attend(norm(x), mask, keys), keys)
        y = nn.LayerNorm(epsilon=self.norm_epsilon, dtype=self.dtype, name="norm_mlp")(x)
        return x + drop(self.mlp(y, options), keys), None

    def mlp(self, x: jax.Array, options: Options) -> jax.Array:
        """Map float [R, S, D] to the same."""
        hidden = gelu(nn.Dense(self.mlp_width, dtype=self.dtype, name="mlp_in")(x))
        return nn.Dense(x.shape[-1], dtype=self.dtype, name="mlp_out")(hidden)


def block_stack(
    *, depth: int, remat: Remat, kind: type[nn.Module] = Block, **block: Any
) -> nn.Module:
    """Return `depth` blocks as one scanned module, their parameters stacked.

    Without remat a short stack is unrolled: a step on a CPU takes a seventh less, as nothing is
    copied from and to the loop. Others are compiled once, whatever the depth.

    Args:
        depth: number of blocks.
        remat: what is computed again in the backward pass to save memory: "none"; "blocks", all of
            a block but its input (a third more operations); or "dots", all but its products with
            weight matrices (Chen et al. 2016, arXiv 1604.06174, section 4). Gradients are the same.
        kind: of the blocks.
        **block: its arguments.
    """
    scanned = nn.scan(
        kind if remat == "none" else nn.remat(kind, prevent_cse=False, policy=_KEPT[remat]),
        variable_axes={"params": 0},
        split_rngs={"params": True, "dropout": True},
        in_axes=nn.broadcast,
        length=depth,
        unroll=depth if remat == "none" and depth <= _UNROLLED else 1,
    )
    return scanned(**block, name="blocks")
