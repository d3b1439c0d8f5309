"""Masks of a masked autoencoder: the share that is asked for, in spans, of text alone."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.objective.masking import SPAN_WEIGHTS, draw_spans, kept, masks, span_noise

LENGTH = 32
EXAMPLES = 400
RATIO = 0.25


def draw(function: object, counts: np.ndarray, seed: int = 0) -> np.ndarray:
    keys = jax.random.split(jax.random.key(seed), len(counts))
    run = jax.jit(jax.vmap(lambda key, count: function(key, count, LENGTH, RATIO)))  # type: ignore[operator]
    return np.asarray(run(keys, counts))


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return the (start, length) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(a, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@settings(deadline=None, max_examples=50)
# XLA takes subnormal numbers for zero.
@given(
    st.lists(st.floats(0, 1, width=32, allow_subnormal=False), min_size=2, max_size=40),
    st.floats(0.01, 0.99),
)
def test_the_patches_with_the_least_noise_are_kept(noise: list[float], ratio: float) -> None:
    values = np.array(noise, np.float32)
    found = np.asarray(kept(jnp.asarray(values), ratio))
    assert len(found) == max(int(len(values) * (1 - ratio)), 1)
    assert found.tolist() == sorted(set(found.tolist()))
    rest = np.delete(values, found)
    assert not len(rest) or values[found].max() <= rest.min()


def test_a_quarter_of_the_text_is_masked_and_all_else_of_it_kept() -> None:
    counts = np.tile(np.arange(1, LENGTH + 1, dtype=np.int32), 8)
    noise = draw(span_noise, counts)
    for row, count in zip(noise, counts, strict=True):
        keep = np.asarray(kept(row, RATIO))
        masked = np.delete(np.arange(LENGTH), keep)
        assert (masked < count).sum() == np.ceil(RATIO * count) == masks(count, RATIO)


def test_spans_lie_in_the_text_apart_and_not_beyond_the_share() -> None:
    counts = np.random.default_rng(0).integers(1, LENGTH + 1, EXAMPLES).astype(np.int32)
    lengths = []
    for mask, count in zip(draw(draw_spans, counts), counts, strict=True):
        found = runs(mask)
        assert not mask[count:].any() and 0 < mask.sum() <= np.ceil(RATIO * count)
        for (start, length), (following, other) in itertools.pairwise(found):
            # Either may have been drawn first; the shorter of them still had its room.
            assert following - start - length >= min(length, other)
        lengths += [length for _, length in found]
    share = np.bincount(lengths, minlength=7)[1:] / len(lengths)
    assert len(share) == len(SPAN_WEIGHTS) and (share > 0).all()


def test_most_of_a_long_text_s_share_is_in_spans() -> None:
    counts = np.full(EXAMPLES, LENGTH, np.int32)
    mask = draw(draw_spans, counts)
    assert mask.sum(1).mean() > 0.9 * RATIO * LENGTH
    # No place is left out, and none is preferred by much.
    share = mask.mean(0)
    assert share.min() > 0.08 and share.max() < 0.45


def test_masks_follow_the_example_s_own_key() -> None:
    counts = np.full(8, 20, np.int32)
    first = draw(span_noise, counts)
    assert np.array_equal(first, draw(span_noise, counts))
    assert not np.array_equal(first[0] > 2, first[1] > 2)
    assert not np.array_equal(first > 2, draw(span_noise, counts, seed=1) > 2)
    keys = jax.random.split(jax.random.key(0), 8)
    alone = span_noise(keys[3], counts[3], LENGTH, RATIO)
    np.testing.assert_array_equal(alone, first[3])
