"""The renderer's contract: shapes, counts, cuts; the same bytes in any batch, thread or memory."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.renderer import STRATEGIES

TEXTS = [
    "The quick brown fox, Ågjpy",
    "Привет, мир! Щука",
    "नमस्ते दुनिया हिन्दी",
    "Ελληνικά ἄνθρωπος",
    "",
    " \n",
    "x" * 3000,
    "many words " * 300,
]


@pytest.fixture(scope="module", params=STRATEGIES)
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return Renderer(strategy=request.param)


@pytest.mark.parametrize("length", [None, 1, 3, 64, 80])
def test_a_shorter_picture_is_the_start_of_the_longer_one(
    renderer: Renderer, length: int | None
) -> None:
    rendered, whole, needed = (
        renderer(TEXTS, length),
        renderer(TEXTS),
        renderer.count_patches(TEXTS),
    )
    room = min(length or 64, 64)
    assert rendered.patches.shape == (len(TEXTS), length or 64, 16, 16)
    assert rendered.patches.dtype == np.uint8 and rendered.count.dtype == np.int32
    assert rendered.count[4] == rendered.count[5] == 1
    assert rendered.stats.cut == (needed > room).sum() and rendered.count.max() <= room
    for i, n in enumerate(rendered.count):
        if needed[i] <= room:
            assert n == needed[i]
            np.testing.assert_array_equal(rendered.patches[i, :n], whole.patches[i, :n])
        assert not rendered.patches[i, n:].any()


def test_the_same_bytes_alone_after_pickling_and_with_hardly_any_memory(renderer: Renderer) -> None:
    expected = renderer(TEXTS, 64)
    for i, text in enumerate(TEXTS):
        np.testing.assert_array_equal(renderer([text], 64).patches[0], expected.patches[i])
    copy = pickle.loads(pickle.dumps(renderer))
    tight = Renderer(**renderer.settings(), memory=1)
    for other in (copy, tight):
        rendered = other(TEXTS, 64)
        np.testing.assert_array_equal(rendered.patches, expected.patches)
        np.testing.assert_array_equal(rendered.count, expected.count)
        assert rendered.stats == expected.stats
        np.testing.assert_array_equal(other.count_patches(TEXTS), renderer.count_patches(TEXTS))


def test_threads_draw_the_same(renderer: Renderer) -> None:
    texts = [f"word{i} {i * 7919 % 1000}th of many שלום{i % 9}" for i in range(1000)]
    expected = renderer(texts, length=20).patches
    # So little memory that caches are given up while other threads still read from them.
    fresh = Renderer(**renderer.settings(), memory=1 << 17)
    with ThreadPoolExecutor(8) as pool:
        parts = [texts[i : i + 50] for i in range(0, len(texts), 50)]
        drawn = list(pool.map(lambda part: fresh(part, length=20).patches, parts))
    np.testing.assert_array_equal(np.concatenate(drawn), expected)


@pytest.mark.parametrize(
    ("settings", "error", "word"),
    [
        ({"family": "arial"}, ValueError, "noto"),
        ({"strategy": "letters"}, ValueError, "strategy"),
        ({"patch": (3, 16)}, ValueError, "patch"),
        ({"max_patches": 0}, ValueError, "max_patches"),
        ({"font_size": "12"}, ValueError, "font_size"),
        ({"weight": 0}, ValueError, "weight"),
        ({"slant": 60}, ValueError, "slant"),
    ],
)
def test_impossible_settings_are_refused(
    settings: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        Renderer(**settings)


@pytest.mark.parametrize(("texts", "word"), [("one text", "list"), ([["a", "b"]], "tuple")])
def test_texts_of_another_type_are_refused(texts: Any, word: str) -> None:
    with pytest.raises(TypeError, match=word):
        Renderer()(texts)


@pytest.mark.parametrize("family", ["noto", "mono"])
def test_a_cluster_wider_than_the_rest_of_the_room_is_dropped(family: str) -> None:
    renderer = Renderer(family=family, font_size=40)
    rendered = renderer(["W", "i W", "WWW"], length=2)
    assert rendered.stats.cut >= 1
    np.testing.assert_array_equal(rendered.patches[0], renderer(["W"], length=2).patches[0])


@pytest.mark.parametrize("patch", [(40, 4), (33, 8), (8, 40)])
def test_no_text_exceeds_its_length_in_patches_of_any_shape(
    renderer: Renderer, patch: tuple[int, int]
) -> None:
    renderer = Renderer(strategy=renderer.strategy, patch=patch)
    texts: list[str | tuple[str, ...]] = ["", "a", "a long text of words", "שלום a"]
    texts += [("ab", "", "hello"), ()]
    for length in (1, 2, 3, 7):
        rendered = renderer(texts, length)
        assert rendered.count.max() <= length
        for text, picture in zip(texts, rendered.patches, strict=True):
            assert (renderer([text], length).patches[0] == picture).all()


def test_a_text_of_no_parts_is_empty() -> None:
    renderer = Renderer()
    assert renderer([(), ""]).count.tolist() == [1, 1]
    assert renderer.count_patches([(), ("a", "b")]).tolist() == [1, 3]
