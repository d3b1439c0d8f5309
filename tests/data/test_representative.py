"""Representative words: attention, divergence and draws against closed forms and loops."""

import collections
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

from pixel_linguist.data.representative import (
    Representatives,
    attention_shares,
    cut,
    divergence,
    representative_sets,
    tempered,
    term_weights,
    vocabulary,
)  # fmt: skip
from pixel_linguist.inference import Embedder
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.store import Model
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.word_embedder import WordEmbedder

SIZES: dict[str, Any] = {"patch": 8, "max_patches": 16}
RENDERER = Renderer(strategy="words", **SIZES)
TEXTS = (
    "A wing, in flow.",
    "internationalization of wings",
    "",
    "a b c d e f g h i j k l m n o p q",
)


@pytest.fixture(scope="module")
def embed(tiny_encoder: Callable[..., ViTEncoder]) -> Embedder:
    encoder = tiny_encoder(max_patches=16, head="none")
    return Embedder(encoder, encoder.init(0), RENDERER, 8)


def uniform(text: str) -> np.ndarray:
    return np.full(len(text.split()), 1 / max(len(text.split()), 1))


def annotated(texts: list[str], monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """Annotate texts whose words all have equal attention."""
    module = "pixel_linguist.data.representative.attention_shares"
    monkeypatch.setattr(module, lambda embed, texts: [uniform(text) for text in texts])
    records = [{"text": text, "others": (text,), "group": 0} for text in texts]
    found = Representatives("text", **options)(records, range(len(texts)), None)
    rows = zip(records, *found.values(), strict=True)
    return [{**r, "scores": s, "probabilities": p} for r, s, p in rows]


def test_shares_of_words_are_those_of_their_patches_and_add_up(embed: Embedder) -> None:
    shares = attention_shares(embed, TEXTS)
    assert [len(share) for share in shares] == [len(text.split()) for text in TEXTS]
    drawn = RENDERER(list(TEXTS), 16)
    found = embed.encoder.encode(
        embed.params,
        one_text_a_row(drawn.patches, drawn.count),
        outputs=("embedding", "patch_features"),
    )
    for row, (text, share) in enumerate(zip(TEXTS, shares, strict=True)):
        patch = 0
        features = np.asarray(found["patch_features"][row], np.float64)[: drawn.count[row]]
        mean = features.mean(axis=0)
        own = [max(x @ mean / (len(features) * (mean @ mean)), 0) for x in features]
        for word, value in zip(text.split(), share, strict=True):
            count = int(RENDERER.count_patches([word])[0])
            assert value == pytest.approx(sum(own[patch : patch + count]), abs=1e-6)
            patch += count
        if min(own) > 0 and text:
            assert share.sum() == pytest.approx(1, abs=1e-5)
    # Of the last text a word is cut off.
    assert shares[3][-1] == 0 < shares[3][0]


@pytest.mark.slow
def test_an_embedder_that_reads_each_word_once_gives_the_same_shares(reading_model: Model) -> None:
    renderer, encoder = Renderer(**reading_model.renderer), reading_model.encoder
    texts = ["wing flow", "flow drag wing"]
    shares = [
        attention_shares(kind(encoder, reading_model.params, renderer, 8), texts)  # type: ignore[arg-type]
        for kind in (WordEmbedder, Embedder)
    ]
    for found, expected in zip(*shares, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_models_without_shares_are_refused(
    embed: Embedder, tiny_encoder: Callable[..., ViTEncoder]
) -> None:
    continuous = Renderer(strategy="continuous", **SIZES)
    for model in (len, Embedder(embed.encoder, embed.params, continuous, 8)):
        with pytest.raises(ValueError, match="words"):
            attention_shares(model, TEXTS)
    pooled = tiny_encoder(max_patches=16, head="none", cls_token=True, pooling="cls")
    with pytest.raises(ValueError, match="pooling"):
        attention_shares(Embedder(pooled, pooled.init(0), RENDERER, 8), TEXTS)


def test_divergence_is_high_for_what_is_attended_here_alone() -> None:
    texts = ["wing flow drag.", "wing heat 3.5", "wing heat x-ray"]
    thetas = term_weights(texts, [uniform(text) for text in texts])
    assert all(sum(theta.values()) == pytest.approx(1) for theta in thetas)
    means: dict[str, float] = collections.defaultdict(float)
    for theta in thetas:
        for word, value in theta.items():
            means[word] += value / 3
    g = divergence(thetas[0], means)
    assert g["wing"] < g["flow"] == pytest.approx(g["drag"])
    # One document again and again: its distribution is that of the collection.
    share = np.array([0.2, 0.3, 0.5])
    (theta,) = term_weights(texts[:1], [share])
    s = share / (share + 0.01)
    np.testing.assert_allclose(list(theta.values()), s / s.sum())
    own = divergence(theta, theta)
    assert own["wing"] == pytest.approx(-theta["wing"] * np.log2(theta["wing"]))
    for size in (5, 40):
        p = tempered(np.random.default_rng(0).random(size) / 20, 0.5)
        assert np.exp(-(p * np.log(p)).sum()) == pytest.approx(size / 2, rel=1e-3)


def test_counts_are_those_of_dirichlet_s_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the wing and wing flow", "heat flow 7"]
    first, _ = annotated(texts, monkeypatch, bootstrapped=False)
    words = vocabulary(texts[0])
    assert words == ["the", "wing", "and", "flow"]
    # Three and two content words, so that mu is 2.5; four of the collection's words by documents.
    expected = np.array([0, (2 + 2.5 / 4) / 5.5, 0, (1 + 2.5 * 2 / 4) / 5.5])
    np.testing.assert_allclose(first["probabilities"][:4], expected / expected.sum(), rtol=1e-6)
    there = expected > 0
    np.testing.assert_allclose(first["scores"][:4][there], np.log(expected[there]), rtol=1e-6)


def test_sets_are_of_poisson_s_size_without_a_word_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh")
    (record,) = annotated([text], monkeypatch)
    rng = np.random.default_rng(0)
    scores = dict(zip(vocabulary(text), record["scores"], strict=False))
    sizes: collections.Counter[int] = collections.Counter()
    for _ in range(2000):
        views: Any = representative_sets(record, rng, text="text").views
        sets = [views[name].split() for name in ("positive", "negative")]
        sizes[len(sets[0])] += 1
        if not sets[1]:
            continue
        assert len(sets[0]) == len(sets[1]) and all(len({*s}) == len(s) for s in sets)
        totals = [sum(float(scores[word]) for word in words) for words in sets]
        assert totals[0] >= totals[1] - 1e-6
    observed = [sizes[n] for n in range(1, 7)] + [sum(sizes[n] for n in range(7, 65))]
    share = [poisson.pmf(n, 3) for n in range(1, 7)] + [poisson.sf(6, 3)]
    expected = np.array(share) / (1 - poisson.pmf(0, 3)) * 2000
    assert chisquare(observed, expected).pvalue > 0.01


def test_passages_too_short_are_left_out_and_one_word_has_no_second_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records: Any = [{"text": "a b c d e"}, {"text": ""}, {"text": "x x x", "group": 7}]
    found = cut(records, text="text", size=2, least=2)
    assert found == [
        {"text": "a b", "others": ("c d",), "group": 0},
        {"text": "c d", "others": ("a b",), "group": 0},
    ]
    assert cut(records, text="text", size=3, least=1)[-1]["others"] == ("x x x",)
    assert cut(records, text="text", size=2, least=9) == []
    with pytest.raises(ValueError, match="size"):
        cut(records, text="text", size=0, least=1)
    with pytest.raises(ValueError, match="mean"):
        representative_sets({}, np.random.default_rng(0), text="text", mean=0)
    one, none = annotated(["x x", "3 4"], monkeypatch)
    rng = np.random.default_rng(0)
    example = representative_sets(one, rng, text="text")
    assert example.views == {"anchor": "x x", "span": "x x", "positive": "x", "negative": ""}
    assert example.facts["group"] == (0,)
    assert representative_sets(none, rng, text="text").views["positive"] == ""
    with pytest.raises(ValueError, match="scores"):
        representative_sets({"text": "a", "others": ("a",)}, rng, text="text")
