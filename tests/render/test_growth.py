"""Counting and drawing more words than a store first has room for."""

import pytest

from pixel_linguist.render import Renderer


@pytest.mark.parametrize("strategy", ["words", "continuous"])
def test_a_count_of_many_new_words_equals_the_pictures(strategy: str) -> None:
    texts = [f"abc{number} x{number}y" for number in range(3000)]
    counted = Renderer(strategy=strategy).count_patches(texts)
    assert (counted == Renderer(strategy=strategy)(texts).count).all()
