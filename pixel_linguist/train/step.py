"""The training step: one per-device function, mapped over devices by pmap or shard_map."""

import functools
from collections.abc import Callable
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from pixel_linguist.model import EncoderConfig, encode
from pixel_linguist.objective import Objective
from pixel_linguist.train.optim import OptimizerConfig, make_optimizer

AXIS = "data"
State = dict[str, Any]
Backend = Literal["pmap", "shard_map"]
Step = Callable[[State, Any, Any, Any], tuple[State, dict[str, jax.Array]]]


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


def train_step(
    config: EncoderConfig,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    state: State,
    batch: Any,
    learning_rate: jax.Array,
    seed: jax.Array,
) -> tuple[State, dict[str, jax.Array]]:
    """Advance the state by one batch; runs on one device inside the mapped axis.

    Args:
        config: the encoder's.
        objective: decides which views are encoded.
        optimizer: from `make_optimizer`.
        state: equal on all devices.
        batch: this device's rows: view → {"patches" uint8 [B, S, H, W], "count" int32 [B]}, and
            what the objective needs.
        learning_rate: float [].
        seed: uint32 []; dropout is drawn from (seed, step, the example's number in the global
            batch, view), so that the number of devices changes nothing.

    Returns:
        The new state, and metrics averaged over devices.
    """
    views = objective.views
    rows = batch["group"].shape[0]
    key = jax.random.fold_in(jax.random.key(seed), state["step"])
    example = jnp.arange(rows) + jax.lax.axis_index(AXIS) * rows
    keys = jax.vmap(lambda i: jax.random.split(jax.random.fold_in(key, i), len(views)))(example)

    def loss_of(params: Any) -> tuple[jax.Array, tuple[dict[str, jax.Array], Any]]:
        encoded = encode(
            config,
            params["encoder"],
            jnp.concatenate([batch[view]["patches"] for view in views]),
            jnp.concatenate([batch[view]["count"] for view in views]),
            keys.T.reshape(-1),
        )
        split = {name: jnp.split(x, len(views)) for name, x in encoded.items()}
        outputs = {view: {k: v[i] for k, v in split.items()} for i, view in enumerate(views)}
        loss, metrics, objective_state = objective(
            params["objective"], outputs, batch, state["objective"], key
        )
        return loss, ({"loss": loss, **metrics}, objective_state)

    # Without making parameters vary by device, shard_map sums gradients that pmap averages.
    params = jax.lax.pcast(state["params"], AXIS, to="varying")
    grads, (metrics, objective_state) = jax.grad(loss_of, has_aux=True)(params)
    grads, metrics = jax.lax.pmean((grads, metrics), AXIS)
    updates, opt = optimizer.update(grads, state["opt"], state["params"])
    updates = jax.tree.map(lambda u: learning_rate * u, updates)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    new = {
        "params": optax.apply_updates(state["params"], updates),
        "opt": opt,
        "step": state["step"] + 1,
        "objective": objective_state,
    }
    return new, metrics


def device_mesh() -> Mesh:
    """Return the one-axis mesh of all devices."""
    return jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))


@functools.cache
def mapped_step(
    config: EncoderConfig, objective: Objective, optimizer: OptimizerConfig, backend: Backend
) -> Step:
    """Return (state, batch, learning rate, seed) → (state, metrics) over all devices.

    The result is cached, so that stages of the same shapes share one compilation. The state's
    memory is reused: the state given is gone after the call.
    """
    step = functools.partial(train_step, config, objective, make_optimizer(optimizer))
    if backend == "pmap":
        axes = (None, 0, None, None)
        return jax.pmap(step, AXIS, in_axes=axes, out_axes=None, donate_argnums=0)
    if backend == "shard_map":
        specs = (PartitionSpec(), PartitionSpec(AXIS), PartitionSpec(), PartitionSpec())
        mapped = jax.shard_map(
            step, mesh=device_mesh(), in_specs=specs, out_specs=(PartitionSpec(), PartitionSpec())
        )
        return jax.jit(mapped, donate_argnums=0)
    raise ValueError(f"train.backend is {backend!r}; choose one of {', '.join(get_args(Backend))}")


def place(batch: Any, backend: Backend) -> Any:
    """Lay a host's batch out for its devices: split (pmap) or sharded (shard_map)."""
    if backend == "pmap":
        devices = jax.local_device_count()
        return jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), batch)
    sharding = NamedSharding(device_mesh(), PartitionSpec(AXIS))
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batch)
