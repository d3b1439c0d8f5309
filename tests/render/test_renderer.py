import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer

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


@pytest.fixture(scope="module", params=["words", "continuous", "bigrams", "mono"])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return Renderer(strategy=request.param)


def test_shapes(renderer: Renderer) -> None:
    rendered = renderer(TEXTS)
    assert rendered.patches.shape == (len(TEXTS), 64, 16, 16)
    assert rendered.patches.dtype == np.uint8 and rendered.count.dtype == np.int32
    assert rendered.count[4] == rendered.count[5] == 1
    assert rendered.stats.cut == 2
    np.testing.assert_array_equal(
        rendered.count[:6], np.minimum(renderer.count_patches(TEXTS), 64)[:6]
    )


@pytest.mark.parametrize("length", [1, 3, 64, 80])
def test_a_picture_is_the_start_of_the_longer_one(renderer: Renderer, length: int) -> None:
    rendered = renderer(TEXTS, length=length)
    whole = renderer(TEXTS)
    assert rendered.patches.shape[1] == length
    for i, text in enumerate(TEXTS):
        fits = renderer.count_patches([text])[0] <= min(length, 64)
        if fits:
            n = rendered.count[i]
            np.testing.assert_array_equal(rendered.patches[i, :n], whole.patches[i, :n])
        assert not rendered.patches[i, rendered.count[i] :].any()


def test_a_batch_is_its_texts(renderer: Renderer) -> None:
    together = renderer(TEXTS, length=64)
    for i, text in enumerate(TEXTS):
        np.testing.assert_array_equal(renderer([text], length=64).patches[0], together.patches[i])


def test_the_same_bytes_after_pickling_and_with_hardly_any_memory(renderer: Renderer) -> None:
    expected = renderer(TEXTS)
    copy = pickle.loads(pickle.dumps(renderer))
    tight = Renderer(**renderer.settings(), memory=1)
    for other in (copy, tight):
        rendered = other(TEXTS)
        np.testing.assert_array_equal(rendered.patches, expected.patches)
        np.testing.assert_array_equal(rendered.count, expected.count)
        assert rendered.stats == expected.stats
        np.testing.assert_array_equal(other.count_patches(TEXTS), renderer.count_patches(TEXTS))


def test_threads_draw_the_same(renderer: Renderer) -> None:
    texts = [f"word{i} {i * 7919 % 1000}th of many" for i in range(2000)]
    expected = renderer(texts, length=20).patches
    fresh = Renderer(**renderer.settings(), memory=1 << 17)
    with ThreadPoolExecutor(8) as pool:
        parts = [texts[i : i + 50] for i in range(0, len(texts), 50)]
        drawn = list(pool.map(lambda part: fresh(part, length=20).patches, parts))
    np.testing.assert_array_equal(np.concatenate(drawn), expected)


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"no font family 'arial', .*; there are .*noto"):
        Renderer(family="arial")
    with pytest.raises(ValueError, match="strategy"):
        Renderer(strategy="letters")
    with pytest.raises(TypeError, match="list of texts"):
        Renderer()("one text")
    texts: Any = [["a", "b"]]
    with pytest.raises(TypeError, match=r"a tuple of several .* not <class 'list'>"):
        Renderer()(texts)


@pytest.mark.parametrize("family", ["noto", "mono"])
def test_a_cluster_wider_than_the_room_that_is_left_is_left_out(family: str) -> None:
    renderer = Renderer(family=family, font_size=40)
    rendered = renderer(["W", "i W", "WWW"], length=2)
    assert rendered.stats.cut >= 1
    np.testing.assert_array_equal(rendered.patches[0], renderer(["W"], length=2).patches[0])


@pytest.mark.parametrize("strategy", ["words", "continuous", "bigrams", "mono"])
@pytest.mark.parametrize("patch", [(40, 4), (33, 8), (8, 40)])
def test_no_text_is_longer_than_it_may_be_in_patches_of_any_shape(
    strategy: str, patch: tuple[int, int]
) -> None:
    renderer = Renderer(strategy=strategy, patch=patch)
    texts: list[str | tuple[str, ...]] = [
        "",
        "a",
        "hello",
        "a long text of words",
        "שלום a",
        ("ab", "", "hello"),
        (),
    ]
    for length in (1, 2, 3, 7):
        rendered = renderer(texts, length)
        assert rendered.count.max() <= length
        for text, picture in zip(texts, rendered.patches, strict=True):
            assert (renderer([text], length).patches[0] == picture).all()


def test_a_text_of_no_parts_is_empty() -> None:
    renderer = Renderer()
    assert renderer([(), ""]).count.tolist() == [1, 1]
    assert renderer.count_patches([(), ("a", "b")]).tolist() == [1, 3]
