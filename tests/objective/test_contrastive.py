"""InfoNCE against a slow loop in float64, and against the PyTorch reference's values."""

import itertools
import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective import contrastive, make_objective
from pixel_linguist.objective.contrastive import InfoNCE, same_meaning
from tests.fakes import VIEWS, evaluate, facts_of, view_facts_of

# Two groups a row, of which any may be none; rows 0 and 1, 2 and 4, 4 and 7 share one.
GROUPS = np.array([[0, -1], [0, 6], [1, -1], [2, -1], [4, 1], [-1, -1], [-1, -1], [3, 4]], np.int32)


def draw(seed: int, *, rows: int, views: int = 3) -> dict[str, np.ndarray]:
    """Draw embeddings of the first few views."""
    rng = np.random.default_rng(seed)
    return {view: rng.normal(size=(rows, 6)).astype(np.float32) for view in VIEWS[:views]}


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def slow_loss(
    objective: InfoNCE,
    embeddings: dict[str, np.ndarray],
    groups: np.ndarray,
    ids: np.ndarray,
    present: list[bool],
) -> float:
    """Return the loss by its definition, pair by pair, in float64."""
    a, p, n = (unit(embeddings[view].astype(np.float64)) for view in VIEWS)
    rows, mask = range(len(a)), objective.mask_false_negatives
    own = [set(ids[:2, i].tolist()) for i in rows]
    sets = [{g for g in group if g >= 0} for group in groups.tolist()]

    def one_row(i: int, queries: np.ndarray, keys: np.ndarray) -> float:
        candidates = [
            keys[j] for j in rows if j == i or not (mask and (own[i] & own[j] or sets[i] & sets[j]))
        ]
        for j in rows if objective.hard_negatives else ():
            if present[j] and not (mask and ids[2, j] in own[i]):
                candidates.append(n[j])
        scores = [float(queries[i] @ key) / objective.temperature for key in candidates]
        correct = float(queries[i] @ keys[i]) / objective.temperature
        return math.log(sum(map(math.exp, scores))) - correct

    loss = sum(one_row(i, a, p) for i in rows) / len(rows)
    if objective.symmetric and not objective.hard_negatives:
        loss = (loss + sum(one_row(i, p, a) for i in rows) / len(rows)) / 2
    return loss


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(("symmetric", "hard"), [(True, False), (False, False), (False, True)])
def test_equals_the_definition_on_any_number_of_devices(
    symmetric: bool, hard: bool, mask: bool
) -> None:
    objective = InfoNCE(symmetric=symmetric, hard_negatives=hard, mask_false_negatives=mask)
    embeddings = draw(0, rows=8)
    # Few different texts, so that every kind of coincidence occurs.
    ids = np.random.default_rng(0).integers(0, 20, size=(3, 8))
    ids[2, 3] = ids[0, 3]
    present = [True, False, True, True, True, False, True, True]
    given = facts_of(8, group=GROUPS), view_facts_of(ids, present)
    expected = slow_loss(objective, embeddings, GROUPS, ids, present)
    found = [evaluate(objective, embeddings, *given, devices=n) for n in (1, 2, 4)]
    for loss, metrics, gradients in found:
        assert float(loss) == pytest.approx(expected, rel=2e-5)
        for name, value in metrics.items():
            assert float(value) == pytest.approx(float(found[0][1][name]), rel=1e-5), name
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6), gradients, found[0][2]
        )


def test_a_shared_text_or_any_shared_group_makes_rows_alike() -> None:
    ids = np.array([[1, 2], [3, 4], [2, 5], [6, 6], [7, 8], [9, 10]])
    groups = np.array([[-1, -1], [0, 5], [-1, -1], [3, 0], [5, -1], [1, -1]])
    found = np.asarray(same_meaning(*map(jnp.asarray, (ids, groups, ids, groups))))
    others = [(i, j) for i, j in itertools.combinations(range(6), 2) if found[i, j]]
    assert others == [(0, 2), (1, 3), (1, 4)]
    assert found.diagonal().all() and np.array_equal(found, found.T)


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        ({}, "loss_normalised"),
        ({"symmetric": False}, "loss_rows_only_normalised"),
        ({"symmetric": False, "hard_negatives": True}, "loss_hardneg_rows_only_normalised"),
        ({"hard_negatives": True}, "loss_hardneg_rows_only_normalised"),
    ],
)
def test_equals_the_reference(shared: Path, settings: dict[str, bool], reference: str) -> None:
    stored = np.load(shared / "fixtures" / "loss.npz")
    embeddings = {"anchor": stored["A"], "positive": stored["B"], "negative": stored["N"]}
    loss, _, (grads, _) = evaluate(InfoNCE(**settings), embeddings, facts_of(8))
    assert float(loss) == pytest.approx(float(stored[reference]), abs=1e-6)
    if not settings:
        for view, name in (("anchor", "A"), ("positive", "B")):
            expected = stored[f"grad_{name}_through_normalise"]
            np.testing.assert_allclose(grads[view], expected, atol=1e-6)


@pytest.mark.parametrize("hard", [False, True])
def test_scoring_by_blocks_of_rows_changes_nothing(
    hard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, embeddings = InfoNCE(hard_negatives=hard), draw(5, rows=21)
    facts = facts_of(21, group=np.arange(21, dtype=np.int32)[:, None] % 9 - 1)
    whole = evaluate(objective, embeddings, facts)
    # Two whole blocks, and one that is not.
    monkeypatch.setattr(contrastive, "ROWS_AT_ONCE", 8)
    blocks = evaluate(objective, embeddings, facts)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, 1e-5, 1e-6), blocks, whole)


def test_metrics_of_known_embeddings() -> None:
    square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    embeddings = {"anchor": 3 * square, "positive": 0.5 * square}
    _, metrics, _ = evaluate(InfoNCE(), embeddings, facts_of(4))
    # Of the three others, two are at squared distance 2 and one at 4.
    uniformity = math.log((2 * math.exp(-4) + math.exp(-8)) / 3)
    expected = {"accuracy": 1, "alignment": 0, "uniformity": uniformity, "temperature": 0.05}
    assert {k: float(v) for k, v in metrics.items()} == pytest.approx(expected, rel=1e-5, abs=1e-6)
    wrong = {"anchor": square, "positive": np.roll(square, 1, axis=0)}
    assert float(evaluate(InfoNCE(), wrong, facts_of(4))[1]["accuracy"]) == 0


def test_learned_temperature_starts_as_set_and_stays_above_a_hundredth() -> None:
    objective, embeddings = InfoNCE(learnable_temperature=True), draw(4, rows=4, views=2)

    def at(log_scale: float) -> tuple[float, float, float]:
        params = {"log_scale": jnp.float32(log_scale)}
        loss, metrics, (_, slope) = evaluate(objective, embeddings, facts_of(4), params=params)
        return float(loss), float(slope["log_scale"]), float(metrics["temperature"])

    start, step = -math.log(0.05), 1e-2
    fixed, _, _ = evaluate(InfoNCE(), embeddings, facts_of(4))
    loss, metrics, _ = evaluate(objective, embeddings, facts_of(4))
    value, slope, temperature = at(start)
    assert float(loss) == pytest.approx(value) == pytest.approx(float(fixed), rel=1e-5)
    assert float(metrics["temperature"]) == pytest.approx(temperature) == pytest.approx(0.05)
    numeric = (at(start + step)[0] - at(start - step)[0]) / (2 * step)
    assert slope == pytest.approx(numeric, rel=1e-2)
    at_bound, beyond = at(math.log(100)), at(math.log(100) + 2)
    assert beyond[2] == pytest.approx(0.01, rel=1e-5)
    assert beyond[0] == pytest.approx(at_bound[0], rel=1e-5)
    # It can come back.
    assert beyond[1] != 0


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"name": "infonce"}, "info_nce"),
        ({"name": "info_nce", "temprature": 1.0}, "'temperature'"),
        ({"name": "masked_autoencoder"}, "decoder"),
        ({"temperature": 1.0}, "name"),
    ],
)
def test_mistakes_are_answered_with_the_nearest_known(spec: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make_objective(spec)
