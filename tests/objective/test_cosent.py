"""CoSENT beside its definition, and the same on any number of devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.cosent import CoSENT, cosent
from tests.fakes import evaluate, facts_of


def slow(cosines: np.ndarray, scores: np.ndarray, scale: float) -> float:
    total = 1.0
    for i, lower in enumerate(scores):
        for j, higher in enumerate(scores):
            if lower < higher:
                total += np.exp(scale * (cosines[i] - cosines[j]))
    return float(np.log(total))


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_it_is_its_definition(scale: float) -> None:
    rng = np.random.default_rng(0)
    cosines, scores = rng.uniform(-1, 1, 12), rng.integers(0, 5, 12).astype(float)
    found = cosent(jnp.asarray(cosines), jnp.asarray(scores), scale)
    assert float(found) == pytest.approx(slow(cosines, scores, scale), rel=1e-5)
    assert float(cosent(jnp.asarray(cosines), jnp.ones(12), scale)) == pytest.approx(0, abs=1e-6)


def test_the_number_of_devices_changes_neither_loss_nor_gradient() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 8, 6)).astype(np.float32)
    facts = facts_of(8, score=rng.uniform(0, 5, 8).astype(np.float32))
    found = [evaluate(CoSENT(), {"anchor": a, "positive": b}, facts, devices=n) for n in (1, 2, 4)]
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert float(found[0][0]) == pytest.approx(slow(cosines, facts["score"], 20.0), rel=1e-5)
    for other in found[1:]:
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, 1e-5, 1e-6), other, found[0])
