"""The optimiser (AdamW) and the learning-rate schedule."""

import dataclasses
import functools
import math
from typing import Any, Literal, get_args

import jax
import optax
from flax import traverse_util

Decay = Literal["cosine", "linear", "constant"]


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """Settings of AdamW (Loshchilov and Hutter 2019) that one compiled step depends on.

    The learning rate is not among them: it is an input of the step, so that stages which
    differ only in their schedule share one compiled step.

    Attributes:
        b1: decay of the first moment.
        b2: decay of the second moment.
        epsilon: added to the root of the second moment.
        weight_decay: decoupled; applied to kernels alone, not to biases, norms and positions.
        clip_norm: largest global norm of the gradient.
        accumulate: batches whose gradients are averaged into one update, of objectives without a
            state.
        frozen: groups of the encoder's parameters that are not trained, as "positions" or
            "stem/conv1".
    """

    b1: float
    b2: float
    epsilon: float
    weight_decay: float
    clip_norm: float
    accumulate: int
    frozen: tuple[str, ...] = ()


def is_frozen(path: Any, frozen: tuple[str, ...]) -> bool:
    """Return whether a leaf of {"encoder", "objective"} is in one of the groups."""
    name = "/".join(part.key for part in path[1:])
    return path[0].key == "encoder" and any(f"{name}/".startswith(f"{x}/") for x in frozen)


def group_names(params: Any) -> list[str]:
    """Return the names of a tree's groups: of its leaves, and of all that holds some."""
    paths = traverse_util.flatten_dict(params)
    return sorted({"/".join(path[: n + 1]) for path in paths for n in range(len(path))})


def freeze(params: Any, frozen: tuple[str, ...]) -> Any:
    """Return parameters, the named groups of the encoder without gradients."""
    return jax.tree_util.tree_map_with_path(
        lambda path, x: jax.lax.stop_gradient(x) if is_frozen(path, frozen) else x, params
    )


def decayed(params: Any, frozen: tuple[str, ...] = ()) -> Any:
    """Tell, leaf by leaf, whether weight decay applies: to kernels that are trained."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: path[-1].key == "kernel" and not is_frozen(path, frozen), params
    )


def make_optimizer(config: OptimizerConfig) -> optax.GradientTransformation:
    """Return the transformation whose output, times the rate, is added to the parameters."""
    optimizer = optax.chain(
        optax.clip_by_global_norm(config.clip_norm),
        optax.scale_by_adam(config.b1, config.b2, config.epsilon),
        optax.add_decayed_weights(
            config.weight_decay, mask=functools.partial(decayed, frozen=config.frozen)
        ),
        optax.scale(-1.0),
    )
    if config.accumulate > 1:
        # Averaged per micro-batch of all devices, so that their number changes nothing.
        return optax.MultiSteps(optimizer, config.accumulate).gradient_transformation()
    return optimizer


def learning_rate(step: int, *, peak: float, warmup: int, steps: int, decay: Decay) -> float:
    """Return the learning rate of a step: linear warm-up, then decay to zero at the end.

    Args:
        step: from 0 on.
    """
    if decay not in get_args(Decay):
        raise ValueError(f"decay is {decay!r}; choose one of {', '.join(get_args(Decay))}")
    if step < warmup:
        return peak * (step + 1) / warmup
    if decay == "constant":
        return peak
    progress = (step - warmup) / max(steps - warmup, 1)
    return peak * (1 - progress if decay == "linear" else (1 + math.cos(math.pi * progress)) / 2)
