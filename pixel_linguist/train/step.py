"""The training step: gradients on each device, mapped by pmap or shard_map, and one update."""

import functools
from collections.abc import Callable
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from pixel_linguist.model import EncoderConfig
from pixel_linguist.objective import Objective
from pixel_linguist.render.augment import Augmentation
from pixel_linguist.train.devices import AXIS, Backend, device_mesh, state_shardings
from pixel_linguist.train.optim import OptimizerConfig, freeze, make_optimizer
from pixel_linguist.train.reconstruction import forward
from pixel_linguist.train.sight import augment, by_example, counts

State = dict[str, Any]
Step = Callable[[State, Any, Any, Any], tuple[State, dict[str, jax.Array]]]
AS_DRAWN = Augmentation(())


def init_state(encoder: Any, objective: Objective, optimizer: OptimizerConfig) -> State:
    """Return the train state: "params" (of encoder and objective), "opt", "step", "objective".

    Leaves are NumPy arrays without a device axis: a multi-process run must start from host
    arrays for donation to work.
    """
    parameters, objective_state = objective.init()
    params = {"encoder": encoder, "objective": parameters}
    opt = make_optimizer(optimizer).init(params)
    state = {"params": params, "opt": opt, "step": np.int32(0), "objective": objective_state}
    return jax.tree.map(np.asarray, state)


def in_chunks(encode_rows: Callable[[Any], Any], chunk_size: int) -> Callable[[Any], Any]:
    """Return a function of a tree of [B, ...] that runs `chunk_size` rows at a time.

    A chunk is drawn and encoded again in the backward pass, so that the memory of pixels and
    activations is that of one chunk whatever B is. Exact: GradCache (Gao et al. 2021, arXiv
    2101.06983) in one pass.

    Args:
        encode_rows: rows → outputs, trees of [chunk_size, ...].
        chunk_size: rows; 0: all at once, without encoding again.

    Raises:
        ValueError: at the first call, if `chunk_size` does not divide B.
    """
    if not chunk_size:
        return encode_rows
    encode_again = jax.checkpoint(encode_rows, prevent_cse=False)

    def run(rows: Any) -> Any:
        count = jax.tree.leaves(rows)[0].shape[0]
        if count % chunk_size:
            raise ValueError(f"chunk_size {chunk_size} does not divide a device's {count} rows")
        chunks = jax.tree.map(lambda x: x.reshape(-1, chunk_size, *x.shape[1:]), rows)
        outputs = jax.lax.map(encode_again, chunks)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), outputs)

    return run


def gradients(
    config: EncoderConfig,
    objective: Objective,
    augmentation: Augmentation,
    chunk_size: int,
    frozen: tuple[str, ...],
    state: State,
    batch: Any,
    seed: jax.Array,
) -> tuple[Any, dict[str, jax.Array], Any]:
    """Return (gradients, metrics, objective's state); runs on one device inside the mapped axis.

    Args:
        config: the encoder's.
        objective: decides which views are encoded.
        augmentation: of the pixels of each text.
        chunk_size: examples encoded at once, as `in_chunks` says; 0: all.
        frozen: groups of the encoder's parameters whose gradients are 0, and are not computed.
        state: "params", "step" and "objective", equal on all devices.
        batch: this device's rows: view → {"patches" uint8 [B, S, H, W], "count" int32 [B]}, or
            "runs", glyph runs of B * V texts that are rasterised here, and what the objective
            needs.
        seed: uint32 []; dropout and augmentations are drawn from (seed, step, the example's number
            in the global batch, view), so that the number of devices changes nothing.

    Returns:
        Means over devices, of the loss among the metrics too.
    """
    views = objective.views
    key = jax.random.fold_in(jax.random.key(seed), state["step"])
    rows, see = seen_by_example(augmentation, views, batch, key)
    known = {**batch, **counts(batch, views)}

    def loss_of(params: Any) -> tuple[jax.Array, tuple[dict[str, jax.Array], Any]]:
        params = freeze(params, frozen)

        def encode_rows(rows: Any) -> Any:
            """Encode all views of some examples at once: view → outputs."""
            encoded = forward(config, objective, params, *see(rows))
            split = {name: jnp.split(x, len(views)) for name, x in encoded.items()}
            return {view: {k: v[i] for k, v in split.items()} for i, view in enumerate(views)}

        outputs = in_chunks(encode_rows, chunk_size)(rows)
        loss, metrics, objective_state = objective(
            params["objective"], outputs, known, state["objective"], key
        )
        return loss, ({"loss": loss, **metrics}, objective_state)

    # Without making parameters vary by device, shard_map sums gradients that pmap averages.
    params = jax.lax.pcast(state["params"], AXIS, to="varying")
    grads, (metrics, objective_state) = jax.grad(loss_of, has_aux=True)(params)
    grads, metrics = jax.lax.pmean((grads, metrics), AXIS)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    return grads, metrics, objective_state


def seen_by_example(
    augmentation: Augmentation, views: tuple[str, ...], batch: Any, key: jax.Array
) -> tuple[Any, Callable[[Any], tuple[jax.Array, jax.Array, jax.Array]]]:
    """Return what is known of a device's batch example by example, and what makes pixels of it.

    Args:
        augmentation: of the pixels of each text.
        views: V of them.
        batch: as `gradients` takes it, B examples.
        key: of the step.

    Returns:
        A tree of [B, ...], and a function of any rows of it, [b, ...], that returns patches
        [V * b, S, H, W], count int32 [V * b] and dropout keys [V * b], view by view.
    """
    number = batch["group"].shape[0]
    example = jnp.arange(number) + jax.lax.axis_index(AXIS) * number
    keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(key, i), len(views)))(example)
    texts, draw = by_example(batch, views)

    def see(rows: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
        patches, count = draw(rows["texts"])
        patches = augment(augmentation, patches, count, key, rows["example"])
        return patches, count, rows["keys"].T.reshape(-1)

    return {"texts": texts, "keys": keys, "example": example}, see


def update(
    optimizer: optax.GradientTransformation,
    state: State,
    grads: Any,
    objective_state: Any,
    learning_rate: jax.Array,
) -> State:
    """Return the state after one step; `learning_rate` is float []."""
    updates, opt = optimizer.update(grads, state["opt"], state["params"])
    updates = jax.tree.map(lambda u: learning_rate * u, updates)
    return {
        "params": optax.apply_updates(state["params"], updates),
        "opt": opt,
        "step": state["step"] + 1,
        "objective": objective_state,
    }


@functools.cache
def mapped_step(
    config: EncoderConfig,
    objective: Objective,
    optimizer: OptimizerConfig,
    backend: Backend,
    *,
    augmentation: Augmentation = AS_DRAWN,
    chunk_size: int = 0,
    shard_optimizer: bool = False,
) -> Step:
    """Return (state, batch, learning rate, seed) → (state, metrics) over all devices.

    The result is cached, so that stages of the same shapes share one compilation. The state's
    memory is reused: the state given is gone after the call.

    Args:
        config: the encoder's.
        objective: what is trained for.
        optimizer: its settings.
        backend: "pmap" or "shard_map".
        augmentation: of the pixels of each text.
        chunk_size: examples that a device encodes at once, as `in_chunks` says; 0: all.
        shard_optimizer: whether each device keeps and updates its share of the optimiser's state
            alone, as `state_shardings` says; under shard_map.
    """
    device_gradients = functools.partial(
        gradients, config, objective, augmentation, chunk_size, optimizer.frozen
    )
    transformation = make_optimizer(optimizer)

    def step(mapped: Any, state: State, batch: Any, rate: Any, seed: Any) -> Any:
        read = {name: state[name] for name in ("params", "step", "objective")}
        grads, metrics, objective_state = mapped(read, batch, seed)
        return update(transformation, state, grads, objective_state, rate), metrics

    if backend == "pmap":
        if shard_optimizer:
            raise ValueError("train.shard_optimizer needs train.backend 'shard_map'")
        axes = (None, 0, None, None)
        on_device = functools.partial(step, device_gradients)
        return jax.pmap(on_device, AXIS, in_axes=axes, out_axes=None, donate_argnums=0)
    if backend == "shard_map":
        mapped = jax.shard_map(
            device_gradients,
            mesh=device_mesh(),
            in_specs=(PartitionSpec(), PartitionSpec(AXIS), PartitionSpec()),
            out_specs=PartitionSpec(),
        )

        def sharded(state: State, batch: Any, rate: Any, seed: Any) -> Any:
            state, metrics = step(mapped, state, batch, rate, seed)
            # The compiler shares the update's work out as its results are shared out.
            shardings = state_shardings(state, shard_optimizer=shard_optimizer)
            return jax.lax.with_sharding_constraint(state, shardings), metrics

        return jax.jit(sharded, donate_argnums=0)
    raise ValueError(f"train.backend is {backend!r}; choose one of {', '.join(get_args(Backend))}")
