"""Which patches of a text a masked autoencoder hides; from each example's own key."""

import math

import jax
import jax.numpy as jnp

# How often a span of 1, 2, ... 6 patches is drawn; longer ones never (PIXEL, its run_pretraining).
SPAN_WEIGHTS = (0.2, 0.2, 0.2, 0.2, 0.1, 0.1)
# Spans that are tried for each patch that is to be masked; most of the last ones do not fit.
TRIES = 4


def kept(noise: jax.Array, mask_ratio: float) -> jax.Array:
    """Return the places of the patches with the least noise, int32 [K], ascending.

    Args:
        noise: float [S].
        mask_ratio: in (0, 1); K is int(S * (1 - mask_ratio)), at least 1.
    """
    count = max(int(noise.shape[0] * (1 - mask_ratio)), 1)
    return jnp.sort(jnp.argsort(noise)[:count]).astype(jnp.int32)


def masks(count: jax.Array, mask_ratio: float) -> jax.Array:
    """Return how many of `count` text patches are masked: the ratio of them, rounded up."""
    return jnp.ceil(count * jnp.float32(mask_ratio)).astype(jnp.int32)


def draw_spans(key: jax.Array, count: jax.Array, length: int, mask_ratio: float) -> jax.Array:
    """Draw spans of text patches, each with as many unmasked ones on both sides as it has itself.

    A span that does not fit, or would make more than the ratio, is given up; so fewer than the
    ratio may be masked.

    Args:
        key: of one example.
        count: int32 [], the text's patches.
        length: S.
        mask_ratio: of the text's patches.

    Returns:
        bool [S], True only at text.

    Source: PIXEL (Rust et al. 2023, arXiv 2207.06991), section 2.2 and its span masking with
    spacing "span".
    """
    place = jnp.arange(length)
    wanted = masks(count, mask_ratio)

    def attempt(i: jax.Array, mask: jax.Array) -> jax.Array:
        draw = jax.random.fold_in(key, i)
        weights = jnp.log(jnp.asarray(SPAN_WEIGHTS))
        span = 1 + jax.random.categorical(jax.random.fold_in(draw, 0), weights)
        span = jnp.minimum(span, wanted)
        start = jax.random.randint(jax.random.fold_in(draw, 1), (), 0, count - span + 1)
        inside = (place >= start) & (place < start + span)
        around = (place >= start - span) & (place < start + 2 * span)
        fits = ~(mask & around).any() & (mask.sum() + span <= wanted)
        return jnp.where(fits, mask | inside, mask)

    tries = TRIES * math.ceil(length * mask_ratio)
    # Nothing is masked yet; written so that shard_map knows it to differ by device, as keys do.
    return jax.lax.fori_loop(0, tries, attempt, place > length + count)


def span_noise(key: jax.Array, count: jax.Array, length: int, mask_ratio: float) -> jax.Array:
    """Return noise for `kept` that masks spans, and more text at random up to the ratio exactly.

    Padding goes before text that is not to be masked, so that all of that is kept.

    Args:
        key: of one example.
        count: int32 [], the text's patches.
        length: S.
        mask_ratio: of the text's patches.

    Returns:
        float32 [S].
    """
    noise = jax.random.uniform(jax.random.fold_in(key, 0), (length,))
    text = jnp.arange(length) < count
    spans = draw_spans(jax.random.fold_in(key, 1), count, length, mask_ratio)
    # Text by rank: spans, other text, padding.
    order = jnp.argsort(jnp.argsort(-jnp.where(text, spans + noise / 2, -1)))
    masked = order < masks(count, mask_ratio)
    return noise + jnp.where(masked, 2, jnp.where(text, 0, 1))


def row_masks(key: jax.Array, count: jax.Array, length: int, mask_ratio: float) -> jax.Array:
    """Draw the patches that each prediction of a decoder from the embedding may read.

    Each patch has a draw of its own: the ratio of the other text patches is hidden, rounded up.

    Args:
        key: of one example.
        count: int32 [], the text's patches.
        length: S.
        mask_ratio: in [0, 1).

    Returns:
        bool [S, S], row i for the prediction of patch i; never i itself, and never padding.

    Source: RetroMAE (Xiao et al. 2022, arXiv 2205.12035), section 3.3.
    """
    noise = jax.random.uniform(key, (length, length))
    other = (jnp.arange(length) < count) & ~jnp.eye(length, dtype=bool)
    shown = jnp.maximum(count - 1, 0)
    shown -= masks(shown, mask_ratio)
    ranks = jnp.argsort(jnp.argsort(jnp.where(other, noise, 2), axis=1), axis=1)
    return other & (ranks < shown)
