"""The training step against plain AdamW on the whole batch, and its memory."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import traverse_util

from pixel_linguist.data.views import HostBatch
from pixel_linguist.objective import make_objective
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.optim import OptimizerConfig
from pixel_linguist.train.step import init_state, make_step
from tests.train.tiny import OPTIMIZER, encoder, flat, largest_difference, random_batch, replace

Flat = dict[str, np.ndarray]
SLOW = pytest.mark.slow
ENCODER = encoder(dropout=0.0)
CONTRAST = make_objective({"name": "info_nce", "mask_false_negatives": False})


def plain_loss(params: Any, batch: HostBatch) -> jax.Array:
    """Return the loss of a whole batch, written without devices, keys and objective."""
    headed = encoder(dropout=0.0, keep_head=True)
    sides = [
        headed.encode(params, batch.views[view])["embedding"][:, 0]
        for view in ("anchor", "positive")
    ]
    a, b = (side / jnp.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    scores = a @ b.T / 0.05
    both = jax.nn.log_softmax(scores, axis=1) + jax.nn.log_softmax(scores, axis=0)
    return -jnp.diagonal(both).mean() / 2


value_and_grad = jax.jit(jax.value_and_grad(plain_loss))


def run_steps(
    optimizer: OptimizerConfig,
    batches: list[HostBatch],
    rates: list[float],
    backend: Backend,
    *,
    chunk_size: int = 0,
    shard_optimizer: bool = False,
) -> list[tuple[Flat, dict[str, float]]]:
    """Return the encoder's parameters and the metrics after each step."""
    options: dict[str, Any] = {"chunk_size": chunk_size, "shard_optimizer": shard_optimizer}
    step_fn = make_step(ENCODER, CONTRAST, optimizer, backend, **options)
    host, constants = init_state(ENCODER, ENCODER.init(0), CONTRAST, optimizer, seed=0)
    state = place_state(host, backend, shard_optimizer=shard_optimizer)
    before = jax.tree.map(lambda x: x.sharding, state) if backend == "shard_map" else None
    found = []
    for number, (batch, rate) in enumerate(zip(batches, rates, strict=True), start=1):
        placed = place(batch, backend)
        state, metrics = step_fn(state, constants, placed, np.float32(rate), np.uint32(0))
        assert int(state["step"]) == number
        values = {name: float(value) for name, value in metrics.items()}
        found.append((flat(state["params"]["encoder"]), values))
        if before:
            assert jax.tree.map(lambda x: x.sharding, state) == before
    return found


def kernels(params: Any) -> Any:
    named = traverse_util.flatten_dict(params)
    return traverse_util.unflatten_dict({path: path[-1] == "kernel" for path in named})


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("pmap", {}),
        ("shard_map", {"chunk_size": 1, "shard_optimizer": True}),
    ],
)
def test_a_step_equals_plain_adamw_on_the_whole_batch(
    backend: Backend, options: dict[str, Any]
) -> None:
    assert jax.device_count() == 4
    batches, rates = [random_batch(0), random_batch(1)], [1e-2, 2e-3]
    found = run_steps(OPTIMIZER, batches, rates, backend, **options)
    params = ENCODER.init(0)
    # The rate is put in by hand, as it changes from step to step.
    adamw = optax.adamw(1.0, 0.9, 0.999, OPTIMIZER.epsilon, weight_decay=0.1, mask=kernels)
    opt = adamw.init(params)
    for batch, rate, (after, metrics) in zip(batches, rates, found, strict=True):
        loss, grads = value_and_grad(params, batch)
        norm = float(optax.tree.norm(grads))
        assert norm > OPTIMIZER.clip_norm, "clipping is at work"
        assert metrics["loss"] == pytest.approx(float(loss), rel=1e-5)
        assert metrics["gradient_norm"] == pytest.approx(norm, rel=1e-5)
        clipped = jax.tree.map(lambda g, n=norm: OPTIMIZER.clip_norm * g / n, grads)
        updates, opt = adamw.update(clipped, opt, params)
        params = jax.tree.map(lambda p, u, r=rate: p + r * u, params, updates)
        assert largest_difference(after, flat(params)) < 1e-5


def test_accumulation_moves_once_by_the_mean_gradient_of_its_batches() -> None:
    batches, rates = [random_batch(0), random_batch(1)], [1e-2, 1e-2]
    optimizer = replace(accumulate=2)
    (first, _), (second, _) = run_steps(
        optimizer, batches, rates, "shard_map", shard_optimizer=True
    )
    start = ENCODER.init(0)
    assert largest_difference(first, flat(start)) == 0

    # Negatives come from the same batch: the mean of two gradients, not one of 16 rows.
    parts = [value_and_grad(start, batch)[1] for batch in batches]
    grads = jax.tree.map(lambda a, b: (a + b) / 2, *parts)
    norm = float(optax.tree.norm(grads))
    clipped = jax.tree.map(lambda g: OPTIMIZER.clip_norm * g / norm, grads)
    adamw = optax.adamw(1e-2, 0.9, 0.999, OPTIMIZER.epsilon, weight_decay=0.1, mask=kernels)
    updates, _ = adamw.update(clipped, adamw.init(start), start)
    assert largest_difference(second, flat(optax.apply_updates(start, updates))) < 1e-5


def test_frozen_groups_stay_and_the_others_move_as_ever() -> None:
    # Without clipping, as the norm of all gradients depends on which there are.
    optimizer = replace(clip_norm=1e6, frozen=("embed", "positions", "blocks/mlp_in"))
    batch, drawn = random_batch(0), ENCODER.init(0)
    (found, _) = run_steps(optimizer, [batch], [1e-2], "shard_map")[0]
    adamw = optax.adamw(1e-2, 0.9, 0.999, optimizer.epsilon, weight_decay=0.1, mask=kernels)
    updates, _ = adamw.update(value_and_grad(drawn, batch)[1], adamw.init(drawn), drawn)
    expected = flat(optax.apply_updates(drawn, updates))
    start = flat(drawn)
    for path, leaf in found.items():
        if path.startswith(("embed/", "positions", "blocks/mlp_in/")):
            np.testing.assert_array_equal(leaf, start[path])
            assert np.abs(expected[path] - start[path]).max() > 0
        else:
            np.testing.assert_allclose(leaf, expected[path], atol=1e-5)


def test_each_device_keeps_its_share_of_the_optimiser_alone() -> None:
    host, _ = init_state(ENCODER, ENCODER.init(0), CONTRAST, OPTIMIZER, seed=0)
    state = place_state(host, "shard_map", shard_optimizer=True)
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(state), host)

    def on_first_device(tree: Any) -> int:
        return sum(x.addressable_shards[0].data.nbytes for x in jax.tree.leaves(tree))

    whole = sum(x.nbytes for x in jax.tree.leaves(host["opt"]))
    assert on_first_device(state["opt"]) < 1.02 * whole / 4
    assert on_first_device(state["params"]) == sum(
        x.nbytes for x in jax.tree.leaves(host["params"])
    )
    with pytest.raises(ValueError, match="shard_map"):
        make_step(ENCODER, CONTRAST, OPTIMIZER, "pmap", shard_optimizer=True)


def temporary_bytes(rows: int, chunk_size: int, patch: int = 8) -> int:
    """Return what the compiler sets aside for a step of so many pairs, on one of four devices."""
    tiny = encoder(patch_height=patch, patch_width=patch, width=32, depth=2)
    step_fn: Any = make_step(tiny, CONTRAST, OPTIMIZER, "shard_map", chunk_size=chunk_size)
    state, constants = init_state(tiny, tiny.init(0), CONTRAST, OPTIMIZER, seed=0)
    batch = random_batch(0)
    one = one_text_a_row(np.zeros((1, 6, patch, patch), np.uint8), np.ones(1, np.int32))
    batch = batch._replace(views=dict.fromkeys(CONTRAST.views, one))
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct((rows, *x.shape[1:]), x.dtype), batch)
    lowered = step_fn.lower(state, constants, shapes, np.float32(1e-3), np.uint32(0))
    return lowered.compile().memory_analysis().temp_size_in_bytes


@SLOW
def test_memory_hardly_grows_with_the_batch_when_it_is_encoded_in_chunks() -> None:
    few, many = temporary_bytes(256, 64), temporary_bytes(2048, 64)
    # What grows, by less than half as much as the batch (8 times), is a block of rows by all
    # candidates.
    assert many < 4 * few
    assert temporary_bytes(2048, 0) > 3 * many


@SLOW
def test_no_pixels_are_kept_for_the_backward_pass_of_chunks() -> None:
    patch = 64
    grown = temporary_bytes(1024, 32, patch) - temporary_bytes(256, 32, patch)
    # A device has a quarter of the pairs, of two texts of six patches each.
    pixels = (1024 - 256) / 4 * 2 * 6 * patch**2
    assert grown < pixels / 10


def test_a_chunk_size_that_does_not_divide_the_rows_is_named() -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        run_steps(OPTIMIZER, [random_batch(0)], [1e-3], "pmap", chunk_size=3)


def test_stages_of_one_shape_share_a_step() -> None:
    first = make_step(ENCODER, CONTRAST, OPTIMIZER, "pmap")
    again = make_objective({"name": "info_nce", "mask_false_negatives": False})
    assert make_step(encoder(dropout=0.0), again, dataclasses.replace(OPTIMIZER), "pmap") is first
    assert make_step(ENCODER, CONTRAST, replace(b1=0.8), "pmap") is not first
