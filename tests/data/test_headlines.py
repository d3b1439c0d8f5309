"""Headlines of the generated world: clusters, and synonyms that drift with the years."""

import itertools
from typing import Any

import numpy as np
import pytest

from pixel_linguist.data.clusters import cluster_pair
from pixel_linguist.data.toy import ToySource
from pixel_linguist.data.toy.headlines import FIRST, YEARS, turns
from pixel_linguist.data.toy.lexicon import concepts
from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.clustering import Clustering, similarity_of_years
from tests.data.toy_text import read_concepts


@pytest.fixture(scope="module")
def stories() -> list[dict[str, Any]]:
    source = ToySource("headlines", split="test", size=900)
    return [source[number] for number in range(900)]


def test_each_pair_of_years_prefers_different_words_for_its_share_of_concepts() -> None:
    by_year = np.array([[turns(x, FIRST + year) for x in concepts()] for year in range(YEARS)])
    assert set(by_year.flat) == {0, 1}
    for j, k in itertools.combinations(range(YEARS), 2):
        assert (by_year[j] != by_year[k]).mean() == pytest.approx((k - j) / YEARS, abs=0.05)


def test_headlines_of_a_story_differ_and_share_its_core(stories: list[dict[str, Any]]) -> None:
    source = ToySource("headlines", split="test", size=900)
    for number, story in enumerate(stories[:200]):
        meaning = source.meaning(number)
        for column in ("texts", "timeless"):
            assert 2 <= len({*story[column]}) == len(story[column]) <= 5
            for text, proposition in zip(story[column], meaning[column], strict=True):
                assert {*read_concepts(text, "en")} == {*proposition.concepts()}
        example = cluster_pair(story, np.random.default_rng(number))
        assert {*example.views.values()} <= {*story["texts"]}
        assert example.facts["group"] == (story["group"],) == (number,)
    assert {story["year"] for story in stories} == {*range(FIRST, FIRST + YEARS)}


def test_similarity_of_years_falls_with_their_distance_where_words_drift(
    stories: list[dict[str, Any]],
) -> None:
    years = [*range(FIRST, FIRST + YEARS)]
    # Years apart: 1 to 3, 4 to 6, 7 to 9.
    apart = (np.abs(np.subtract.outer(years, years)) + 2) // 3
    falls = {}
    for column in ("texts", "timeless"):
        embed = tfidf_embed(Clustering.from_source(stories, texts=column, limit=1))
        told = [[x for s in stories if s["year"] == year for x in s[column][:1]] for year in years]
        found = similarity_of_years([embed(texts) for texts in told])
        np.testing.assert_allclose(np.diagonal(found), 1)
        falls[column] = -np.diff([found[apart == far].mean() for far in (1, 2, 3)])
    assert falls["texts"].min() > 0.01 > 2 * np.abs(falls["timeless"]).max()
