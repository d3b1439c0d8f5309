"""Word logits and the embedding that they join, against plain computations."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.words import WordLogits, sparsify
from pixel_linguist.render.patches import one_text_a_row

Make = Callable[..., ViTEncoder]
BUCKETS, TOP = 20, 6
COUNTS = np.array([3, 8, 1], np.int32)
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 8), np.uint8)
LINES = one_text_a_row(PIXELS, COUNTS)


def moved(params: Any) -> Any:
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype), params)


def slow_logits(features: Any, read: np.ndarray, head: Any) -> np.ndarray:
    """Return [B, V]: of each bucket the highest logit over the patches that are read."""
    kernel, bias = (np.asarray(head["buckets"][name], np.float64) for name in ("kernel", "bias"))
    found = np.full((len(features), kernel.shape[1]), -1000.0)
    for b, rows in enumerate(np.asarray(features, np.float64)):
        for s, row in enumerate(rows):
            for v in range(kernel.shape[1]):
                if read[b, s]:
                    found[b, v] = max(found[b, v], row @ kernel[:, v] + bias[v])
    return found


def test_word_logits_are_the_highest_of_the_patches_that_are_read() -> None:
    features = np.random.default_rng(2).normal(size=(3, 8, 5)).astype(np.float32)
    layer, members = WordLogits(BUCKETS, jnp.dtype("float32")), LINES.segment == 0
    members[2] = False
    params = moved(layer.init(jax.random.key(0), features, members[:, None])["params"])
    found: Any = layer.apply({"params": params}, features, members[:, None])
    expected = slow_logits(features, members, params)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)
    assert (expected[2] == -1000).all()


@pytest.mark.parametrize("cls_token", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_joined_embedding_is_the_sentence_s_and_its_highest_words(
    tiny_encoder: Make, cls_token: bool
) -> None:
    plain = tiny_encoder(max_patches=8, cls_token=cls_token)
    encoder = tiny_encoder(max_patches=8, cls_token=cls_token, word_buckets=BUCKETS, top_words=TOP)
    params = moved(encoder.init(0))
    outputs = ("embedding", "patch_features", "word_logits")
    found = jax.jit(functools.partial(encoder.encode, outputs=outputs))(params, LINES)
    embedding = np.asarray(found["embedding"], np.float64)[:, 0]
    assert embedding.shape == (3, encoder.dimension) == (3, 32 + BUCKETS)
    logits = slow_logits(found["patch_features"], LINES.segment == 0, params["words"])
    np.testing.assert_allclose(found["word_logits"][:, 0], logits, atol=1e-5)
    for row, own in zip(logits, embedding[:, 32:], strict=True):
        highest = sorted(range(BUCKETS), key=lambda v: -row[v])[:TOP]
        expected = [row[v] if v in highest else 0 for v in range(BUCKETS)]
        np.testing.assert_allclose(own, expected, atol=1e-5)
    # The sentence's own part is what an encoder without words computes.
    rest = {name: value for name, value in params.items() if name != "words"}
    alone = jax.jit(plain.encode)(rest, LINES)["embedding"][:, 0]
    np.testing.assert_allclose(embedding[:, :32], alone, atol=1e-6)
    # DupMAE's relevance: the product of the sentences' and that of the words both have kept.
    first, second, _ = embedding
    common = set(np.flatnonzero(first[32:])) & set(np.flatnonzero(second[32:]))
    words = sum(first[32 + v] * second[32 + v] for v in common)
    assert first @ second == pytest.approx(first[:32] @ second[:32] + words)


def test_sparsifying_keeps_signs_and_gradients_of_what_it_keeps() -> None:
    logits = jnp.array([-3.0, 2.0, -1.0, 0.5, -2.0])
    assert sparsify(logits, 3).tolist() == [0, 2, -1, 0.5, 0]
    assert sparsify(logits, 5).tolist() == logits.tolist()
    weights = np.arange(1.0, 6)
    gradient = jax.grad(lambda x: (sparsify(x, 3) * weights).sum())(logits)
    assert gradient.tolist() == [0, 2, 3, 4, 0]
