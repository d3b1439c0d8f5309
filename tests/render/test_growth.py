"""Counting and drawing more words than a store first has room for."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.render import Renderer


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_a_count_of_many_new_words_equals_the_pictures(strategy: str) -> None:
    texts = [f"abc{number} x{number}y" for number in range(3000)]
    counted = Renderer(strategy=strategy).count_patches(texts)
    assert (counted == Renderer(strategy=strategy)(texts).count).all()


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_many_new_words_fit_beside_each_other_in_pairs(strategy: str) -> None:
    words = [f"{number}" for number in range(3000)]
    texts = [(" ".join(words[i : i + 5]), words[i]) for i in range(0, len(words), 5)]
    assert Renderer(strategy=strategy)(texts, 64).patches.any((1, 2, 3)).all()
    assert len(Renderer(strategy=strategy).glyph_runs(texts, 64).count) == len(texts)


@pytest.mark.parametrize("strategy", ["words", "continuous", "bigrams", "mono"])
def test_one_text_of_many_parts_has_a_picture_in_any_memory(strategy: str) -> None:
    parts = tuple(f"a{n} b{n} c{n} d{n} e{n} f{n} g{n}" for n in range(40))
    for memory in (1, 256 << 20):
        rendered = Renderer(strategy=strategy, max_patches=5, memory=memory)([parts])
        assert rendered.count.tolist() == [5] and rendered.stats.cut == 1


def resident() -> float:
    """Return the MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_many_new_words_that_are_reshaped_take_little_more_than_their_pictures(
    strategy: str,
) -> None:
    rng = np.random.default_rng(0)
    letters = [*map(chr, range(0x915, 0x939))]
    texts = ["".join(rng.choice(letters, 24)) for _ in range(1000)]
    renderer = Renderer(strategy=strategy)
    # Pictures that are kept are not traced, what it takes to draw them is.
    tracemalloc.start()
    renderer(texts, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_a_stream_of_new_words_stays_within_its_memory(strategy: str) -> None:
    memory = 8 << 20
    renderer = Renderer(strategy=strategy, memory=memory, max_patches=4)

    def draw(words: range) -> None:
        for i in words[::2000]:
            renderer([f"w{j}ord" for j in range(i, i + 2000)], 4)

    draw(range(40_000))
    before = resident()
    # Their pictures take 60 MiB and more.
    draw(range(40_000, 160_000))
    assert resident() - before < 2 * memory / 2**20
