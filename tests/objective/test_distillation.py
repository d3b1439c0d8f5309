"""Distillation against a slow NumPy version."""

import numpy as np
import pytest

from pixel_linguist.objective.distillation import Distillation
from tests.fakes import evaluate, facts_of


@pytest.mark.parametrize("devices", [1, 2])
def test_the_loss_is_that_of_a_slow_version(devices: int) -> None:
    student, target = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    s, t = (x / np.linalg.norm(x, axis=1)[:, None] for x in (student, target))
    cosine = sum(float(s[i] @ t[i]) for i in range(6)) / 6
    spread = 0.0
    for i in range(6):
        teacher = np.exp([t[i] @ t[j] / 0.1 for j in range(6)])
        guess = np.exp([s[i] @ t[j] / 0.1 for j in range(6)])
        spread -= sum(teacher / teacher.sum() * np.log(guess / guess.sum())) / 6
    objective, facts = Distillation(0.1, 0.5), facts_of(6, target=target)
    loss, metrics, _ = evaluate(objective, {"anchor": student}, facts, devices=devices)
    assert float(loss) == pytest.approx(1 - cosine + 0.5 * spread, abs=1e-5)
    assert float(metrics["cosine"]) == pytest.approx(cosine, abs=1e-6)
