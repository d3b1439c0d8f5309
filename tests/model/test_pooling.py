import jax
import jax.numpy as jnp
import numpy as np

from pixel_linguist.model.pooling import max_pool


def test_the_gradient_of_a_maximum_is_a_number() -> None:
    # jnp.max gives 0 / 0 here without optimisation, as these tests are compiled.
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 12, 6)), jnp.float32)

    def centred(x: jax.Array) -> jax.Array:
        return x - x.mean(axis=-1, keepdims=True)

    np.testing.assert_array_equal(max_pool(x), x.max(axis=1))
    slope = jax.jit(jax.grad(lambda x: max_pool(centred(x)).sum()))(x)
    ones = np.zeros(x.shape, np.float32)
    np.put_along_axis(ones, np.asarray(centred(x)).argmax(axis=1)[:, None], 1, axis=1)
    np.testing.assert_allclose(slope, centred(jnp.asarray(ones)), atol=1e-6)
