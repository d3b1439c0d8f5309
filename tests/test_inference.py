"""Few shapes, whatever comes; neither batch nor padding is seen in an embedding."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.inference import Embedder, _compiled
from pixel_linguist.model import ViTEncoder
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import one_text_a_row

WORDS = ["paint", "reads", "quickly", "über", "straße", "мир", "भाषा", "a", "I", "of"]


@pytest.fixture(scope="module")
def embedder(tiny_encoder: Callable[..., ViTEncoder]) -> Embedder:
    # Of a width of its own, so that its compilations are counted alone.
    encoder = tiny_encoder(width=40, max_patches=48)
    return Embedder(encoder, encoder.init(0), Renderer(patch=8, max_patches=48), 16)


def some_texts(number: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(0, 30))) for _ in range(number)]


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.slow
def test_embeddings_are_those_of_each_text_alone_without_padding(embedder: Embedder) -> None:
    texts = some_texts(150)
    alone = []
    for text in texts[:40]:
        rendered = embedder.renderer([text])
        rows = one_text_a_row(jnp.asarray(rendered.patches), jnp.asarray(rendered.count), jnp)
        one = embedder.encoder.encode(embedder.params, rows)
        alone.append(np.asarray(one["embedding"])[0, 0])
    found = embedder(texts)
    np.testing.assert_allclose(unit(found[:40]), unit(np.array(alone)), atol=1e-6)
    for number in (1, 2, 3, 17, 40):
        np.testing.assert_allclose(unit(embedder(texts[:number])), unit(found[:number]), atol=1e-6)
    assert _compiled(embedder.encoder)._cache_size() <= 8


@pytest.mark.parametrize(
    ("changes", "packs"),
    [({"pooling": "attention"}, True), ({"word_buckets": 50, "top_words": 5}, False)],
)
@pytest.mark.slow
def test_other_encoders_give_the_same_for_each_text(
    tiny_encoder: Callable[..., ViTEncoder], changes: dict[str, Any], packs: bool
) -> None:
    encoder = tiny_encoder(**changes, max_patches=48)
    assert encoder.packs == packs
    params, renderer = encoder.init(0), Renderer(patch=8, max_patches=48)
    texts = some_texts(40)
    rendered = renderer(texts, length=48)
    rows = one_text_a_row(jnp.asarray(rendered.patches), jnp.asarray(rendered.count), jnp)
    whole = np.asarray(encoder.encode(params, rows)["embedding"])[:, 0]
    found = Embedder(encoder, params, renderer, 16)(texts)
    np.testing.assert_allclose(unit(found), unit(whole), atol=1e-6)


def test_one_device_and_all_give_the_same(embedder: Embedder) -> None:
    texts = some_texts(70)
    assert embedder.single == len(jax.local_devices()) == 4
    one = Embedder(
        embedder.encoder, embedder.params, embedder.renderer, 16, devices=jax.local_devices()[:1]
    )
    np.testing.assert_allclose(unit(one(texts)), unit(embedder(texts)), atol=1e-6)


def test_a_stream_is_read_as_it_is_used(embedder: Embedder) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"text {taken % 100}"

    stream = embedder.stream(endless())
    sizes = [len(next(stream)[0]) for _ in range(2)]
    assert sizes == [1024, 1024] and taken == 2048


def test_cut_texts_are_counted_block_by_block(embedder: Embedder) -> None:
    texts = ["word " * 50] * 3 + ["short"] * 1100 + ["word " * 50]
    assert [cut for _, cut in embedder.stream(texts)] == [3, 1]
