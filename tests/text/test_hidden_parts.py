"""Masked spans, hidden hashtags and misread letters, against what they say they do."""

from collections import Counter

import numpy as np
import pytest

from pixel_linguist.text.character_noise import ocr_confusions
from pixel_linguist.text.graphemes import split_clusters
from pixel_linguist.text.spans import near_places, split_sentences
from pixel_linguist.text.word_noise import MASK, hide_tags, mask_span


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    "text",
    [
        "A voter overthrew an ivory envoy in the pantry.",
        "नमस्ते दुनिया क्षि त्रि " * 5,
        "👩‍👩‍👧👍🏽é" * 12,
    ],
)
def test_exactly_one_run_of_clusters_is_masked(text: str) -> None:
    clusters, starts = split_clusters(text), Counter[int]()
    for seed in range(300):
        before, after = mask_span(text, rng(seed), rate=1.0).split(MASK)
        start = len(split_clusters(before))
        assert before + "".join(clusters[start : start + 5]) + after == text
        starts[start] += 1
    assert len(starts) > 0.9 * (len(clusters) - 4)


def test_short_texts_are_not_masked() -> None:
    text = "x" * 29
    assert mask_span(text, rng(), rate=1.0) == text != mask_span(f"{text}x", rng(), rate=1.0)
    with pytest.raises(ValueError, match="characters"):
        mask_span(text, rng(), rate=1.0, characters=30)


def test_hidden_tags_leave_the_rest_as_it_is() -> None:
    text = "Love #all these\tpeople #bff, ＃友達 @ San…"
    assert hide_tags(text, rng(), rate=1.0) == "Love these\tpeople, @ San…"
    assert hide_tags(text, rng(), rate=0.0) == text
    assert hide_tags("#only #tags", rng(), rate=1.0) == "#only #tags"
    share = np.mean(["#all" in hide_tags(text, rng(seed), rate=0.3) for seed in range(1000)])
    assert share == pytest.approx(0.7, abs=0.06)


def test_letters_are_misread_as_what_they_look_like() -> None:
    assert ocr_confusions("modern 0", rng(), rate=1.0) in ("rnoclcm O", "rnclcm O")
    text = "EARLY PRINT. " * 50
    changed = ocr_confusions(text, rng(), rate=0.1)
    assert changed != text and 0.9 < len(changed) / len(text) < 1.1
    assert ocr_confusions("日本", rng(1), rate=1.0)


def test_sentences_end_without_spaces_and_not_behind_abbreviations() -> None:
    assert split_sentences("我们去了。他来了。") == ("我们去了。", "他来了。")
    assert split_sentences("Dr. Who came. J. Doe left! ") == ("Dr. Who came.", "J. Doe left!")
    assert split_sentences("  ") == ()


def test_neighbours_are_near_and_a_single_sentence_is_its_own() -> None:
    drawn = {near_places(5, rng(seed), radius=2) for seed in range(300)}
    assert drawn == {(a, b) for a in range(5) for b in range(5) if 0 < abs(a - b) <= 2}
    assert near_places(1, rng(), radius=2) == (0, 0)
