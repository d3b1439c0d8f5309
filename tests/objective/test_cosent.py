"""CoSENT beside its definition, and the same on any number of devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.cosent import CoSENT, cosent


def plain(cosines: np.ndarray, scores: np.ndarray, scale: float) -> float:
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
    assert float(found) == pytest.approx(plain(cosines, scores, scale), rel=1e-5)
    assert float(cosent(jnp.asarray(cosines), jnp.ones(12), scale)) == pytest.approx(0, abs=1e-6)


def test_the_number_of_devices_changes_neither_loss_nor_gradient() -> None:
    rng = np.random.default_rng(0)
    shape = {view: rng.normal(size=(8, 6)).astype(np.float32) for view in ("anchor", "positive")}
    scores = rng.uniform(0, 5, 8).astype(np.float32)
    objective = CoSENT(20.0, "data")

    def on(devices: int) -> tuple[np.ndarray, np.ndarray]:
        def loss(weights: jax.Array, views: dict[str, jax.Array], scores: jax.Array) -> jax.Array:
            outputs = {view: {"embedding": x * weights} for view, x in views.items()}
            return objective({}, outputs, {"score": scores}, {}, jax.random.key(0))[0]

        def step(weights: jax.Array, views: dict[str, jax.Array], scores: jax.Array) -> jax.Array:
            weights = jax.lax.pcast(weights, "data", to="varying")
            return jax.lax.pmean(jax.value_and_grad(loss)(weights, views, scores), "data")

        split = jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), (shape, scores))
        value, gradient = jax.pmap(
            step, "data", in_axes=(None, 0, 0), devices=jax.local_devices()[:devices]
        )(np.ones(6, np.float32), *split)
        return np.asarray(value)[0], np.asarray(gradient)[0]

    for one, four in zip(on(1), on(4), strict=True):
        np.testing.assert_allclose(one, four, rtol=1e-5, atol=1e-6)
