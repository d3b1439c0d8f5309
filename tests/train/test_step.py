"""The training step: exact on any number of devices, and equal to a plain single-device step."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import traverse_util

from pixel_linguist.model import encode, init_params
from pixel_linguist.objective import Objective, make_objective
from pixel_linguist.train.hosts import AXIS, Backend, place, place_state
from pixel_linguist.train.optim import OptimizerConfig, freeze
from pixel_linguist.train.step import init_state, mapped_step
from tests.train.five_steps import ENCODER, OPTIMIZER, random_batch

Flat = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def after_five_steps(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function: (devices, backend, seed) → hard negatives → parameters by name."""
    folder, done = tmp_path_factory.mktemp("steps"), {}

    def run(devices: int, backend: str, seed: int = 7) -> dict[bool, Flat]:
        if (devices, backend, seed) not in done:
            path = folder / f"{devices}-{backend}-{seed}.npz"
            program = Path(__file__).with_name("five_steps.py")
            environment = os.environ | {"JAX_NUM_CPU_DEVICES": str(devices)}
            command = [sys.executable, str(program), str(path), str(seed), backend]
            subprocess.run(command, env=environment, check=True)
            stored = np.load(path)
            assert stored["devices"] == devices
            done[devices, backend, seed] = {
                hard: {
                    name.split(":")[2]: stored[name]
                    for name in stored
                    if name.startswith(f"{backend}:{hard}:")
                }
                for hard in (False, True)
            }
        return done[devices, backend, seed]

    return run


def largest_difference(a: Flat, b: Flat) -> float:
    assert a.keys() == b.keys() and len(a) > 10
    names = a.keys() - {"gradient_norms"}
    return max(float(np.abs(a[name] - b[name]).max()) for name in names)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("devices", "backend"),
    [
        (4, "pmap"),
        (4, "shard_map"),
        pytest.param(2, "pmap", marks=SLOW),
        pytest.param(1, "shard_map", marks=SLOW),
        pytest.param(2, "shard_map", marks=SLOW),
        pytest.param(8, "pmap", marks=SLOW),
        pytest.param(8, "shard_map", marks=SLOW),
    ],
)
def test_devices_and_back_ends_give_the_same_parameters(
    after_five_steps: Any, devices: int, backend: str
) -> None:
    one, others = after_five_steps(1, "pmap"), after_five_steps(devices, backend)
    for hard in (False, True):
        assert largest_difference(one[hard], others[hard]) < 1e-5
        # Adam hides the gradients' scale.
        norms = one[hard]["gradient_norms"]
        np.testing.assert_allclose(others[hard]["gradient_norms"], norms, rtol=1e-4)
    # Something was learned, and with hard negatives something else.
    start = init_params(ENCODER, 0)["embed"]["kernel"]
    assert np.abs(one[False]["encoder/embed/kernel"] - start).max() > 1e-3
    assert largest_difference(one[False], one[True]) > 1e-3


@SLOW
def test_dropout_is_on_in_that_comparison(after_five_steps: Any) -> None:
    one, other_seed = after_five_steps(1, "pmap"), after_five_steps(1, "pmap", 8)
    assert largest_difference(one[False], other_seed[False]) > 1e-3


NO_DROPOUT = dataclasses.replace(ENCODER, dropout=0.0)


def plain_objective() -> Objective:
    arguments: dict[str, Any] = {
        "temperature": 0.05,
        "learnable_temperature": False,
        "symmetric": True,
    }
    arguments |= {"hard_negatives": False, "mask_false_negatives": False, "axis": AXIS}
    return make_objective("info_nce", arguments)


def plain_loss(params: Any, batch: Any) -> jax.Array:
    """Return the loss of a whole batch, written without devices, keys and objective."""
    sides = [
        encode(dataclasses.replace(NO_DROPOUT, keep_head=True), params, **batch[view])["embedding"]
        for view in ("anchor", "positive")
    ]
    a, b = (side / jnp.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    scores = a @ b.T / 0.05
    both = jax.nn.log_softmax(scores, axis=1) + jax.nn.log_softmax(scores, axis=0)
    return -jnp.diagonal(both).mean() / 2


def run_steps(
    optimizer: OptimizerConfig,
    batches: list[Any],
    rates: list[float],
    backend: Backend,
    *,
    chunk_size: int = 0,
    shard_optimizer: bool = False,
) -> list[tuple[Flat, dict[str, float]]]:
    """Return the encoder's parameters and the metrics after each step."""
    step_fn = mapped_step(
        NO_DROPOUT,
        plain_objective(),
        optimizer,
        backend,
        chunk_size=chunk_size,
        shard_optimizer=shard_optimizer,
    )
    host = init_state(init_params(NO_DROPOUT, 0), plain_objective(), optimizer)
    state = place_state(host, backend, shard_optimizer=shard_optimizer)
    before = jax.tree.map(lambda x: x.sharding, state) if backend == "shard_map" else None
    found = []
    for number, (batch, rate) in enumerate(zip(batches, rates, strict=True), start=1):
        state, metrics = step_fn(state, place(batch, backend), np.float32(rate), np.uint32(0))
        assert int(state["step"]) == number
        params = traverse_util.flatten_dict(jax.device_get(state["params"]["encoder"]), sep="/")
        found.append((params, {name: float(value) for name, value in metrics.items()}))
        if before:
            assert jax.tree.map(lambda x: x.sharding, state) == before
    return found


# Adam is steep near a gradient of zero; the larger epsilon keeps rounding from showing.
SMOOTH = dataclasses.replace(OPTIMIZER, epsilon=1e-4, weight_decay=0.1, clip_norm=0.1)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("pmap", {}),
        ("shard_map", {}),
        ("pmap", {"chunk_size": 1}),
        ("shard_map", {"chunk_size": 1, "shard_optimizer": True}),
    ],
)
def test_a_step_equals_plain_adamw_on_the_whole_batch(
    backend: Backend, options: dict[str, Any]
) -> None:
    assert jax.device_count() == 4
    batches, rates = [random_batch(0), random_batch(1)], [1e-2, 2e-3]
    found = run_steps(SMOOTH, batches, rates, backend, **options)
    params = init_params(NO_DROPOUT, 0)
    # The rate is put in by hand, as it changes from step to step.
    adamw = optax.adamw(1.0, 0.9, 0.999, SMOOTH.epsilon, weight_decay=0.1, mask=_kernels)
    opt = adamw.init(params)
    value_and_grad = jax.jit(jax.value_and_grad(plain_loss))
    for batch, rate, (after, metrics) in zip(batches, rates, found, strict=True):
        loss, grads = value_and_grad(params, batch)
        norm = float(optax.tree.norm(grads))
        assert norm > SMOOTH.clip_norm, "clipping is at work"
        assert metrics["loss"] == pytest.approx(float(loss), rel=1e-5)
        assert metrics["gradient_norm"] == pytest.approx(norm, rel=1e-5)
        clipped = jax.tree.map(lambda g, n=norm: SMOOTH.clip_norm * g / n, grads)
        updates, opt = adamw.update(clipped, opt, params)
        params = jax.tree.map(lambda p, u, r=rate: p + r * u, params, updates)
        assert largest_difference(after, traverse_util.flatten_dict(params, sep="/")) < 1e-5


def _kernels(params: Any) -> Any:
    flat = traverse_util.flatten_dict(params)
    return traverse_util.unflatten_dict({path: path[-1] == "kernel" for path in flat})


@pytest.mark.parametrize(("backend", "shard"), [("pmap", False), ("shard_map", True)])
def test_accumulation_moves_once_by_the_mean_gradient_of_its_batches(
    backend: Backend, shard: bool
) -> None:
    optimizer = dataclasses.replace(SMOOTH, accumulate=2)
    batches, rates = [random_batch(0), random_batch(1)], [1e-2, 1e-2]
    (first, _), (second, _) = run_steps(optimizer, batches, rates, backend, shard_optimizer=shard)
    start = init_params(NO_DROPOUT, 0)
    assert largest_difference(first, traverse_util.flatten_dict(start, sep="/")) == 0

    def mean_loss(params: Any) -> jax.Array:
        # Negatives come from the same batch: the mean of two losses, not one loss of 16 rows.
        return (plain_loss(params, batches[0]) + plain_loss(params, batches[1])) / 2

    grads = jax.jit(jax.grad(mean_loss))(start)
    norm = float(optax.tree.norm(grads))
    clipped = jax.tree.map(lambda g: SMOOTH.clip_norm * g / norm, grads)
    adamw = optax.adamw(1e-2, 0.9, 0.999, SMOOTH.epsilon, weight_decay=0.1, mask=_kernels)
    updates, _ = adamw.update(clipped, adamw.init(start), start)
    expected = traverse_util.flatten_dict(optax.apply_updates(start, updates), sep="/")
    assert largest_difference(second, expected) < 1e-5


@pytest.mark.parametrize("backend", ["pmap", "shard_map"])
def test_frozen_groups_stay_and_the_others_move_as_ever(backend: Backend) -> None:
    # Without clipping, as the norm of all gradients depends on which there are.
    every = dataclasses.replace(SMOOTH, clip_norm=1e6)
    some = dataclasses.replace(every, frozen=("embed", "positions"))
    (expected, _), (found, _) = (
        run_steps(optimizer, [random_batch(0)], [1e-2], backend)[0] for optimizer in (every, some)
    )
    start = traverse_util.flatten_dict(init_params(NO_DROPOUT, 0), sep="/")
    for path, leaf in found.items():
        if path.startswith(("embed/", "positions")):
            np.testing.assert_array_equal(leaf, start[path])
            assert np.abs(expected[path] - start[path]).max() > 0
        else:
            np.testing.assert_allclose(leaf, expected[path], atol=1e-6)


def test_a_frozen_group_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match=r"frozen names heads; the encoder has blocks, embed"):
        freeze({"encoder": init_params(NO_DROPOUT, 0), "objective": {}}, ("heads",))


def test_the_state_is_of_host_arrays_without_a_device_axis() -> None:
    params = init_params(ENCODER, 0)
    state = init_state(params, plain_objective(), OPTIMIZER)
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(state))
    shapes = jax.tree.map(np.shape, state["params"]["encoder"])
    assert shapes == jax.tree.map(np.shape, params)
    assert set(state) == {"params", "opt", "step", "objective"}


def test_each_device_keeps_its_share_of_the_optimiser_alone() -> None:
    host = init_state(init_params(ENCODER, 0), plain_objective(), OPTIMIZER)
    state = place_state(host, "shard_map", shard_optimizer=True)
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(state), host)

    def on_first_device(tree: Any) -> int:
        return sum(x.addressable_shards[0].data.nbytes for x in jax.tree.leaves(tree))

    whole = sum(x.nbytes for x in jax.tree.leaves(host["opt"]))
    assert on_first_device(state["opt"]) < 1.02 * whole / 4
    assert on_first_device(state["params"]) == sum(
        x.nbytes for x in jax.tree.leaves(host["params"])
    )
    with pytest.raises(ValueError, match=r"shard_optimizer needs train.backend 'shard_map'"):
        mapped_step(ENCODER, plain_objective(), OPTIMIZER, "pmap", shard_optimizer=True)


def temporary_bytes(rows: int, chunk_size: int, patch: int = 8) -> int:
    """Return what the compiler sets aside for a step of so many pairs, on one of four devices."""
    encoder = dataclasses.replace(ENCODER, patch_height=patch, patch_width=patch)
    step_fn: Any = mapped_step(
        encoder, plain_objective(), OPTIMIZER, "shard_map", chunk_size=chunk_size
    )
    state = init_state(init_params(encoder, 0), plain_objective(), OPTIMIZER)
    shape = jax.ShapeDtypeStruct
    patches = shape((rows, 6, patch, patch), np.uint8)
    batch: dict[str, Any] = {
        view: {"patches": patches, "count": shape((rows,), np.int32)}
        for view in ("anchor", "positive")
    }
    batch["text_id"] = {view: shape((rows,), np.int32) for view in batch}
    batch["group"] = shape((rows,), np.int32)
    lowered = step_fn.lower(state, batch, np.float32(1e-3), np.uint32(0))
    return lowered.compile().memory_analysis().temp_size_in_bytes


@SLOW
def test_memory_hardly_grows_with_the_batch_when_it_is_encoded_in_chunks() -> None:
    few, many = temporary_bytes(256, 64), temporary_bytes(2048, 64)
    # What grows, by far less than the batch, is a block of rows by all candidates.
    assert many < 3 * few
    assert temporary_bytes(2048, 0) > 3 * many


@SLOW
def test_no_pixels_are_kept_for_the_backward_pass_of_chunks() -> None:
    patch = 64
    grown = temporary_bytes(1024, 32, patch) - temporary_bytes(256, 32, patch)
    # A device has a quarter of the pairs, of two texts of six patches each.
    pixels = (1024 - 256) / 4 * 2 * 6 * patch**2
    assert grown < pixels / 10


def test_a_chunk_size_that_does_not_divide_the_rows_is_named() -> None:
    with pytest.raises(ValueError, match="chunk_size 3 does not divide a device's 2 rows"):
        run_steps(OPTIMIZER, [random_batch(0)], [1e-3], "pmap", chunk_size=3)


def test_stages_of_one_shape_share_a_step() -> None:
    first = mapped_step(ENCODER, plain_objective(), OPTIMIZER, "pmap")
    again = mapped_step(
        dataclasses.replace(ENCODER), plain_objective(), dataclasses.replace(OPTIMIZER), "pmap"
    )
    assert first is again
    other = dataclasses.replace(OPTIMIZER, b1=0.8)
    assert mapped_step(ENCODER, plain_objective(), other, "pmap") is not first


def test_an_unknown_back_end_is_named() -> None:
    backend: Any = "pjit"
    with pytest.raises(ValueError, match=r"train.backend is 'pjit'; choose one of pmap, shard_map"):
        mapped_step(ENCODER, plain_objective(), OPTIMIZER, backend)
