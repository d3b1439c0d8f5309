"""Grounded sentences: the margin loss, attention of single dimensions, features, and ensembles."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.emoji import captioned, picture_features
from pixel_linguist.evaluate.similarity import ensemble_embed
from pixel_linguist.model.pooling import VectorAttentionPool
from pixel_linguist.objective.grounded import Grounded
from pixel_linguist.train import run
from pixel_linguist.train.preemption import Preemption
from tests.experiments.test_reading_recipes import of_shared_data
from tests.fakes import evaluate, facts_of, view_facts_of

RNG = np.random.default_rng(0)
ROWS = 12


def given() -> tuple[dict[str, np.ndarray], Any]:
    x = RNG.normal(size=(2, ROWS, 4)).astype(np.float32)
    group = np.array([[i if i != 5 else 2] for i in range(ROWS)], np.int32)
    return {"anchor": x[0], "positive": x[1] + x[0]}, facts_of(ROWS, group=group)


def slow(pictures: Any, captions: Any, group: Any, margin: float) -> float:
    total = 0.0
    p, c = (np.float64(x) / np.linalg.norm(x, axis=1, keepdims=True) for x in (pictures, captions))
    for i in range(ROWS):
        for j in range(ROWS):
            if group[i] != group[j]:
                total += max(0, margin + p[i] @ c[j] - p[i] @ c[i])
                total += max(0, margin + p[i] @ c[j] - p[j] @ c[j])
    return total / ROWS**2


def test_the_hinge_is_that_of_a_double_loop_on_any_number_of_devices() -> None:
    embeddings, facts = given()
    group = facts["group"][:, 0]
    expected = slow(embeddings["anchor"], embeddings["positive"], group, 0.2)
    exchanged = {"anchor": embeddings["positive"], "positive": embeddings["anchor"]}
    for one, devices in ((embeddings, 1), (embeddings, 4), (exchanged, 1)):
        loss, _, _ = evaluate(Grounded(margin=0.2), one, facts, devices=devices)
        assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_pairs_beyond_the_margin_cost_nothing() -> None:
    basis = np.eye(ROWS, dtype=np.float32)
    loss, metrics, gradients = evaluate(
        Grounded(), {"anchor": basis, "positive": basis}, facts_of(ROWS)
    )
    assert float(loss) == float(metrics["violations"]) == 0 and float(metrics["accuracy"]) == 1
    assert not any(np.any(x) for x in jax.tree.leaves(gradients))


def test_a_caption_of_the_same_picture_is_no_negative() -> None:
    embeddings, facts = given()
    losses = []
    for vector in (1.0, -1.0):
        changed = {name: x.copy() for name, x in embeddings.items()}
        # Example 5 is of the group of example 2, and shares its text with all others.
        changed["positive"][5] = vector
        changed["anchor"][5] = vector
        ids = np.arange(3 * ROWS).reshape(3, ROWS)
        ids[1] = ids[1, 5]
        losses.append(float(evaluate(Grounded(), changed, facts, view_facts_of(ids))[0]))
    assert losses == [0, 0]


def test_features_are_mapped_and_checked() -> None:
    embeddings, facts = given()
    objective = Grounded(features=6)
    encoder: Any = SimpleNamespace(dimension=4)
    params, _, _ = objective.init(jax.random.key(0), encoder, {}, {})
    features = RNG.normal(size=(ROWS, 6)).astype(np.float32)
    mapped = features @ params["kernel"] + params["bias"]
    captions = {"positive": embeddings["positive"]}
    loss, _, gradients = evaluate(
        objective, captions, {**facts, "features": features}, params=params
    )
    assert float(loss) == pytest.approx(
        slow(mapped, captions["positive"], facts["group"][:, 0], 0.2), rel=1e-4
    )
    assert np.any(gradients[1]["kernel"])
    for wrong in (facts, {**facts, "features": features[:, :5]}):
        with pytest.raises(ValueError, match="features"):
            evaluate(objective, captions, wrong, params=params)
    with pytest.raises(ValueError, match="margin"):
        Grounded(margin=0)
    with pytest.raises(ValueError, match="four"):
        picture_features([], 6)


def test_features_tell_pictures_and_not_their_order() -> None:
    pictures = list(RNG.integers(0, 256, (5, 64, 64, 3), np.uint8))
    found = picture_features(pictures, 16)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(picture_features(pictures[::-1], 16), found[::-1], atol=1e-5)
    np.testing.assert_allclose(picture_features([np.zeros((64, 64, 3), np.uint8)] * 2, 16), 0)


def test_vector_attention_by_a_slow_loop_and_its_limits() -> None:
    pool = VectorAttentionPool(jnp.dtype("float32"), hidden=3)
    features = RNG.normal(size=(1, 6, 4)).astype(np.float32)
    members = np.array([[[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0] * 6]], bool)
    drawn = pool.init(jax.random.key(1), features, members)["params"]
    own: Any = jax.tree.map(lambda x: RNG.normal(size=x.shape).astype(np.float32), drawn)

    def apply(params: Any, x: np.ndarray, members: np.ndarray) -> Any:
        return pool.apply({"params": params}, x, members)

    def pooled(params: Any, x: np.ndarray) -> np.ndarray:
        return np.asarray(apply(params, x, members))[0]

    found = pooled(own, features)
    hidden = np.tanh(features[0] @ own["hidden"]["kernel"] + own["hidden"]["bias"])
    logits = hidden @ own["logits"]["kernel"] + own["logits"]["bias"]
    for segment, places in enumerate(([0, 1, 2], [3, 4])):
        weights = np.exp(logits[places])
        expected = (weights / weights.sum(axis=0) * features[0, places]).sum(axis=0)
        np.testing.assert_allclose(found[segment], expected, atol=1e-5)
    assert not found[2].any()
    padded = features.copy()
    padded[:, 5] = 100
    np.testing.assert_allclose(pooled(own, padded), found, atol=1e-6)
    none = {**own, "logits": jax.tree.map(np.zeros_like, own["logits"])}
    np.testing.assert_allclose(pooled(none, features)[0], features[0, :3].mean(axis=0), atol=1e-6)
    gradients = jax.grad(lambda p: apply(p, features, members & False).sum())(own)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(gradients))


def test_vector_attention_of_no_patches_has_a_gradient() -> None:
    pool = VectorAttentionPool(jnp.dtype("float32"), hidden=3)
    features = jnp.asarray(RNG.normal(size=(1, 4, 5)), jnp.float32)
    members = jnp.asarray([[[1, 1, 0, 0], [0, 0, 0, 0]]], bool)
    params = pool.init(jax.random.key(0), features, members)

    def total(params: Any, features: jax.Array) -> jax.Array:
        pooled: Any = pool.apply(params, features, members)
        return pooled[:, 0].sum()

    found = jax.grad(total, argnums=(0, 1))(params, features)
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(found))
    assert np.any(found[1])


def test_names_are_drawn_of_all_languages_with_the_facts_that_are_asked_for() -> None:
    record = {
        "picture": np.ones((8, 8, 3), np.uint8),
        "ru": "кот",
        "el": "γάτα",
        "group": 3,
        "n": 1,
    }
    rng, languages = np.random.default_rng(0), ("ru", "el")
    examples = [captioned(record, rng, languages=languages, facts=("n",)) for _ in range(40)]
    assert {e.views["positive"] for e in examples} == {"кот", "γάτα"}
    assert examples[0].facts == {"group": (3,), "n": 1}
    with pytest.raises(ValueError, match="hi"):
        captioned(record, rng, languages=("hi",))


def test_an_ensemble_sums_unit_vectors() -> None:
    embeds = [lambda texts: np.array([[3.0, 4.0]]), lambda texts: np.array([[0.0, -9.0]])]
    np.testing.assert_allclose(ensemble_embed(embeds)(["a"]), [[0.6, -0.2]])


@pytest.mark.slow
def test_the_recipe_runs_on_the_real_emoji(tmp_path: Path, shared: Path) -> None:
    config = of_shared_data("grounded", shared, tmp_path)
    config.order, config.evaluate.report_tasks = ("cycle_1", "cycle_2", "features"), ("test-en-ru",)
    for name in set(config.stages) - set(config.order):
        del config.stages[name]
    for name in config.order:
        config.stages[name].update(steps=1, batch_size=16)
    config.evaluate.ensembles.ensemble = ("cycle_1", "cycle_2")
    config.tasks = {"test-en-ru": config.tasks["test-en-ru"]}
    done = run.run_recipe(config.lock(), tmp_path / "run", Preemption())
    rows = [row["model"] for row in done.scores()]
    assert rows == ["untrained", *config.order, "ensemble"]
