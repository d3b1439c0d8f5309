"""DupMAE by slow loops: enhanced decoding, its masks, its loss, and the relevance of two texts."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.evaluate.retrieval import JoinedRelevance, Retrieval
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.decoder import Decoder
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder
from pixel_linguist.objective.masking import row_masks
from pixel_linguist.render.patches import one_text_a_row
from tests.fakes import evaluate, facts_of

Make = Callable[..., ViTEncoder]
SIZES = {"width": 16, "depth": 1, "heads": 2, "mlp_width": 32}
DUP = MaskedAutoencoder(SIZES, mask_ratio=0.3, embedding_weight=1.0, word_buckets=12)
COUNTS = np.array([0, 1, 5, 8], np.int32)
TEXT = np.arange(8) < COUNTS[:, None]
KEYS = jax.random.split(jax.random.key(3), 4)


def moved(params: Any) -> Any:
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda x: x + rng.normal(0, 0.1, x.shape).astype("f"), params)


def lines(counts: Any) -> Any:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 8), np.uint8)
    return one_text_a_row(pixels, counts)


def norm(x: np.ndarray, weights: Any, epsilon: float) -> np.ndarray:
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)
    return np.asarray(x * weights["scale"] + weights["bias"])


def dense(x: np.ndarray, weights: Any) -> np.ndarray:
    return np.asarray(x @ weights["kernel"] + weights["bias"])


def one_row(
    p: Any, embedding: np.ndarray, patches: dict[int, np.ndarray], place: int
) -> np.ndarray:
    """Predict one patch in a pass of its own, from the embedding and {place: patch} in float64."""
    block = jax.tree.map(lambda x: x[0], p["blocks"])
    sentence, table = dense(embedding, p["embed"]), p["positions"]
    query = sentence + table[1 + place]
    keys = [sentence, *(dense(x, p["embed"]) + table[1 + j] for j, x in patches.items())]
    read = norm(np.stack([query, *keys]), block["norm_attention"], 1e-6)
    q, k, v = np.split(dense(read, block["attention"]["query_key_value"]), 3, axis=-1)
    heads = []
    for part in (slice(0, 8), slice(8, 16)):
        scores = k[1:, part] @ q[0, part] / np.sqrt(8)
        weights = np.exp(scores - scores.max())
        heads.append(weights @ v[1:, part] / weights.sum())
    x = query + dense(np.concatenate(heads), block["attention"]["out"])
    hidden = dense(norm(x, block["norm_mlp"], 1e-6), block["mlp_in"])
    gelu = np.asarray(jax.nn.gelu(hidden, approximate=False))
    x = x + dense(gelu, block["mlp_out"])
    return dense(norm(x, p["norm"], 1e-5), p["pixels"])


def test_each_prediction_is_that_of_a_pass_of_its_own_without_its_patch(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(depth=1, max_patches=8)
    own = moved(DUP.init(jax.random.key(0), encoder, {}, {})[0]["embedding_decoder"])
    rng = np.random.default_rng(0)
    front, seen = rng.normal(size=(4, 1, 32)), rng.normal(size=(4, 8, 32))
    visible = np.asarray(DUP.visible(KEYS, jnp.asarray(COUNTS), 8))
    decoder = Decoder(encoder.config, DUP.decoders["embedding_decoder"])
    decode = jax.jit(lambda x: decoder.apply({"params": own}, front, x, visible, TEXT, None))
    found = np.asarray(decode(seen))
    exact = jax.tree.map(lambda x: np.asarray(x, np.float64), own)
    for row, place in zip(*np.nonzero(TEXT), strict=True):
        patches = {int(j): seen[row, j] for j in np.flatnonzero(visible[row, place])}
        expected = one_row(exact, front[row, 0], patches, int(place))
        np.testing.assert_allclose(found[row, place], expected, atol=1e-5)
    for place in range(8):
        changed = seen.copy()
        changed[:, place] += 1
        again = np.asarray(decode(changed))
        np.testing.assert_array_equal(again[:, place], found[:, place])
    # Padding is nobody's key.
    again = np.asarray(decode(np.where(TEXT[..., None], seen, 9.0)))
    np.testing.assert_array_equal(again[TEXT], found[TEXT])


def test_masks_hide_the_ratio_of_the_other_patches_of_each_row_anew() -> None:
    draw = jax.jit(lambda n: jax.vmap(lambda k: row_masks(k, n, 8, 0.5))(KEYS))
    for count, shown in ((0, 0), (1, 0), (2, 0), (3, 1), (5, 2), (8, 3)):
        masks = np.asarray(draw(count))
        assert (masks[:, :count].sum(axis=2) == shown).all()
        assert not masks[:, :, count:].any() and not masks[:, range(8), range(8)].any()
    assert len(np.unique(np.asarray(draw(8)).reshape(-1, 8), axis=0)) > 20


def test_the_loss_is_its_parts_weighted_and_one_patch_is_drawn_from_the_embedding(
    tiny_encoder: Make,
) -> None:
    encoder = tiny_encoder(depth=1, max_patches=8)
    params = {"encoder": moved(encoder.init(0))}
    params["objective"] = moved(DUP.init(jax.random.key(0), encoder, {}, {})[0])
    words = np.array([[-1, -1], [3, -1], [1, 2], [5, 4]], np.int32)

    draw = jax.jit(lambda x: DUP.reconstruct(params, encoder, x, KEYS, None))
    view = {name: np.asarray(x) for name, x in draw(lines(COUNTS)).items()}

    def loss(view: Any, **weights: float) -> tuple[float, Any]:
        objective: Any = dataclasses.replace(DUP, **weights)  # type: ignore[arg-type]
        facts = facts_of(4, words=words)
        total, metrics, _ = evaluate(objective, {"anchor": view}, facts, params={})
        return float(total), metrics

    metrics = loss(view)[1]
    target = view["pixels"].astype(np.float64)
    target -= target.mean(-1, keepdims=True)
    target /= np.sqrt(target.var(-1, keepdims=True, ddof=1) + 1e-6)
    parts = {}
    for name, counted in (("decoder", view["masked"] & TEXT), ("embedding_decoder", TEXT)):
        errors = [
            ((view[name][at] - target[at]) ** 2).mean()
            for at in zip(*np.nonzero(counted), strict=True)
        ]
        parts[name] = float(np.mean(errors))
        assert float(metrics[f"{name}_loss"]) == pytest.approx(parts[name], rel=1e-5)
    plain = dict.fromkeys(("embedding_weight", "word_buckets", "word_weight"), 0)
    assert loss(view, **plain)[0] == pytest.approx(parts["decoder"], rel=1e-5)
    mixed = loss(view, encoder_weight=0.5, embedding_weight=2.0, word_weight=3.0)[0]
    expected = 0.5 * parts["decoder"] + 2 * parts["embedding_decoder"]
    assert mixed == pytest.approx(expected + 3 * float(metrics["word_loss"]), rel=1e-5)
    assert np.isfinite(loss(draw(lines(np.array([0, 0, 1, 1], np.int32))))[0])


def test_words_of_the_embedding_are_a_linear_map_of_it(tiny_encoder: Make) -> None:
    objective = dataclasses.replace(DUP, words_from_embedding=True, embedding_weight=0.0)
    encoder = tiny_encoder(depth=1, max_patches=8)
    own = moved(objective.init(jax.random.key(0), encoder, {}, {})[0])
    params, text = {"encoder": moved(encoder.init(0)), "objective": own}, lines(COUNTS)
    found = jax.jit(lambda p: objective.reconstruct(p, encoder, text, KEYS, None))(params)
    keep = objective.keep(KEYS, jnp.asarray(COUNTS), 8)
    encode = jax.jit(lambda p: encoder.encode(p, text, keep=keep)["embedding"][:, 0])
    expected = dense(np.asarray(encode(params["encoder"])), own["words"]["buckets"])
    np.testing.assert_allclose(found["word_logits"], expected, atol=1e-5)
    assert own.keys() == {"decoder", "words"}
    with pytest.raises(ValueError, match="words_from_embedding"):
        joined = tiny_encoder(depth=1, max_patches=8, word_buckets=12, top_words=12)
        objective.init(jax.random.key(0), joined, {}, {})


@pytest.mark.parametrize("top_words", [4, 30])
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_relevance_sums_over_the_document_s_words(top_words: int, weight: float) -> None:
    rng = np.random.default_rng(0)
    queries, documents = rng.normal(size=(3, 38)), rng.normal(size=(5, 38))
    relevance = JoinedRelevance(8, 30, top_words, weight)
    found = relevance.scale(queries, cut=False) @ relevance.scale(documents, cut=True).T
    for i, q in enumerate(queries):
        for j, d in enumerate(documents):
            highest = sorted(range(30), key=lambda v: -d[8 + v])[:top_words]
            kept = {v: d[8 + v] for v in highest}
            words = sum(q[8 + v] * x for v, x in kept.items())
            words /= np.linalg.norm(q[8:]) * np.linalg.norm(list(kept.values()))
            cosine = q[:8] @ d[:8] / (np.linalg.norm(q[:8]) * np.linalg.norm(d[:8]))
            assert found[i, j] == pytest.approx((1 - weight) * cosine + weight * words, abs=1e-6)
    if top_words == 30:
        joined = [relevance.scale(x, cut=False) for x in (queries, documents)]
        np.testing.assert_allclose(found, joined[0] @ joined[1].T, atol=1e-6)


def test_retrieval_ranks_by_relevance_and_a_text_without_patches_by_nothing() -> None:
    # The word that finds the document is the least of the query's.
    vectors = {
        "q": [1, 0, 0.9, 0.8, 0.7], "a": [0, 1, 0, 0, 1], "b": [0, 1, -1, 0, -1],
        "empty": [0, 0, -1000, -1000, -1000],
    }  # fmt: skip
    relevance = JoinedRelevance(2, 3, 2, 1.0)
    names = ("a", "b", "empty")
    task = Retrieval({x: x for x in names}, {"q": "q"}, {"q": {"a": 1}}, False, relevance)
    assert task.score(lambda texts: np.array([vectors[x] for x in texts]))["ndcg@10"] == 1
    assert relevance.scale(np.array([vectors["empty"]]), cut=True).sum() == 0
    other = np.ones((2, 4))
    assert relevance.scale(other, cut=True) is other
    with pytest.raises(ValueError, match="top_words"):
        JoinedRelevance(2, 3, 4)
