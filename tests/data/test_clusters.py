"""Clusters, tagged posts, passages, candidates: what is drawn, how often, what is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.data import candidates as candidates_module
from pixel_linguist.data.candidates import (
    BINS,
    Candidates,
    bin_of,
    draw_weights,
    propensity,
    surface_vectors,
)
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.records import Source
from pixel_linguist.data.sources import make_source


def table(folder: Path, *rows: str) -> Path:
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    return folder


def records(source: Source) -> list[Any]:
    return [source[i] for i in range(len(source))]


def drawn(spec: dict[str, Any], record: Any, count: int) -> list[Any]:
    maker = make_pair_maker(spec)
    return [maker(record, np.random.default_rng(seed)) for seed in range(count)]


def test_pairs_of_a_cluster_are_equally_likely_and_of_its_group(tmp_path: Path) -> None:
    rows = [f"{i % 4}\t190{i % 4}\ttext {i}" for i in range(16)] + [
        "9\t1999\tlone",
        "9\t1999\tlone",
    ]
    root = table(tmp_path, "story\tdate\theadline", *rows)
    columns = {"path": "table.tsv", "text": "headline", "group": "story", "date": "date"}
    source = make_source(root, {"name": "clusters", **columns})
    assert [(len(r["texts"]), r["year"]) for r in records(source)] == [
        (4, y) for y in range(1900, 1904)
    ]
    examples = drawn({"name": "cluster_pair"}, source[2], 6000)
    pairs = Counter(frozenset(e.views.values()) for e in examples)
    assert {e.facts["group"] for e in examples} == {(2,)}
    assert len(pairs) == 6 and all(len(pair) == 2 for pair in pairs)
    assert sum((n - 1000) ** 2 / 1000 for n in pairs.values()) < 20.5  # 0.1 % of chi-square, 5
    chosen = make_source(root, {"name": "clusters", **columns, "years": (1901, 1902)})
    assert [record["group"] for record in records(chosen)] == [1, 2]


def test_a_cluster_of_one_and_a_date_without_a_year_are_refused(tmp_path: Path) -> None:
    root = table(tmp_path, "story\tdate\theadline", "1\tMay\tone", "2\tMay\ttwo")
    columns = {"name": "clusters", "path": "table.tsv", "text": "headline", "group": "story"}
    with pytest.raises(ValueError, match="empty"):
        make_source(root, columns)
    with pytest.raises(ValueError, match="years"):
        make_source(root, {**columns, "date": "date", "years": (1950, 1959)})
    with pytest.raises(ValueError, match="two"):
        drawn({"name": "cluster_pair"}, {"texts": ("one",), "group": 0}, 1)


def test_posts_are_joined_with_their_tags_as_groups(tmp_path: Path) -> None:
    rows = [f"a|t{i % 3}\tpost number {i} #a #t{i % 3}" for i in range(9)]
    rows += ["\tuntagged", "a\t#a #b", "a\tPost number 0!"]
    source = make_source(
        table(tmp_path, "hashtags\ttext", *rows), {"name": "tagged_posts", "path": "table.tsv"}
    )
    # Neither tags alone nor a repeat of a post counts.
    assert {r["tag"]: len(r["posts"]) for r in records(source)} == {
        "a": 9,
        "t0": 3,
        "t1": 3,
        "t2": 3,
    }
    tags = dict(zip(source[0]["posts"], source[0]["post_tags"], strict=True))
    for example in drawn({"name": "tagged_posts", "joined": 2}, source[0], 50):
        document, post = (str(example.views[view]) for view in ("anchor", "positive"))
        parts = [text for text in tags if text in document]
        assert len(parts) == 2 and post not in parts
        shared = {g for text in [*parts, post] for g in tags[text]}
        assert set(example.facts["group"]) - {-1} == shared and len(example.facts["group"]) == 8
    single = drawn({"name": "tagged_posts", "joined": 1}, source[1], 20)
    assert all(e.views["anchor"] in source[1]["posts"] for e in single)
    with pytest.raises(ValueError, match="empty"):
        make_source(tmp_path, {"name": "tagged_posts", "path": "table.tsv", "least": 10})
    lone = {"posts": ("x",), "post_tags": ((0,),), "group": 0, "tag": "x"}
    with pytest.raises(ValueError, match="post"):
        drawn({"name": "tagged_posts"}, lone, 1)


def test_labelled_posts_have_their_related_post_and_class() -> None:
    spec = {"name": "labelled", "text": "text", "label": "label", "related": "other"}
    (example,) = drawn(spec, {"text": "a", "label": "2", "other": "b"}, 1)
    assert (example.views, example.facts) == ({"post": ("a", "b")}, {"label": 2})
    (alone,) = drawn(spec, {"text": "a", "label": "2", "other": ""}, 1)
    assert alone.views == {"post": ("a",)}
    with pytest.raises(ValueError, match="label"):
        drawn(spec, {"text": "a", "label": "1.5", "other": ""}, 1)


def test_passages_keep_the_order_and_neighbours_stay_in_them(tmp_path: Path) -> None:
    rows = [f"{code}\t{code}{i}" for i in range(7) for code in ("en", "de")]
    root = table(tmp_path, "language\ttext", *rows)
    spec = {"name": "passages", "path": "table.tsv", "text": "text", "size": 3}
    source = make_source(root, {**spec, "where": {"language": "de"}})
    assert [r["sentences"] for r in records(source)] == [
        ("de0", "de1", "de2"),
        ("de3", "de4", "de5"),
    ]
    for example in drawn({"name": "neighbours", "text": "sentences", "radius": 1}, source[1], 30):
        places = [int(str(example.views[view])[2:]) for view in ("anchor", "positive")]
        assert abs(places[0] - places[1]) == 1 and min(places) >= 3
        assert example.facts["group"] == (1,)
    (lone,) = drawn({"name": "neighbours", "text": "text"}, {"text": "One sentence."}, 1)
    assert set(lone.views.values()) == {"One sentence."}
    for change, word in (({"where": {"language": "fr"}}, "empty"), ({"size": 1}, "size")):
        with pytest.raises(ValueError, match=word):
            make_source(root, {**spec, **change})
    with pytest.raises(ValueError, match="sentence"):
        drawn({"name": "neighbours", "text": "text"}, {"text": " "}, 1)


WORDS = np.array(["red", "blue", "old", "new", "cat", "dog", "ran", "sat", "far", "near"])
TEXTS = [" ".join(np.random.default_rng(i).permutation(WORDS)[:5]) for i in range(120)]
RECORDS: Any = [{"text": text} for text in [*TEXTS, TEXTS[0]]]


def embed(texts: Any) -> np.ndarray:
    """Embed texts by their words alone."""
    return np.array([[w in text.split() for w in WORDS] for text in texts], np.float32)


def test_candidates_are_those_of_brute_force_and_pieces_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    annotator = Candidates("text", count=5)
    whole = annotator(RECORDS, range(121), embed)
    monkeypatch.setattr(candidates_module, "_BLOCK", 7)
    again = Candidates("text", count=5)
    parts = [again(RECORDS, range(a, b), embed) for a, b in ((0, 50), (50, 121))]
    for name, array in whole.items():
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_allclose(array, joined, atol=1e-5)
        assert array.shape == (121, 15)
    texts = [record["text"] for record in RECORDS]
    vectors = embed(texts) / 5**0.5
    surface = surface_vectors(texts).toarray()
    for i in (0, 17, 120):
        others = np.array([text != texts[i] for text in texts])
        for part, space in ((slice(5), vectors), (slice(5, 10), surface)):
            scores = np.where(others, space @ space[i], -2)
            found = np.sort(scores[whole["candidates"][i, part]])[::-1]
            # Frequencies of trigrams are counted in the rule's texts as well.
            np.testing.assert_allclose(found, np.sort(scores)[::-1][:5], atol=1e-2)
    assert not any(TEXTS[0] == texts[j] for j in whole["candidates"][120])


def test_inverse_propensities_flatten_the_surface_of_a_rule() -> None:
    surface = np.random.default_rng(0).beta(5, 2, 5000)
    share = propensity(surface)
    weighted = np.bincount(bin_of(surface), 1 / share[bin_of(surface)], minlength=BINS)
    seen = np.bincount(bin_of(surface), minlength=BINS) > 100
    np.testing.assert_allclose(weighted[seen], 5000, rtol=0.05)


def test_draws_go_by_weight_and_fall_back() -> None:
    spec = {"name": "debiased", "text": "text"}
    others = [{"text": text} for text in "abc"]
    record = {"text": "own", "record_of": others.__getitem__, "candidates": np.arange(3)}
    weights = {"positive_weights": [1, 3, 0], "negative_weights": [0, 0, 0]}
    examples = drawn(spec, {**record, **weights}, 4000)
    counts = Counter(example.views["positive"] for example in examples)
    assert set(counts) == {"a", "b"} and counts["b"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert {example.views["negative"] for example in examples} == {""}
    none = {"positive_weights": [0, 0, 0], "negative_weights": [0, 0, 2]}
    (example,) = drawn(spec, {**record, **none}, 1)
    assert example.views == {"anchor": "own", "positive": "own", "negative": "c"}


def test_weights_are_those_of_the_formulas() -> None:
    # The least propensity is 0.02.
    shares = np.full(BINS, 0.01), np.full(BINS, 0.5)
    c, s = np.array([0.9, 0.7, 0.2]), np.array([0.1, 0.5, 0.95])
    positive, negative = draw_weights(c, s, np.array([0.6, 0.5]), shares)
    np.testing.assert_allclose(positive, [15, 5, 0], atol=1e-9)
    np.testing.assert_allclose(negative, [0, 0, 2])
    with pytest.raises(ValueError, match="others"):
        Candidates("text")([{"text": "same"}] * 3, range(3), embed)
