"""The optimiser and the schedule, against optax and closed forms."""

from typing import Any

import jax
import numpy as np
import optax
import pytest

from pixel_linguist.train.optim import (
    Decay,
    OptimizerConfig,
    decayed,
    learning_rate,
    make_optimizer,
)
from tests.train.tiny import encoder

CONFIG = OptimizerConfig(
    b1=0.9, b2=0.98, epsilon=1e-6, weight_decay=0.1, clip_norm=1.0, accumulate=1
)


def rates(decay: Decay, steps: int, warmup: int, peak: float = 0.5) -> list[float]:
    return [
        learning_rate(step, peak=peak, warmup=warmup, steps=steps, decay=decay)
        for step in range(steps)
    ]


@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_schedules_equal_those_of_optax(warmup: int) -> None:
    steps, peak = 40, 0.5
    rise = optax.linear_schedule(peak / max(warmup, 1), peak, max(warmup - 1, 1))
    falls = {
        "cosine": optax.cosine_decay_schedule(peak, steps - warmup),
        "linear": optax.linear_schedule(peak, 0.0, steps - warmup),
        "constant": optax.constant_schedule(peak),
    }
    for decay, fall in falls.items():
        joined = optax.join_schedules([rise, fall], [warmup])
        expected = [float(joined(step)) for step in range(steps)]
        found = rates(decay, steps, warmup)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def updates_of(config: OptimizerConfig, grads: list[Any], params: Any) -> list[Any]:
    optimizer = make_optimizer(config)
    state, found = optimizer.init(params), []
    for gradient in grads:
        update, state = optimizer.update(gradient, state, params)
        found.append(update)
    return found


def test_adam_by_its_formula_on_clipped_gradients() -> None:
    params = {"a": {"bias": np.zeros(2, np.float32)}}
    small, large = np.array([0.3, -0.4]), np.array([6.0, 8.0])
    grads = [{"a": {"bias": g.astype(np.float32)}} for g in (small, large)]
    found = updates_of(CONFIG, grads, params)
    # A norm of 0.5 stays, one of 10 becomes 1.
    first, second = small, large / 10
    m = 0.9 * 0.1 * first + 0.1 * second
    v = 0.98 * 0.02 * first**2 + 0.02 * second**2
    expected = -(m / (1 - 0.9**2)) / (np.sqrt(v / (1 - 0.98**2)) + 1e-6)
    np.testing.assert_allclose(found[0]["a"]["bias"], -np.sign(small), rtol=1e-4)
    np.testing.assert_allclose(found[1]["a"]["bias"], expected, rtol=1e-4)


def test_every_matrix_of_an_encoder_decays_and_no_vector() -> None:
    tiny = encoder(pooling="cls", cls_token=True, patch_hidden=16)
    params = {"encoder": tiny.init(0), "objective": {"log_scale": np.float32(1)}}
    chosen = {
        jax.tree_util.keystr(path, simple=True, separator="/"): bool(value)
        for path, value in jax.tree_util.tree_leaves_with_path(decayed(params))
    }
    assert {name for name, value in chosen.items() if value} == {
        f"encoder/{name}/kernel"
        for name in (
            "embed",
            "embed_hidden",
            "head",
            "blocks/attention/query_key_value",
            "blocks/attention/out",
            "blocks/mlp_in",
            "blocks/mlp_out",
        )
    }
    assert {"encoder/cls", "encoder/positions", "objective/log_scale"} <= set(chosen)
    # Decay would move what is not trained.
    frozen = decayed(params, ("embed", "blocks"))
    assert not any(jax.tree.leaves((frozen["encoder"]["embed"], frozen["encoder"]["blocks"])))
    assert frozen["encoder"]["head"]["kernel"] and not frozen["encoder"]["head"]["bias"]
