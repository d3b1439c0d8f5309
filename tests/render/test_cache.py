"""The fast path: many words are drawn as one by one, in any memory."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.cache.shape import BulkShaper

SAMPLES = json.loads(Path(__file__).with_name("words.json").read_text())
ODD = (
    "office fluffy affix AVATAR To. 'quoted' (x) 1,234.50 ½ № ﬁ Å Å 가나다 각 ᄀ가 ﷺ e\u0301 "
    "ǆ ŉ ﬃ ß ẞ İ ı ĳ A\u200db x\u00ady ① ☎ € ₿ + = → ⇒ © 1️⃣ 中a ａ１ ｶﾞ ー々〆 ﬓ ŀl \ue000"
)
both = pytest.mark.parametrize("strategy", ["words", "continuous"])


@pytest.mark.parametrize("strategy", ["words", "continuous", "mono"])
@pytest.mark.parametrize("family", ["noto", "garamond", "unifont"])
def test_many_words_at_once_are_drawn_and_cut_as_one_by_one(
    strategy: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word for entry in SAMPLES.values() for word in entry["words"]] + ODD.split()
    words += [f"{a}{b}{c}" for a in words[:20:3] for b in "-'’.," for c in words[25:50:6]]
    sizes = (1, 2, 3, 16) if family == "noto" else (16,)

    def draw() -> list[Renderer]:
        return [Renderer(family, strategy, max_patches=patches) for patches in sizes]

    try:
        together = [renderer(words) for renderer in draw()]
    except FileNotFoundError as error:
        pytest.skip(str(error))
    drawn = 0

    def refuse(self: BulkShaper, words: list[str], *_: object) -> None:
        nonlocal drawn
        drawn += len(words)

    monkeypatch.setattr(BulkShaper, "draw", refuse)
    for found, renderer in zip(together, draw(), strict=True):
        alone = renderer(words)
        changed = np.flatnonzero((found.patches != alone.patches).any((1, 2, 3)))
        assert not [words[i] for i in changed]
        np.testing.assert_array_equal(found.count, alone.count)
        assert found.stats == alone.stats
    assert drawn > 500 and (family != "noto" or together[0].stats.cut > 10)


def test_letters_without_a_picture_have_none_among_many_either() -> None:
    renderer = Renderer("unifont")
    renderer(["a b c d \u3164 \uffa0"])
    assert renderer(["\u3164", "\uffa0"]).count.tolist() == [1, 1]
    assert not renderer(["\u3164", "\uffa0"]).patches.any()


@both
def test_more_new_words_than_fit_are_counted_and_drawn(strategy: str) -> None:
    texts = [f"abc{number} x{number}y" for number in range(3000)]
    counted = Renderer(strategy=strategy).count_patches(texts)
    assert (counted == Renderer(strategy=strategy)(texts).count).all()
    pairs = [(text, text.split()[0]) for text in texts[:600]]
    assert Renderer(strategy=strategy)(pairs, 64).patches.any((1, 2, 3)).all()


@pytest.mark.parametrize("strategy", ["words", "continuous", "bigrams", "mono"])
def test_one_text_of_many_parts_has_a_picture_in_any_memory(strategy: str) -> None:
    parts = tuple(f"a{n} b{n} c{n} d{n} e{n} f{n} g{n}" for n in range(40))
    for memory in (1, 256 << 20):
        rendered = Renderer(strategy=strategy, max_patches=5, memory=memory)([parts])
        assert rendered.count.tolist() == [5] and rendered.stats.cut == 1


@both
def test_new_words_that_are_reshaped_take_little_more_memory_than_their_pictures(
    strategy: str,
) -> None:
    rng = np.random.default_rng(0)
    letters = [*map(chr, range(0x915, 0x939))]
    texts = ["".join(rng.choice(letters, 24)) for _ in range(1000)]
    renderer = Renderer(strategy=strategy)
    # Cached pictures are not traced, temporary arrays are.
    tracemalloc.start()
    renderer(texts, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def resident() -> float:
    """Return the MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@both
def test_a_stream_of_new_words_stays_within_its_memory(strategy: str) -> None:
    memory = 8 << 20
    renderer = Renderer(strategy=strategy, memory=memory, max_patches=4)

    def draw(words: range) -> None:
        for i in words[::2000]:
            renderer([f"w{j}ord" for j in range(i, i + 2000)], 4)

    draw(range(40_000))
    before = resident()
    # Their pictures take 30 MiB and more.
    draw(range(40_000, 100_000))
    assert resident() - before < 2 * memory / 2**20
