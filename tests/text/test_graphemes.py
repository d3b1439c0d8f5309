"""Grapheme clusters, words and scripts."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.text.graphemes import (
    join_words,
    script,
    split_clusters,
    split_words,
    stay_apart,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_clusters_are_those_of_the_annex_or_several_and_lose_nothing(text: str) -> None:
    ends, clusters = {0, *(m.end() for m in regex.finditer(r"\X", text))}, split_clusters(text)
    assert {len("".join(clusters[:n])) for n in range(len(clusters) + 1)} <= ends
    assert "".join(split_clusters(text)) == text


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("क्षि", ["क्षि"]),
        ("👩‍👩‍👧👍🏽🇩🇪🇫🇷", ["👩‍👩‍👧", "👍🏽", "🇩🇪", "🇫🇷"]),
        ("\u1112\u1161\u11ab글", ["\u1112\u1161\u11ab", "글"]),
        ("a\ud800b", ["a", "\ud800", "b"]),
        ("a\r\nb", ["a", "\r\n", "b"]),
    ],
)
def test_known_clusters(text: str, clusters: list[str]) -> None:
    assert split_clusters(text) == clusters


def test_clusters_that_join_their_new_neighbour_do_not_stay_apart() -> None:
    assert stay_apart(["क", "त्"])
    assert not stay_apart(["त्", "क"])


@given(ANY_TEXT.filter(lambda text: bool(text.split())))
def test_words_and_gaps_put_together_are_the_text(text: str) -> None:
    words, gaps = split_words(text)
    assert words == text.split()
    assert len(gaps) == len(words) + 1
    assert not "".join(gaps).strip()
    assert join_words(words, gaps) == text


def test_script_of_the_first_character() -> None:
    clusters = ["é", "Ж", "कि", "한", "狐", "7", "!", "👍🏽", "\ud800", ""]
    names = ["LATIN", "CYRILLIC", "DEVANAGARI", "HANGUL", "CJK", "DIGIT", "", "", "", ""]
    assert [script(cluster) for cluster in clusters] == names
