"""Distillation against a slow NumPy version."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective import make_objective


def loss_of(student: np.ndarray, target: np.ndarray, weight: float) -> tuple[float, dict]:
    arguments = {"temperature": 0.1, "similarity_weight": weight, "axis": "data"}
    objective = make_objective("distillation", arguments)

    def apply(embedding: jax.Array, wanted: jax.Array) -> tuple:
        outputs = {"anchor": {"embedding": embedding}}
        return objective({}, outputs, {"target": wanted}, {}, jax.random.key(0))[:2]

    losses, metrics = jax.vmap(apply, axis_name="data")(jnp.asarray(student), jnp.asarray(target))
    return float(losses.mean()), {name: float(x.mean()) for name, x in metrics.items()}


@pytest.mark.parametrize("devices", [1, 2])
def test_loss_is_that_of_a_slow_version(devices: int) -> None:
    rng = np.random.default_rng(0)
    student, target = rng.normal(size=(2, devices, 6 // devices, 4)).astype(np.float32)
    s, t = (
        x.reshape(6, 4) / np.linalg.norm(x.reshape(6, 4), axis=1)[:, None]
        for x in (student, target)
    )
    cosine = sum(float(s[i] @ t[i]) for i in range(6)) / 6
    spread = 0.0
    for i in range(6):
        teacher = np.exp([t[i] @ t[j] / 0.1 for j in range(6)])
        guess = np.exp([s[i] @ t[j] / 0.1 for j in range(6)])
        spread -= sum(teacher / teacher.sum() * np.log(guess / guess.sum())) / 6
    loss, metrics = loss_of(student, target, 0.5)
    assert loss == pytest.approx(1 - cosine + 0.5 * spread, abs=1e-5)
    assert metrics["cosine"] == pytest.approx(cosine, abs=1e-6)


def test_a_student_that_agrees_with_its_teacher_has_the_least_loss() -> None:
    target = np.random.default_rng(1).normal(size=(1, 8, 4)).astype(np.float32)
    agreeing, metrics = loss_of(3 * target, target, 1.0)
    assert metrics == {"accuracy": 1.0, "cosine": pytest.approx(1.0)}
    for seed in range(2, 7):
        noise = np.random.default_rng(seed).normal(size=target.shape).astype(np.float32)
        assert loss_of(target + 0.3 * noise, target, 1.0)[0] > agreeing
