"""Group whitening: statistics, its derivative, limits, devices, and InfoNCE as a special case."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.whitening import GroupWhitening, inverse_root, whiten
from tests.fakes import evaluate, facts_of, view_facts_of
from tests.train.steps import states

_whiten = jax.jit(whiten, static_argnums=1)
ENCODER: Any = SimpleNamespace(dimension=12)


def correlated(seed: int, rows: int = 64, width: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(width, width)) + 2
    return (rng.normal(size=(rows, width)) @ mixing + 3).astype(np.float32)


def test_it_is_zca_by_a_slow_loop() -> None:
    x, order = correlated(1), np.random.default_rng(0).permutation(12)
    expected = np.zeros(x.shape)
    for group in order.reshape(4, 3):
        centred = x[:, group].astype(np.float64) - x[:, group].mean(axis=0, dtype=np.float64)
        c = centred.T @ centred / len(x)
        values, vectors = np.linalg.eigh(c + 1e-3 * np.trace(c) / 3 * np.eye(3))
        expected[:, group] = centred @ vectors @ np.diag(values**-0.5) @ vectors.T
    found = _whiten(x, 4, order, 1e-3)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("groups", [1, 4, 12])
def test_the_order_matters_between_one_group_and_single_channels(groups: int) -> None:
    orders = (np.arange(12), np.random.default_rng(1).permutation(12))
    first, second = (_whiten(correlated(2), groups, order, 1e-4) for order in orders)
    assert np.allclose(first, second, atol=2e-2) == (groups != 4)


@pytest.mark.parametrize("values", [(1.0, 2.0, 3.0), (2.0, 2.0, 2.0), (1.0, 1.0, 5.0)])
def test_the_derivative_is_that_of_finite_differences(values: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    c = basis @ np.diag(values) @ basis.T
    change = rng.normal(size=(3, 3))
    change += change.T

    def exact(matrix: np.ndarray) -> np.ndarray:
        found, vectors = np.linalg.eigh(matrix)
        return np.asarray(vectors @ np.diag(found**-0.5) @ vectors.T)

    slope = (exact(c + 1e-5 * change) - exact(c - 1e-5 * change)) / 2e-5
    given = (jnp.asarray(c, jnp.float32),), (jnp.asarray(change, jnp.float32),)
    root, tangent = jax.jvp(inverse_root, *given)
    np.testing.assert_allclose(root, exact(c), atol=1e-5)
    np.testing.assert_allclose(tangent, slope, atol=1e-4)
    gradient = jax.grad(lambda x: (inverse_root(x) * change).sum())(given[0][0])
    assert np.isfinite(gradient).all()


def given(rows: int = 16) -> tuple[dict[str, np.ndarray], Any, Any]:
    embeddings = {"anchor": correlated(0, rows), "positive": correlated(1, rows)}
    rng = np.random.default_rng(0)
    group = np.stack([rng.integers(-1, 3, rows)], axis=1).astype(np.int32)
    ids = rng.integers(0, 30, size=(3, rows))
    return embeddings, facts_of(rows, group=group), view_facts_of(ids)


def test_without_whitening_and_head_it_is_one_way_info_nce() -> None:
    objective = GroupWhitening(groups=0, positives=1, head=False)
    found, expected = (evaluate(x, *given())[0] for x in (objective, InfoNCE(symmetric=False)))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.slow
def test_devices_change_nothing() -> None:
    objective = GroupWhitening(groups=4, positives=2, temperature=0.5)
    params = objective.init(jax.random.key(1), ENCODER, None, {})
    one, four = (evaluate(objective, *given(), params=params[0], devices=n) for n in (1, 4))
    assert float(one[0]) == pytest.approx(float(four[0]), rel=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), one[2], four[2])


@pytest.mark.slow
def test_a_step_is_the_same_under_both_back_ends() -> None:
    # Eight examples whiten groups of two.
    objective = GroupWhitening(groups=8, positives=2)
    found = [states(objective, b, steps=2, head="none") for b in ("pmap", "shard_map")]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4),
        *(state[-1]["params"] for state in found),
    )


def test_bad_settings_and_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="positives"):
        GroupWhitening(groups=4, positives=0)
    with pytest.raises(ValueError, match="divide"):
        GroupWhitening(groups=5).init(jax.random.key(0), ENCODER, None, {})
    objective = GroupWhitening(groups=2, head=False)
    embeddings = {view: correlated(0, 6) for view in ("anchor", "positive")}
    with pytest.raises(ValueError, match="groups"):
        evaluate(objective, embeddings, facts_of(6), params={})
