"""Word logits and the embedding that they join, against plain computations."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.evaluate.embed import Embedder
from pixel_linguist.model import EncoderConfig, encode, init_params
from pixel_linguist.model.decoder import (
    DecoderConfig,
    decoder_param_shapes,
    init_decoder_params,
    load_decoder,
    reconstruct,
    save_decoder,
)
from pixel_linguist.model.store import Model, load_model, save_model
from pixel_linguist.model.words import sparsify
from pixel_linguist.render import Renderer

Make = Callable[..., EncoderConfig]
BUCKETS, TOP = 20, 6
COUNTS = np.array([3, 8, 1], np.int32)
KEEP = np.array([[0, 1, 5, 6], [0, 2, 4, 7], [7, 3, 1, 2]], np.int32)
DUPLEX = DecoderConfig(
    width=16, depth=1, heads=2, mlp_width=32, from_embedding=True, word_buckets=BUCKETS
)
SHOWN = np.array([[0, 4], [3, 6], [1, 5]], np.int32)
ENCODE: Any = jax.jit(encode, static_argnums=0)
RECONSTRUCT: Any = jax.jit(reconstruct, static_argnums=(0, 1))


def patches(seed: int = 0, length: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, length, 8, 8), np.uint8)


def perturbed(params: Any) -> Any:
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype), params)


def slow_logits(features: np.ndarray, text: np.ndarray, head: Any) -> np.ndarray:
    """Return [B, V]: of each bucket the highest logit over the patches that are text."""
    kernel, bias = (np.asarray(head["buckets"][name], np.float64) for name in ("kernel", "bias"))
    found = np.full((len(features), kernel.shape[1]), -1000.0)
    for b, rows in enumerate(np.asarray(features, np.float64)):
        for s, row in enumerate(rows):
            for v in range(kernel.shape[1]):
                if text[b, s]:
                    found[b, v] = max(found[b, v], row @ kernel[:, v] + bias[v])
    return found


def joined(make: Make, **changes: Any) -> EncoderConfig:
    return make(max_patches=8, word_buckets=BUCKETS, top_words=TOP, **changes)


@pytest.mark.parametrize("cls_token", [False, True])
def test_the_joined_embedding_is_the_sentence_s_and_its_highest_words(
    tiny_encoder: Make, cls_token: bool
) -> None:
    config = joined(tiny_encoder, cls_token=cls_token)
    params = perturbed(init_params(config, 0))
    found = ENCODE(config, params, patches(), COUNTS)
    assert found["embedding"].shape == (3, config.dimension) == (3, 32 + BUCKETS)
    text = np.arange(8) < COUNTS[:, None]
    logits = slow_logits(found["patch_features"], text, params["words"])
    np.testing.assert_allclose(found["word_logits"], logits, atol=1e-5)
    words = np.asarray(found["embedding"])[:, 32:]
    for row, own in zip(logits, words, strict=True):
        highest = sorted(range(BUCKETS), key=lambda v: -row[v])[:TOP]
        expected = [row[v] if v in highest else 0 for v in range(BUCKETS)]
        np.testing.assert_allclose(own, expected, atol=1e-5)
    # The sentence's own part is what an encoder without words computes.
    plain = dataclasses.replace(config, word_buckets=0, top_words=0)
    rest = {name: value for name, value in params.items() if name != "words"}
    alone = ENCODE(plain, rest, patches(), COUNTS)["embedding"]
    np.testing.assert_allclose(np.asarray(found["embedding"])[:, :32], alone, atol=1e-6)


def test_the_product_of_joined_embeddings_is_that_of_their_parts(tiny_encoder: Make) -> None:
    # DupMAE's relevance: the product of the sentences' and that of the words both have kept.
    config = joined(tiny_encoder)
    params = perturbed(init_params(config, 0))
    found = ENCODE(config, params, patches(), COUNTS)["embedding"]
    first, second, _ = np.asarray(found, np.float64)
    common = set(np.flatnonzero(first[32:])) & set(np.flatnonzero(second[32:]))
    words = sum(first[32 + v] * second[32 + v] for v in common)
    assert first @ second == pytest.approx(first[:32] @ second[:32] + words)


def test_padding_does_not_change_the_joined_embedding(tiny_encoder: Make) -> None:
    config = dataclasses.replace(joined(tiny_encoder), max_patches=16)
    params = perturbed(init_params(config, 0))
    short = ENCODE(config, params, patches(), COUNTS)["embedding"]
    longer = np.concatenate([patches(), patches(7)], axis=1)
    np.testing.assert_allclose(
        ENCODE(config, params, longer, COUNTS)["embedding"], short, atol=1e-5
    )


def test_sparsifying_keeps_signs_and_gradients_of_what_it_keeps() -> None:
    logits = jnp.array([-3.0, 2.0, -1.0, 0.5, -2.0])
    assert sparsify(logits, 3).tolist() == [0, 2, -1, 0.5, 0]
    assert sparsify(logits, 5).tolist() == logits.tolist()
    weights = np.arange(1.0, 6)
    gradient = jax.grad(lambda x: (sparsify(x, 3) * weights).sum())(logits)
    assert gradient.tolist() == [0, 2, 3, 4, 0]


def test_words_of_a_decoder_come_from_the_text_patches_that_were_read(tiny_encoder: Make) -> None:
    config = tiny_encoder(max_patches=8)
    params = {
        "encoder": perturbed(init_params(config, 0)),
        "decoder": perturbed(init_decoder_params(config, DUPLEX, 0)),
    }
    found = RECONSTRUCT(config, DUPLEX, params, patches(), COUNTS, KEEP, None, SHOWN)
    head = params["decoder"]["words"]
    logits = slow_logits(found["patch_features"], COUNTS[:, None] > KEEP, head)
    np.testing.assert_allclose(found["word_logits"], logits, atol=1e-5)
    # Of the third text nothing is read.
    assert (np.asarray(found["word_logits"])[2] == -1000).all()
    # What else is computed does not depend on words.
    pixels = dataclasses.replace(DUPLEX, word_buckets=0)
    again = RECONSTRUCT(config, pixels, params, patches(), COUNTS, KEEP, None, SHOWN)
    assert "word_logits" not in again
    np.testing.assert_allclose(again["predictions"], found["predictions"], atol=1e-6)


def test_a_decoder_is_given_the_sentence_s_part_alone(tiny_encoder: Make) -> None:
    config = joined(tiny_encoder)
    decoder = dataclasses.replace(DUPLEX, word_buckets=0)
    params = {
        "encoder": perturbed(init_params(config, 0)),
        "decoder": perturbed(init_decoder_params(config, decoder, 0)),
    }
    given = patches(), COUNTS, KEEP, None, SHOWN
    found = RECONSTRUCT(config, decoder, params, *given)
    other = jax.tree.map(lambda x: x, params)
    other["encoder"]["words"] = jax.tree.map(lambda x: x + 1, params["encoder"]["words"])
    again = RECONSTRUCT(config, decoder, other, *given)
    assert np.array_equal(again["predictions"], found["predictions"])
    assert not np.array_equal(again["word_logits"], found["word_logits"])


def test_words_are_stored_with_their_decoder(tmp_path: Path, tiny_encoder: Make) -> None:
    config = tiny_encoder()
    params = init_decoder_params(config, DUPLEX, 0)
    shapes = jax.tree.map(lambda x: x.shape, params)
    assert shapes == jax.tree.map(lambda x: x.shape, decoder_param_shapes(config, DUPLEX))
    save_decoder(tmp_path, DUPLEX, params)
    loaded = load_decoder(tmp_path, config)
    assert loaded and loaded[0] == DUPLEX
    assert np.array_equal(
        loaded[1]["words"]["buckets"]["kernel"], params["words"]["buckets"]["kernel"]
    )


def test_a_joined_model_is_stored_and_embeds_text(tmp_path: Path, tiny_encoder: Make) -> None:
    config = joined(tiny_encoder)
    renderer = Renderer(patch=8, max_patches=8)
    model = Model(config, init_params(config, 0), renderer.settings(), renderer.font_hashes())
    save_model(tmp_path, model)
    assert f"| embedding | {32 + BUCKETS} numbers" in (tmp_path / "README.md").read_text()
    loaded = load_model(tmp_path)
    found = Embedder(loaded.config, loaded.params, renderer, 4)(["A cook.", "", "A pilot saw it."])
    assert found.shape == (3, 32 + BUCKETS)
    assert ((found[:, 32:] != 0).sum(axis=1) == TOP).all()


@pytest.mark.parametrize(("buckets", "top"), [(0, 1), (4, 0), (4, 5), (-1, 0)])
def test_impossible_numbers_of_words_are_refused(
    tiny_encoder: Make, buckets: int, top: int
) -> None:
    with pytest.raises(ValueError, match=f"model.top_words is {top}; of {buckets} model.word_b"):
        tiny_encoder(word_buckets=buckets, top_words=top)
