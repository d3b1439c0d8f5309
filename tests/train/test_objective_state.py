"""The state of an objective: written from rows and totals, once a finite update."""

import dataclasses
from pathlib import Path
from typing import Any

import grain
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.geometry import normalise
from pixel_linguist.train.checkpoint import Checkpoints
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.step import init_state, make_step
from pixel_linguist.train.step_encode import example_keys
from tests.train.steps import SEED, Momentum, train
from tests.train.tiny import BATCH, OPTIMIZER, encoder, largest_difference, random_batch

BACKENDS: tuple[Backend, ...] = ("pmap", "shard_map")
# Its third update is not finite; one objective for all tests, so that a step is compiled once.
OBJECTIVE = Momentum(broken=2)
_encode = jax.jit(encoder().encode)


def keys_of(params: Any, step: int) -> np.ndarray:
    """Return the keys of a batch, encoded without step, devices and objective."""
    key = jax.random.fold_in(jax.random.key(np.uint32(SEED)), step)
    keys = example_keys(jax.random.fold_in(key, 1), "positive", jnp.arange(BATCH))
    patches = random_batch(step).views["positive"]
    found = _encode(params, patches, keys=keys)["embedding"]
    return np.asarray(normalise(found[:, 0]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.slow
def test_rows_totals_and_parameters_reach_the_state(backend: Backend) -> None:
    assert jax.device_count() == 4
    before, _ = train(OBJECTIVE, backend, steps=1)
    after, _ = train(OBJECTIVE, backend, steps=2)
    start = encoder().init(0)
    one, two = keys_of(start, 0), keys_of(before["objective"]["teacher"], 1)
    # Rows stand in the order of the global batch.
    np.testing.assert_allclose(before["objective"]["queue"][:BATCH], one, atol=1e-5)
    assert not before["objective"]["queue"][BATCH:].any()
    np.testing.assert_allclose(after["objective"]["queue"][BATCH : 2 * BATCH], two, atol=1e-5)
    assert after["objective"]["next"] == 2 * BATCH
    second = 0.09 * one.T @ one + 0.1 * two.T @ two
    np.testing.assert_allclose(after["objective"]["second"], second, atol=1e-5)
    teacher = jax.tree.map(
        lambda s, b, a: 0.9 * (0.9 * s + 0.1 * b) + 0.1 * a,
        start,
        before["params"]["encoder"],
        after["params"]["encoder"],
    )
    assert largest_difference(after["objective"]["teacher"], teacher) < 1e-6
    assert largest_difference(teacher, after["params"]["encoder"]) > 1e-3


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_that_is_not_finite_leaves_the_state(backend: Backend) -> None:
    before, _ = train(OBJECTIVE, backend, steps=2)
    after, metrics = train(OBJECTIVE, backend, steps=3)
    assert np.isnan(metrics[-1]["loss"]) and np.isfinite(metrics[0]["loss"])
    assert after["objective"]["calls"] == before["objective"]["calls"] == 2
    assert largest_difference(after["objective"], before["objective"]) == 0


@dataclasses.dataclass(frozen=True)
class Misshapen(Momentum):
    """Returns rows of one example too few."""

    def loss(self, *arguments: Any) -> Any:
        """Drop a row."""
        loss, metrics, rows, totals = super().loss(*arguments)
        return loss, metrics, {"keys": rows["keys"][1:]}, totals


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_of_another_leading_axis_are_refused(backend: Backend) -> None:
    with pytest.raises(ValueError, match="rows"):
        train(Misshapen(), backend, steps=1)


def test_a_state_may_share_buffers_with_the_parameters() -> None:
    tiny = encoder()
    state, _ = init_state(tiny, tiny.init(0), Momentum(), OPTIMIZER, seed=0)
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
    assert jnp.abs(whole["objective"]["queue"]).max() > 0
