"""The state of an objective: written from rows and totals, once a finite update."""

import dataclasses
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import pytest

from pixel_linguist.train.checkpoint import Checkpoints
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.step import init_state, make_step
from tests.train.steps import SEED, Momentum, states
from tests.train.tiny import BATCH, OPTIMIZER, encoder, random_batch

BACKENDS: tuple[Backend, ...] = ("pmap", "shard_map")
# One objective for all tests, so that a step is compiled once.
OBJECTIVE = Momentum(queue_size=20, momentum=0.7, temperature=0.5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.slow
def test_totals_are_of_all_rows(backend: Backend) -> None:
    assert jax.device_count() == 4
    *_, after = states(OBJECTIVE, backend, steps=2)
    one, two = np.split(after["objective"]["queue"]["key"][: 2 * BATCH], 2)
    assert np.abs(one).sum(axis=1).min() > 0
    second = 0.09 * one.T @ one + 0.1 * two.T @ two
    np.testing.assert_allclose(after["objective"]["second"], second, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.slow
def test_a_step_that_is_not_finite_leaves_the_state(backend: Backend) -> None:
    # Such a rate breaks the parameters in the first step.
    first, before, after = states(OBJECTIVE, backend, steps=2, rate=np.nan)
    assert np.isfinite(first["metrics"]["loss"]) and np.isnan(before["metrics"]["loss"])
    assert before["objective"]["next"] == BATCH
    jax.tree.map(np.testing.assert_array_equal, after["objective"], before["objective"])


@dataclasses.dataclass(frozen=True)
class Misshapen(Momentum):
    """Returns rows of one example too few."""

    def loss(self, *arguments: Any) -> Any:
        """Drop a row."""
        loss, metrics, rows, totals = super().loss(*arguments)
        return loss, metrics, jax.tree.map(lambda x: x[1:], rows), totals


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_of_another_leading_axis_are_refused(backend: Backend) -> None:
    with pytest.raises(ValueError, match="rows"):
        states(Misshapen(queue_size=20), backend, steps=1)


def test_a_state_may_share_buffers_with_the_parameters() -> None:
    tiny = encoder()
    state, _ = init_state(tiny, tiny.init(0), OBJECTIVE, OPTIMIZER, seed=0)
    leaves = jax.tree.leaves(state)
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in leaves)
    teacher = jax.tree.leaves(state["objective"]["teacher"])
    own = jax.tree.leaves(state["params"]["encoder"])
    assert not any(np.shares_memory(a, b) for a, b in zip(own, teacher, strict=True))


def numbers() -> Any:
    dataset = grain.MapDataset.source(range(100)).seed(1).shuffle().repeat()
    return iter(dataset.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)))


@pytest.mark.parametrize(("backend", "shard"), [("pmap", False), ("shard_map", True)])
@pytest.mark.slow
def test_a_state_resumes_exactly(tmp_path: Path, backend: Backend, shard: bool) -> None:
    tiny = encoder()
    step_fn = make_step(tiny, OBJECTIVE, OPTIMIZER, backend, shard_optimizer=shard)

    def fresh() -> tuple[Any, Any]:
        return init_state(tiny, tiny.init(0), OBJECTIVE, OPTIMIZER, seed=3)

    def go(state: Any, constants: Any, first: int, last: int) -> Any:
        for step in range(first, last):
            batch = place(random_batch(step), backend)
            state, _ = step_fn(state, constants, batch, np.float32(1e-2), np.uint32(SEED))
        return state

    def begin() -> Any:
        state, constants = fresh()
        return place_state(state, backend, shard_optimizer=shard), constants

    def checkpoints() -> Checkpoints:
        return Checkpoints(tmp_path, keep=1, keep_every=0, run="run", workers=0)

    state, constants = begin()
    whole = jax.device_get(go(state, constants, 0, 5))
    state, constants = begin()
    with checkpoints() as kept:
        kept.save(go(state, constants, 0, 3), numbers())
    state, constants = fresh()
    with checkpoints() as kept:
        restored = kept.restore(state, numbers())
    assert int(restored["step"]) == 3
    placed = place_state(restored, backend, shard_optimizer=shard)
    resumed = jax.device_get(go(placed, constants, 3, 5))
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)
    assert np.abs(whole["objective"]["queue"]["key"]).max() > 0
