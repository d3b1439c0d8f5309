"""The training step: gradients on each device, mapped by pmap or shard_map, and one update."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from pixel_linguist.model.encoder import Encoder
from pixel_linguist.objective import AXIS, Objective
from pixel_linguist.render.augment import Augmentation
from pixel_linguist.train.hosts import Backend, device_mesh, state_shardings
from pixel_linguist.train.optim import OptimizerConfig, freeze, make_optimizer
from pixel_linguist.train.step_encode import StepEncode, device_batch

Tree = Any
State = dict[str, Any]
# (state, constants, batch, learning rate, seed) → (state, metrics)
Step = Callable[[State, Tree, Any, Any, Any], tuple[State, dict[str, jax.Array]]]
NO_AUGMENTATION = Augmentation(())


def init_state(
    encoder: Encoder,
    encoder_params: Tree,
    objective: Objective,
    optimizer: OptimizerConfig,
    *,
    seed: int,
    annotations: Mapping[str, Any] | None = None,
) -> tuple[State, Tree]:
    """Return the train state, and the objective's constants.

    The state is "params" (of "encoder" and "objective"), "opt", "step" and "objective", the state
    of the objective. Leaves are NumPy arrays of their own, without a device axis: a multi-process
    run must start from host arrays for donation to work, and a teacher that shares buffers with the
    parameters would be donated twice.

    Raises:
        ValueError: where gradients are to be accumulated for an objective with a state.
    """
    key = jax.random.key(np.uint32(seed))
    own, objective_state, constants = objective.init(
        key, encoder, encoder_params, annotations or {}
    )
    check_accumulation(optimizer, objective_state)
    params = {"encoder": encoder_params, "objective": own}
    opt = make_optimizer(optimizer).init(params)
    state = {"params": params, "opt": opt, "step": np.int32(0), "objective": objective_state}
    return jax.tree.map(np.array, state), jax.tree.map(np.array, constants)


def check_accumulation(optimizer: OptimizerConfig, objective_state: Tree) -> None:
    """Refuse to accumulate gradients for an objective with a state: it would follow each batch."""
    if optimizer.accumulate > 1 and jax.tree.leaves(objective_state):
        raise ValueError(
            f"optimizer.accumulate is {optimizer.accumulate}; it must be 1, as the objective keeps "
            "a state. chunk_size takes batches of any size"
        )


def gradients(
    encode: StepEncode,
    objective: Objective,
    frozen: tuple[str, ...],
    state: State,
    constants: Tree,
    batch: Any,
    seed: jax.Array,
) -> tuple[Tree, dict[str, jax.Array], Tree, Tree]:
    """Return (gradients, metrics, rows, totals); runs on one device inside the mapped axis.

    Args:
        frozen: groups of the encoder's parameters whose gradients are 0, and are not computed.
        state: "params", "step" and "objective", equal on all devices.
        batch: this device's share of a `HostBatch`, B examples.
        seed: uint32 []; dropout and augmentations are drawn from (seed, step, view, the example's
            number in the global batch), so that the number of devices changes nothing.

    Returns:
        Gradients and metrics are means over devices, the loss among the metrics too; rows are this
        device's, [B, ...], and totals sums over devices.
    """
    key = jax.random.fold_in(jax.random.key(seed), state["step"])
    own = device_batch(batch, encode.options)

    def loss_of(params: Tree) -> tuple[jax.Array, Any]:
        loss, metrics, rows, totals = objective.loss(
            freeze(params, frozen), state["objective"], constants, own, encode, key
        )
        return loss, ({"loss": loss, **metrics}, rows, totals)

    # Without making parameters vary by device, shard_map sums gradients that pmap averages.
    params = jax.lax.pcast(state["params"], AXIS, to="varying")
    grads, (metrics, rows, totals) = jax.grad(loss_of, has_aux=True)(params)
    grads, metrics = jax.lax.pmean((grads, metrics), AXIS)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    number = own.facts["group"].shape[0]
    for leaf in jax.tree.leaves(rows):
        if leaf.shape[:1] != (number,):
            raise ValueError(
                f"the objective returns rows of shape {leaf.shape}; their first axis must be that "
                f"of the device's {number} examples"
            )
    totals = jax.tree.map(lambda x: jax.lax.psum(x, AXIS), totals)
    return grads, metrics, rows, totals


def update(
    optimizer: OptimizerConfig,
    objective: Objective,
    state: State,
    grads: Tree,
    metrics: Mapping[str, jax.Array],
    rows: Tree,
    totals: Tree,
    learning_rate: jax.Array,
) -> State:
    """Return the state after one step.

    Args:
        metrics: "loss" and "gradient_norm" say whether the step is finite.
        rows: of all devices, as are the totals.
        learning_rate: float [].
    """
    updates, opt = make_optimizer(optimizer).update(grads, state["opt"], state["params"])
    updates = jax.tree.map(lambda u: learning_rate * u, updates)
    params = optax.apply_updates(state["params"], updates)
    new = {"params": params, "opt": opt, "step": state["step"] + 1}
    finite = jnp.isfinite(metrics["loss"]) & jnp.isfinite(metrics["gradient_norm"])
    old = state["objective"]
    followed = objective.after_update(params, old, rows, totals)
    return new | {"objective": jax.tree.map(lambda a, b: jnp.where(finite, a, b), followed, old)}


@functools.cache
def make_step(
    encoder: Encoder,
    objective: Objective,
    optimizer: OptimizerConfig,
    backend: Backend,
    *,
    augmentation: Augmentation = NO_AUGMENTATION,
    chunk_size: int = 0,
    shard_optimizer: bool = False,
    encoder_options: tuple[str, ...] = (),
) -> Step:
    """Return (state, constants, batch, learning rate, seed) → (state, metrics) over all devices.

    The result is cached, so that stages of the same shapes share one compilation. The state's
    memory is reused: the state given is gone after the call.

    Args:
        augmentation: of the pixels of each text.
        chunk_size: examples that a device encodes at once, as `in_chunks` says; 0: all.
        shard_optimizer: whether each device keeps and updates its share of the optimiser's state
            alone, as `state_shardings` says; under shard_map.
        encoder_options: names of facts [B] that the encoder takes as options.
    """
    encode = StepEncode(encoder, augmentation, chunk_size, encoder_options)
    device_gradients = functools.partial(gradients, encode, objective, optimizer.frozen)
    read = ("params", "step", "objective")

    def step(mapped: Any, state: State, constants: Any, batch: Any, rate: Any, seed: Any) -> Any:
        grads, metrics, rows, totals = mapped({n: state[n] for n in read}, constants, batch, seed)
        return update(optimizer, objective, state, grads, metrics, rows, totals, rate), metrics

    if backend == "pmap":
        if shard_optimizer:
            raise ValueError("train.shard_optimizer needs train.backend 'shard_map'")

        def gathered(*arguments: Any) -> Any:
            grads, metrics, rows, totals = device_gradients(*arguments)
            return grads, metrics, jax.lax.all_gather(rows, AXIS, tiled=True), totals

        on_device = functools.partial(step, gathered)
        axes = (None, None, 0, None, None)
        return jax.pmap(on_device, AXIS, in_axes=axes, out_axes=None, donate_argnums=0)
    if backend == "shard_map":
        return _over_mesh(device_gradients, step, shard_optimizer)
    raise ValueError(f"train.backend is {backend!r}; choose one of {', '.join(get_args(Backend))}")


def _over_mesh(device_gradients: Any, step: Any, shard_optimizer: bool) -> Step:
    """Return the step by shard_map."""
    whole, share = PartitionSpec(), PartitionSpec(AXIS)
    mapped = jax.shard_map(
        device_gradients,
        mesh=device_mesh(),
        in_specs=(whole, whole, share, whole),
        # Rows are gathered by leaving the mapped region.
        out_specs=(whole, whole, share, whole),
    )

    def sharded(state: State, constants: Any, batch: Any, rate: Any, seed: Any) -> Any:
        state, metrics = step(mapped, state, constants, batch, rate, seed)
        # The compiler shares the update's work out as its results are shared out.
        shardings = state_shardings(state, shard_optimizer=shard_optimizer)
        return jax.lax.with_sharding_constraint(state, shardings), metrics

    return jax.jit(sharded, donate_argnums=0)
