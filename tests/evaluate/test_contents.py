"""Texts and pictures are embedded by one encoder, in the order in which they are given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.data.example import Content
from pixel_linguist.evaluate.similarity import CachedEmbed
from pixel_linguist.inference import Embedder
from pixel_linguist.model import ViTEncoder
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import picture_patches

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, size, np.uint8) for size in [(16, 24, 3)] * 3 + [(8, 8, 3)]]


@pytest.fixture(scope="module")
def embedder(tiny_encoder: Callable[..., ViTEncoder]) -> Embedder:
    encoder = tiny_encoder(max_patches=12, width=16, depth=1, channels=3, max_rows=2)
    return Embedder(encoder, encoder.init(0), Renderer(patch=8, max_patches=12), 4)


@pytest.mark.slow
def test_texts_and_pictures_are_embedded_as_each_alone(embedder: Embedder, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(PICTURES[0]).save(path)
    given: list[Content] = ["one", PICTURES[0], "two", PICTURES[3], path, PICTURES[1], PICTURES[2]]
    found = embedder(given)
    for content, row in zip(given, found, strict=True):
        if isinstance(content, str):
            alone = embedder([content])[0]
        else:
            pixels = PICTURES[0] if isinstance(content, Path) else np.asarray(content)
            patches = picture_patches(pixels[None], (8, 8))
            alone = embedder.encoder.encode(embedder.params, patches)["embedding"][0, 0]
        np.testing.assert_allclose(row, alone, atol=1e-5)
    assert np.abs(found[1] - found[5]).max() > 1e-3


def test_pictures_beyond_the_encoders_positions_are_refused(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="positions"):
        embedder([np.zeros((24, 8, 3), np.uint8)])
    with pytest.raises(ValueError, match="uint8"):
        embedder([np.zeros((8, 8))])


def test_a_picture_is_embedded_once() -> None:
    asked: list[Content] = []

    def embed(contents: Any) -> np.ndarray:
        asked.extend(contents)
        return np.array([[len(asked) - len(contents) + i, 1.0] for i in range(len(contents))])

    cached = CachedEmbed(embed)
    first = cached(["a", PICTURES[0], PICTURES[0].copy()])
    np.testing.assert_array_equal(cached([PICTURES[1], PICTURES[0], "a"])[1:], first[[1, 0]])
    assert len(asked) == 3
