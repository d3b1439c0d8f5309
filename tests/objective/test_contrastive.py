"""InfoNCE against a slow loop in float64, and against the PyTorch reference's values."""

import math
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective import contrastive, make_objective
from pixel_linguist.objective.contrastive import same_meaning

SETTINGS: dict[str, Any] = {
    "temperature": 0.05,
    "learnable_temperature": False,
    "symmetric": True,
    "hard_negatives": False,
    "mask_false_negatives": True,
    "axis": "data",
}


def draw(seed: int, *, rows: int, views: int = 3) -> dict[str, np.ndarray]:
    """Draw embeddings of the first few views."""
    rng = np.random.default_rng(seed)
    names = ("anchor", "positive", "negative")[:views]
    return {view: rng.normal(size=(rows, 6)).astype(np.float32) for view in names}


def batch_of(
    rows: int,
    *,
    ids: np.ndarray | None = None,
    group: list[int] | None = None,
    has_negative: list[bool] | None = None,
) -> dict[str, Any]:
    """Return the side facts of a batch; all texts differ and no row has a group, unless given."""
    ids = np.arange(3 * rows).reshape(3, rows) if ids is None else ids
    return {
        "text_id": dict(zip(("anchor", "positive", "negative"), ids.astype(np.int32), strict=True)),
        "group": np.array([-1] * rows if group is None else group, np.int32),
        "has_negative": np.array([True] * rows if has_negative is None else has_negative),
    }


def evaluate(
    settings: dict[str, Any],
    embeddings: dict[str, np.ndarray],
    batch: dict[str, Any],
    devices: int = 1,
    params: Any = None,
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the loss over all devices, its gradient by embeddings, and the metrics."""
    objective = make_objective("info_nce", {**SETTINGS, **settings})
    parameters = objective.init()[0] if params is None else params

    def mean_loss(vectors: Any, rows: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        outputs = {view: {"embedding": x} for view, x in vectors.items()}
        loss, metrics, _ = objective(parameters, outputs, rows, {}, jax.random.key(0))
        return jax.lax.pmean((loss, metrics), "data")

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(devices, -1, *x.shape[1:])

    def whole(vectors: Any) -> tuple[jax.Array, Any]:
        mapped = jax.vmap(mean_loss, axis_name="data")
        losses, metrics = mapped(jax.tree.map(split, vectors), jax.tree.map(split, batch))
        return losses[0], jax.tree.map(lambda x: x[0], metrics)

    (loss, metrics), grads = jax.jit(jax.value_and_grad(whole, has_aux=True))(embeddings)
    return loss, grads, metrics


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def slow_loss(
    embeddings: dict[str, np.ndarray],
    batch: dict[str, Any],
    *,
    temperature: float,
    symmetric: bool,
    hard_negatives: bool,
    mask: bool,
) -> float:
    """Return the loss by its definition, pair by pair, in float64."""
    a, p, n = (unit(embeddings[v].astype(np.float64)) for v in ("anchor", "positive", "negative"))
    rows = len(a)
    text = {view: batch["text_id"][view].tolist() for view in batch["text_id"]}
    group = batch["group"].tolist()

    def alike(i: int, j: int) -> bool:
        shared = {text["anchor"][i], text["positive"][i]} & {text["anchor"][j], text["positive"][j]}
        return bool(shared) or (group[i] == group[j] and group[i] >= 0)

    def one_row(i: int, queries: np.ndarray, keys: np.ndarray) -> float:
        candidates = []
        for j in range(rows):
            if j == i or not (mask and alike(i, j)):
                candidates.append(float(queries[i] @ keys[j]) / temperature)
        for j in range(rows if hard_negatives else 0):
            own = {text["anchor"][i], text["positive"][i]}
            if batch["has_negative"][j] and not (mask and text["negative"][j] in own):
                candidates.append(float(queries[i] @ n[j]) / temperature)
        correct = float(queries[i] @ keys[i]) / temperature
        return math.log(sum(math.exp(c) for c in candidates)) - correct

    loss = sum(one_row(i, a, p) for i in range(rows)) / rows
    if symmetric and not hard_negatives:
        loss = (loss + sum(one_row(i, p, a) for i in range(rows)) / rows) / 2
    return loss


@pytest.mark.parametrize("devices", [1, 2, 4])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(("symmetric", "hard"), [(True, False), (False, False), (False, True)])
def test_equals_the_definition(symmetric: bool, hard: bool, mask: bool, devices: int) -> None:
    rows = 8
    embeddings = draw(0, rows=rows)
    # Few different texts and groups, so that every kind of coincidence occurs.
    ids = np.random.default_rng(0).integers(0, 20, size=(3, rows))
    ids[2, 3] = ids[0, 3]
    group = [0, 0, 1, 2, 1, -1, -1, 3]
    has_negative = [True, False, True, True, True, False, True, True]
    batch = batch_of(rows, ids=ids, group=group, has_negative=has_negative)
    settings = {"symmetric": symmetric, "hard_negatives": hard, "mask_false_negatives": mask}
    loss, _, _ = evaluate(settings, embeddings, batch, devices)
    expected = slow_loss(
        embeddings, batch, temperature=0.05, symmetric=symmetric, hard_negatives=hard, mask=mask
    )
    assert float(loss) == pytest.approx(expected, rel=2e-5)


def test_the_coincidences_of_that_test_matter() -> None:
    embeddings = draw(0, rows=8)
    batch = batch_of(8, group=[0, 0, 1, 2, 1, -1, -1, 3])
    arguments: dict[str, Any] = {"temperature": 0.05, "symmetric": True, "hard_negatives": False}
    masked = slow_loss(embeddings, batch, mask=True, **arguments)
    assert masked < slow_loss(embeddings, batch, mask=False, **arguments) - 0.01


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
    loss, _, _ = evaluate(settings, embeddings, batch_of(8))
    assert float(loss) == pytest.approx(float(stored[reference]), abs=1e-6)


def test_gradient_equals_the_reference(shared: Path) -> None:
    stored = np.load(shared / "fixtures" / "loss.npz")
    embeddings = {"anchor": stored["A"], "positive": stored["B"]}
    _, grads, _ = evaluate({}, embeddings, batch_of(8))
    np.testing.assert_allclose(grads["anchor"], stored["grad_A_through_normalise"], atol=1e-6)
    np.testing.assert_allclose(grads["positive"], stored["grad_B_through_normalise"], atol=1e-6)


@pytest.mark.parametrize("hard", [False, True])
def test_gradient_and_loss_do_not_depend_on_the_number_of_devices(hard: bool) -> None:
    embeddings = draw(1, rows=8, views=3 if hard else 2)
    batch = batch_of(8, group=[0, 1, 0, 1, 2, 3, 4, 5])
    loss, grads, metrics = evaluate({"hard_negatives": hard}, embeddings, batch)
    for devices in (2, 4):
        settings = {"hard_negatives": hard}
        other_loss, other_grads, others = evaluate(settings, embeddings, batch, devices)
        assert float(other_loss) == pytest.approx(float(loss), rel=1e-6)
        for name, value in metrics.items():
            assert float(others[name]) == pytest.approx(float(value), rel=1e-5), name
        for view in embeddings:
            np.testing.assert_allclose(other_grads[view], grads[view], atol=1e-6)


@pytest.mark.parametrize("hard", [False, True])
def test_scoring_by_blocks_of_rows_changes_nothing(
    hard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings = draw(5, rows=21, views=3 if hard else 2)
    batch = batch_of(21, group=[row % 9 - 1 for row in range(21)])
    loss, grads, metrics = evaluate({"hard_negatives": hard}, embeddings, batch)
    # Two whole blocks, and one that is not.
    monkeypatch.setattr(contrastive, "ROWS_AT_ONCE", 8)
    in_blocks, block_grads, block_metrics = evaluate({"hard_negatives": hard}, embeddings, batch)
    assert float(in_blocks) == pytest.approx(float(loss), rel=1e-6)
    for view in embeddings:
        np.testing.assert_allclose(block_grads[view], grads[view], atol=1e-6)
    for name, value in metrics.items():
        assert float(block_metrics[name]) == pytest.approx(float(value), rel=1e-5), name


def test_same_meaning_by_text_on_either_side_and_by_group() -> None:
    ids = np.array([[1, 2], [3, 4], [2, 5], [6, 6], [7, 8], [9, 10]])
    groups = np.array([-1, 0, -1, 0, -1, 1])
    found = np.asarray(same_meaning(*map(jnp.asarray, (ids, groups, ids, groups))))
    others = {(i, j) for i, j in zip(*found.nonzero(), strict=True) if i != j}
    assert others == {(0, 2), (2, 0), (1, 3), (3, 1)}
    assert found.diagonal().all()


def test_excluded_candidates_have_no_influence_and_no_gradient() -> None:
    embeddings = draw(2, rows=4, views=2)
    batch = batch_of(4, group=[5, 5, 5, 5])
    loss, grads, metrics = evaluate({}, embeddings, batch)
    assert float(loss) == 0
    assert not np.any(grads["anchor"]) and not np.any(grads["positive"])
    assert float(metrics["accuracy"]) == 1


def test_a_batch_without_hard_negatives_loses_as_if_there_were_none() -> None:
    embeddings = draw(3, rows=4)
    batch = batch_of(4, has_negative=[False] * 4)
    with_views, grads, _ = evaluate({"hard_negatives": True}, embeddings, batch)
    without, _, _ = evaluate({"symmetric": False}, embeddings, batch)
    assert float(with_views) == pytest.approx(float(without), rel=1e-6)
    assert not np.any(grads["negative"])


def test_metrics_of_known_embeddings() -> None:
    square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    embeddings = {"anchor": 3 * square, "positive": 0.5 * square}
    _, _, metrics = evaluate({}, embeddings, batch_of(4))
    assert float(metrics["accuracy"]) == 1
    assert float(metrics["alignment"]) == pytest.approx(0, abs=1e-6)
    # Of the three others, two are at squared distance 2 and one at 4.
    expected = math.log((2 * math.exp(-4) + math.exp(-8)) / 3)
    assert float(metrics["uniformity"]) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["temperature"]) == pytest.approx(0.05)
    wrong = {"anchor": square, "positive": np.roll(square, 1, axis=0)}
    assert float(evaluate({}, wrong, batch_of(4))[2]["accuracy"]) == 0


def loss_of_scale(log_scale: float) -> Any:
    """Return (loss, its derivative by the logarithm of the scale, the temperature in use)."""
    embeddings = draw(4, rows=4, views=2)

    def loss(params: Any) -> Any:
        value, _, metrics = evaluate(
            {"learnable_temperature": True}, embeddings, batch_of(4), 1, params
        )
        return value, metrics["temperature"]

    (value, temperature), grads = jax.value_and_grad(loss, has_aux=True)(
        {"log_scale": jnp.float32(log_scale)}
    )
    return float(value), float(grads["log_scale"]), float(temperature)


def test_learnable_temperature_starts_where_it_is_set_and_has_the_right_gradient() -> None:
    embeddings = draw(4, rows=4, views=2)
    fixed, _, _ = evaluate({}, embeddings, batch_of(4))
    start = -math.log(0.05)
    value, slope, temperature = loss_of_scale(start)
    assert value == pytest.approx(float(fixed), rel=1e-5)
    assert temperature == pytest.approx(0.05, rel=1e-5)
    step = 1e-2
    numeric = (loss_of_scale(start + step)[0] - loss_of_scale(start - step)[0]) / (2 * step)
    assert slope == pytest.approx(numeric, rel=1e-2)


def test_learnable_temperature_stays_above_a_hundredth_and_can_come_back() -> None:
    at_bound = loss_of_scale(math.log(100))
    beyond = loss_of_scale(math.log(100) + 2)
    assert beyond[2] == pytest.approx(0.01, rel=1e-5)
    assert beyond[0] == pytest.approx(at_bound[0], rel=1e-5)
    assert beyond[1] != 0


@pytest.mark.parametrize("learnable", [False, True])
def test_parameters_are_as_the_option_says(learnable: bool) -> None:
    settings = {**SETTINGS, "learnable_temperature": learnable}
    params, state = make_objective("info_nce", settings).init()
    assert (set(params), state) == ({"log_scale"} if learnable else set(), {})


def test_views_follow_hard_negatives() -> None:
    assert make_objective("info_nce", SETTINGS).views == ("anchor", "positive")
    with_negatives = make_objective("info_nce", {**SETTINGS, "hard_negatives": True})
    assert with_negatives.views == ("anchor", "positive", "negative")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("infonce", {}, r"no objective 'infonce'; there are info_nce"),
        ("info_nce", {"temprature": 1.0}, r"unknown or missing: temprature"),
    ],
)
def test_mistakes_are_named(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_objective(name, {**SETTINGS, **changes})


def test_missing_arguments_are_named() -> None:
    with pytest.raises(ValueError, match=r"takes axis, .*unknown or missing: temperature"):
        make_objective("info_nce", {k: v for k, v in SETTINGS.items() if k != "temperature"})
