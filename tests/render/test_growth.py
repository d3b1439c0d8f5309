"""Counting and drawing more words than a store first has room for."""

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
