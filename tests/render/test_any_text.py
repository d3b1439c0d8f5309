"""Whatever the text, there is a picture of it, in bounded time and within its patches."""

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixel_linguist.render import Renderer
from pixel_linguist.render.renderer import STRATEGIES

# Every code point there is: unassigned ones and lone surrogates too, and often those that matter.
ODD = (
    "\u0000\u00ad\u0301\u034f\u061c\u0915\u093f\u094d\u0e33\u1100\u115f\u1161\u17d2\u180e\u200b"
    "\u200d\u200e\u200f\u202b\u202e\u2066\u2067\u2069\u20e3\ud800\udfff\ufe0f\ufeff\uffff"
    "\U0001f1e9\U0001f3fd\U000e0061\U0010ffff \t\n\u3000אب中ﷺ"
)
characters = st.one_of(st.integers(0, 0x10FFFF).map(chr), st.sampled_from(ODD))
anything = st.lists(characters, max_size=30).map("".join)

RENDERERS = {
    (strategy, end): Renderer(strategy=strategy, end_patch=end, max_patches=24, memory=8 << 20)
    for strategy in STRATEGIES
    for end in (False, True)
}


@settings(deadline=None, max_examples=60)
@given(anything, st.sampled_from([*RENDERERS]), st.integers(1, 30))
@example("a" + "\u0301" * 1000, ("words", False), 24)
@example("\u0301", ("continuous", False), 4)
@example("ﷺ" * 9, ("bigrams", True), 7)
@example("#\ufe0f", ("words", False), 4)
@example("", ("mono", True), 1)
def test_any_text_has_a_picture(text: str, kind: tuple[str, bool], length: int) -> None:
    renderer = RENDERERS[kind]
    rendered = renderer([text], length)
    assert rendered.patches.shape == (1, length, 16, 16)
    count = int(rendered.count[0])
    assert 1 <= count <= min(length, 24)
    assert not rendered.patches[0, count:].any()
    full = int(renderer.count_patches([text])[0])
    assert rendered.stats.cut == (full > min(length, 24))
    if not rendered.stats.cut:
        assert count == full
    # Neither padding nor neighbours change it.
    more = renderer(["אב, abc", text, "x " * 40], length)
    np.testing.assert_array_equal(more.patches[1], rendered.patches[0])
    if length >= 24:
        padded = renderer([text], length + 5)
        np.testing.assert_array_equal(padded.patches[0, :length], rendered.patches[0])
        assert padded.count[0] == count


@given(st.lists(characters, max_size=12).map("".join))
@settings(deadline=None, max_examples=60)
def test_a_cut_text_begins_as_the_whole_one(text: str) -> None:
    renderer = RENDERERS["continuous", False]
    rendered = renderer(["begin " + text], 2)
    np.testing.assert_array_equal(
        rendered.patches[0, 0], renderer(["begin " + text], 24).patches[0, 0]
    )


@pytest.mark.parametrize("character", ["a", "\u0301", "א", "क", "ﷺ", "\u202b", "😀", "\ud800"])
def test_long_texts_take_bounded_time(character: str) -> None:
    start = time.process_time()
    for strategy in ("words", "continuous"):
        Renderer(strategy=strategy)(["x" + character * 10_000])
    # About a second at worst where nothing else runs.
    assert time.process_time() - start < 10


@pytest.mark.parametrize("text", ["e\u0301", "\u1e9b\u0323", "क\u093c", "\u1112\u1161\u11ab"])
def test_spellings_that_are_canonically_equal_look_equal(text: str) -> None:
    import unicodedata

    renderer = Renderer()
    pictures = [
        renderer([unicodedata.normalize(form, text)], 4).patches.tobytes()
        for form in ("NFC", "NFD")
    ]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("character", "\0\x07\x9f\xad\u200b\u200e\u2060\ufeff")
def test_characters_without_a_picture_change_no_other(character: str, strategy: str) -> None:
    renderer = Renderer(strategy=strategy)
    odd, plain = renderer([f"abc{character}def gh", "abcdef gh"], 9).patches
    np.testing.assert_array_equal(odd, plain)


def test_one_text_may_have_any_number_of_words_without_a_picture() -> None:
    words = ["".join("\u200b\u2060"[int(bit)] for bit in f"{n:b}") for n in range(3000)]
    for strategy in ("words", "continuous"):
        renderer = Renderer(strategy=strategy, max_patches=4, memory=1)
        assert renderer([" ".join([*words, "a"])]).count[0] <= 4
