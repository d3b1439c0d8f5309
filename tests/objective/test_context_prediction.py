"""Contrastive context prediction against slow loops, a deque a language, and in its limits."""

import collections
import functools
from types import SimpleNamespace
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.context_prediction import EPSILON, ContextPrediction
from pixel_linguist.objective.protocol import AXIS, Batch, View
from pixel_linguist.train.hosts import Backend
from tests.fakes import GivenEmbeddings, view_facts_of
from tests.train.steps import states
from tests.train.tiny import BATCH, DOMAINS

ENCODER: Any = SimpleNamespace(dimension=6)
OBJECTIVE = ContextPrediction(
    languages=3, bank_size=10, hidden=5, width=4, momentum=0.5, temperature=0.5
)


def batch_of(seed: int, rows: int = 8) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    views = {view: rng.normal(size=(rows, 6)).astype(np.float32) for view in OBJECTIVE.views}
    facts = {"group": rng.integers(-1, 4, (rows, 1)), "language": rng.integers(0, 3, rows)}
    ids = np.arange(3 * rows).reshape(3, rows) + 1000 * seed
    ids[1, 0] = ids[0, 1]
    ints = {name: x.astype(np.int32) for name, x in facts.items()}
    return {"views": views, "facts": ints, "view_facts": view_facts_of(ids)}


@functools.cache
def compiled(objective: ContextPrediction, devices: int) -> Any:
    """Return (params, state, batch) → (loss, z of both views, next state)."""

    def on_device(own: Any, state: Any, batch: Any) -> Any:
        example = jnp.arange(len(batch["facts"]["group"]))
        views = {name: View(name, None, example) for name in batch["views"]}  # type: ignore[arg-type]
        given = {"encoder": batch["views"], "objective": own}
        seen = Batch(views, batch["facts"], batch["view_facts"])
        given_z, key = GivenEmbeddings(), jax.random.key(0)
        loss, _, rows, totals = objective.loss(given, state, {}, seen, given_z, key)
        return jax.lax.pmean(loss, AXIS), rows, jax.lax.psum(totals, AXIS)

    def step(own: Any, state: Any, batch: Any) -> Any:
        split = jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), batch)
        mapped = jax.vmap(on_device, in_axes=(None, None, 0), axis_name=AXIS)
        loss, rows, totals = mapped(own, state, split)
        rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows)
        totals = jax.tree.map(lambda x: x[0], totals)
        return loss[0], rows["z"], objective.after_update({}, state, rows, totals)

    return jax.jit(step)


def begun(objective: ContextPrediction) -> tuple[Any, Any]:
    params, state, _ = objective.init(jax.random.key(3), ENCODER, None, {})
    return params, jax.tree.map(jnp.asarray, state)


def slow_project(params: Any, batch: Any, running: Any, step: int) -> list[np.ndarray]:
    """Return z of both views in float64: one by the batch's statistics, one by running ones."""
    found = []
    for number, view in enumerate(OBJECTIVE.views):
        x = batch["views"][view].astype(np.float64) @ np.float64(params["first"]["kernel"])
        own = step % 2 == number
        mean, variance = (x.mean(axis=0), x.var(axis=0)) if own else running
        z = (x - mean) / np.sqrt(variance + EPSILON) @ np.float64(params["second"]["kernel"])
        found.append(z / np.linalg.norm(z, axis=1, keepdims=True))
        if own:
            new = x.mean(axis=0), x.var(axis=0)
    return [*found, *new]


def slow_loss(z: Any, batch: Any, banks: Any) -> float:
    """Return the mean loss, a row and a candidate at a time."""
    losses, (group, language) = [], (batch["facts"][n] for n in ("group", "language"))
    ids = [batch["view_facts"][view]["text_id"] for view in OBJECTIVE.views]
    entries = [
        ((z[0][i], z[1][i]), {int(ids[0][i]), int(ids[1][i])}, int(group[i, 0]))
        for i in range(len(group))
    ]
    for i, (own, texts, number) in enumerate(entries):
        others = [e for j, e in enumerate(entries) if j != i and language[j] == language[i]]
        for view in (0, 1):
            scores = [own[view] @ own[1 - view] / OBJECTIVE.temperature]
            for other, other_texts, other_number in [*others, *banks[int(language[i])]]:
                if not texts & other_texts and not (number == other_number and number >= 0):
                    scores.append(own[view] @ other[1 - view] / OBJECTIVE.temperature)
            losses.append(np.logaddexp.reduce(scores) - scores[0])
    for entry, code in zip(entries, language.tolist(), strict=True):
        banks[code].append(entry)
    return float(np.mean(losses))


@pytest.mark.parametrize("devices", [1, 4])
def test_losses_and_banks_are_those_of_a_slow_loop(devices: int) -> None:
    params, state = begun(OBJECTIVE)
    step = compiled(OBJECTIVE, devices)
    banks: Any = [collections.deque(maxlen=OBJECTIVE.bank_size) for _ in range(3)]
    running = np.zeros(5), np.ones(5)
    for number in range(7):
        batch = batch_of(number)
        *z, mean, variance = slow_project(params, batch, running, number)
        loss, found, state = step(params, state, batch)
        np.testing.assert_allclose(found, np.stack(z, axis=1), atol=1e-4)
        assert float(loss) == pytest.approx(slow_loss(z, batch, banks), abs=1e-4)
        running = (running[0] + mean) / 2, (running[1] + variance) / 2
        np.testing.assert_allclose(state["mean"], running[0], atol=1e-5)
        np.testing.assert_allclose(state["variance"], running[1], atol=1e-4)
    for code, bank in enumerate(banks):
        written = int(state["written"][code])
        order = [(max(written - 10, 0) + i) % 10 for i in range(len(bank))]
        kept = np.asarray(state["bank"]["z"][code])[order]
        np.testing.assert_allclose(kept, [entry[0] for entry in bank], atol=1e-4)
    assert max(int(n) for n in state["written"]) > OBJECTIVE.bank_size


def test_one_side_alone_lets_examples_see_each_other() -> None:
    params, state = begun(OBJECTIVE)
    batch, step = batch_of(0), compiled(OBJECTIVE, 1)
    # Waited for, as a step that still runs may read the batch that is changed below.
    before = np.asarray(step(params, state, batch)[1])
    for view in OBJECTIVE.views:
        batch["views"][view][5] += 1
    after = np.asarray(step(params, state, batch)[1])
    changed = np.abs(after - before).max(axis=2) > 1e-6
    # The first view is normalised by the batch in the first step, the second by running statistics.
    assert changed[:, 0].all() and changed[:, 1].tolist() == [i == 5 for i in range(8)]


def test_without_a_bank_only_the_batch_counts() -> None:
    objective = ContextPrediction(languages=1, bank_size=0, hidden=5, width=4, temperature=0.5)
    params, state = begun(objective)
    batch = batch_of(1)
    batch["facts"] |= {"language": np.zeros(8, np.int32), "group": np.full((8, 1), -1, np.int32)}
    batch["view_facts"] = view_facts_of(8)
    loss, z, state = compiled(objective, 1)(params, state, batch)
    scores = np.float64(z[:, 0] @ z[:, 1].T) / 0.5
    both = [np.logaddexp.reduce(s, axis=1) - np.diagonal(s) for s in (scores, scores.T)]
    assert float(loss) == pytest.approx(float(np.mean(both)), abs=1e-5)
    assert state["bank"]["z"].shape == (1, 0, 2, 4)


@pytest.mark.slow
def test_banks_are_the_same_under_both_back_ends() -> None:
    objective = ContextPrediction(languages=DOMAINS, bank_size=BATCH, hidden=5, width=4)
    found = [states(objective, b, steps=3, head="none")[-1] for b in get_args(Backend)]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4),
        *(state["objective"] for state in found),
    )
    assert int(found[0]["objective"]["written"].sum()) == 3 * BATCH


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"languages": 0}, "languages"),
        ({"bank_size": -1}, "bank_size"),
        ({"momentum": 1}, "moment"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        ContextPrediction(**({"languages": 2, "bank_size": 8} | change))


def test_batches_that_do_not_fit_are_refused() -> None:
    small = ContextPrediction(languages=3, bank_size=7, hidden=5, width=4)
    one = jax.tree.map(lambda x: x[:1], batch_of(0))
    for objective, batch, word in ((small, batch_of(0), "bank_size"), (OBJECTIVE, one, "size")):
        with pytest.raises(ValueError, match=word):
            jax.eval_shape(compiled(objective, 1), *begun(objective), batch)
