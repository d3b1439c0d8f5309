"""Dropout, attention, pooling and positions against slow or closed forms."""

from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from pixel_linguist.model.pooling import AttentionPool, mean_pool, membership
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.model.vit import Block, Dropout, SelfAttention, gelu, hashed_bits


def drop(rate: float, x: jax.Array) -> np.ndarray:
    """Drop elements of one row."""
    keys, rngs = jax.random.split(jax.random.key(1), 1), {"dropout": jax.random.key(0)}
    return np.asarray(Dropout(rate).apply({}, x[None], keys, rngs=rngs))[0]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_expectation(rate: float) -> None:
    count = 400_000
    values = drop(rate, jnp.ones(count))
    kept = np.unique(values[values > 0])
    assert len(kept) == 1
    rounded = round(rate * 256) / 256
    assert kept[0] == pytest.approx(1 / (1 - rounded), rel=1e-6)
    deviation = (rounded / (1 - rounded) / count) ** 0.5
    assert values.mean() == pytest.approx(1, abs=5 * deviation)
    assert (values == 0).mean() == pytest.approx(rate, abs=0.5 / 256 + 5 * 0.5 / count**0.5)


def test_hashed_bits_are_even_and_unlike_their_neighbours() -> None:
    count = 200_000
    keys = jax.random.split(jax.random.key(0), 3)
    bits = np.asarray(jax.vmap(lambda key: hashed_bits(key, (2, count // 2)))(keys))
    ones = np.unpackbits(bits.view(np.uint8), bitorder="little").reshape(3, count, 32) * 2.0 - 1
    # Of so many fair coins, five deviations; the same of products of two independent ones.
    bound = 5 / count**0.5
    assert abs(ones.mean(axis=1)).max() < bound
    for distance in (1, 2, 64, 256):
        near = (ones[:, distance:] * ones[:, :-distance]).mean(axis=1)
        assert abs(near).max() < bound * 1.01
    for other in (1, 2):
        assert abs((ones[0] * ones[other]).mean(axis=0)).max() < bound
    together = np.einsum("nb,nc->bc", ones[0], ones[0]) / count
    assert abs(together - np.eye(32)).max() < bound


def test_gelu_and_its_slope_are_the_closed_form() -> None:
    x = np.linspace(-6, 6, 241)
    cumulated = (1 + erf(x / 2**0.5)) / 2
    slope = cumulated + x * np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
    given = jnp.asarray(x, jnp.float32)
    np.testing.assert_allclose(gelu(given), x * cumulated, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(jax.grad(gelu))(given), slope, atol=1e-6)


def apply(layer: nn.Module, params: Any, *inputs: Any) -> np.ndarray:
    return np.asarray(layer.apply({"params": params}, *inputs))


def test_dropout_at_its_ends() -> None:
    x = jnp.arange(5.0)
    assert np.array_equal(drop(0.0, x), x)
    assert np.array_equal(apply(Dropout(0.5), {}, x[None], None)[0], x)
    assert drop(0.5, jnp.ones(8, jnp.bfloat16)).dtype == jnp.bfloat16
    # The highest rate still keeps some.
    assert set(np.unique(drop(0.9999, jnp.ones(100_000)))) == {0, 256}


def attention() -> tuple[SelfAttention, np.ndarray, Any]:
    """Return self-attention of 3 heads, features of one row [1, 5, 12], and parameters."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 5, 12)).astype(np.float32)
    layer = SelfAttention(heads=3, dropout=0.0, drophead=0.0, dtype=jnp.dtype("float32"))
    params = layer.init(jax.random.key(0), x, np.ones((1, 1, 1, 5), bool), None)["params"]
    return layer, x, jax.tree.map(lambda p: p + rng.normal(0, 0.1, p.shape).astype("f"), params)


@pytest.mark.parametrize("backend", ["cpu", "gpu", "tpu"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 5), (1, 1, 5, 5)])
def test_attention_equals_a_loop_over_heads_and_queries(
    shape: tuple[int, ...], backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x, params = attention()
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    mask = np.random.default_rng(1).random(shape) < 0.6
    mask[..., 0] = True
    joint = params["query_key_value"]
    query, key, value = np.split(x[0] @ joint["kernel"] + joint["bias"], 3, axis=1)
    mixed = np.zeros((5, 12))
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        for i in range(5):
            read = np.broadcast_to(mask, (1, 1, 5, 5))[0, 0, i]
            weights = np.exp(query[i, part] @ key[read][:, part].T / 2)
            mixed[i, part] = weights / weights.sum() @ value[read][:, part]
    expected = mixed @ params["out"]["kernel"] + params["out"]["bias"]
    np.testing.assert_allclose(apply(layer, params, x, mask, None)[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("backend", "dtype", "drops", "asked"),
    [
        ("gpu", "bfloat16", False, ["cudnn"]),
        ("gpu", "float32", False, ["xla"]),
        ("tpu", "bfloat16", False, ["xla"]),
        ("gpu", "bfloat16", True, []),
        ("cpu", "float32", False, []),
    ],
)
def test_fused_attention_is_asked_for_where_there_is_one_and_nothing_is_dropped(
    backend: str, dtype: str, drops: bool, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, x, params = attention()
    found = []

    def fused(query: jax.Array, *_: Any, implementation: str, **__: Any) -> jax.Array:
        found.append(implementation)
        return query

    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(jax.nn, "dot_product_attention", fused)
    layer = SelfAttention(heads=3, dropout=0.1, drophead=0.0, dtype=jnp.dtype(dtype))
    keys = jax.random.split(jax.random.key(1), 1) if drops else None
    mask = np.ones((1, 1, 1, 5), bool)
    layer.apply({"params": params}, x, mask, keys, rngs={"dropout": jax.random.key(0)})
    assert found == asked


def test_a_bias_of_the_keys_has_neither_effect_nor_gradient() -> None:
    layer, x, params = attention()
    weights = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)

    def total(bias: jax.Array) -> jax.Array:
        joint = params["query_key_value"] | {"bias": bias}
        changed = {"params": params | {"query_key_value": joint}}
        found: Any = layer.apply(changed, x, np.ones((1, 1, 1, 5), bool), None)
        return (found * weights).sum()

    query, key, value = (jnp.repeat(part, 12) for part in jnp.eye(3))
    gradient = np.split(np.asarray(jax.grad(total)(jnp.zeros(36))), 3)
    assert [bool(np.any(part)) for part in gradient] == [True, False, True]
    assert float(total(key)) == pytest.approx(float(total(0 * key)), abs=1e-4)
    assert min(abs(total(part) - total(0 * key)) for part in (query, value)) > 1e-2


def test_a_block_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    x = (3 * rng.normal(size=(1, 5, 12))).astype(np.float32)
    mask = np.array([True, True, True, False, False])[None, None, None]
    block = Block(3, 20, 0.0, drophead=0.0, norm_epsilon=1e-3, dtype=jnp.dtype("float32"))
    params = block.init(jax.random.key(0), x, mask, None, {})["params"]
    params = jax.tree.map(lambda p: p + rng.normal(0, 0.2, p.shape).astype(np.float32), params)
    found = np.asarray(block.apply({"params": params}, x, mask, None, {})[0])

    def norm(name: str, y: np.ndarray) -> np.ndarray:
        centred = y - y.mean(-1, keepdims=True)
        scaled = centred / np.sqrt(y.var(-1, keepdims=True) + 1e-3)
        return scaled * params[name]["scale"] + params[name]["bias"]

    def dense(name: str, y: np.ndarray) -> np.ndarray:
        return y @ params[name]["kernel"] + params[name]["bias"]

    layer, _, _ = attention()
    y = x + apply(layer, params["attention"], norm("norm_attention", x), mask, None)
    hidden = dense("mlp_in", norm("norm_mlp", y))
    expected = y + dense("mlp_out", hidden * (1 + erf(hidden / np.sqrt(2))) / 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_mean_pool_averages_each_group_and_nothing_gives_zero() -> None:
    features = jnp.array([[[1.0, 2], [3, 6], [100, 100]]])
    members = membership(jnp.array([[0, 0, -1]]), 2)
    assert members.tolist() == [[[True, True, False], [False] * 3]]
    np.testing.assert_allclose(mean_pool(features, members), [[[2, 4], [0, 0]]])


def test_attention_pooling_equals_its_definition() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(4, 8)).astype(np.float32)
    mask = np.array([True, False, True, True])
    layer = AttentionPool(heads=2, dtype=jnp.dtype("float32"))
    given = features[None], mask[None, None]
    params = layer.init(jax.random.key(0), *given)["params"]
    found = apply(layer, params, *given)[0, 0]
    attend = params["MultiHeadDotProductAttention_0"]

    def project(name: str, x: np.ndarray) -> np.ndarray:
        return np.einsum("sd,dhk->shk", x, attend[name]["kernel"])

    query = project("query", np.asarray(params["query"]))[0]
    key, value = project("key", features[mask]), project("value", features[mask])
    scores = np.exp(np.einsum("hk,shk->hs", query, key) / 2)
    mixed = np.einsum("hs,shk->hk", scores / scores.sum(1, keepdims=True), value)
    expected = np.einsum("hk,hkd->d", mixed, attend["out"]["kernel"])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "count", "width"),
    [
        ("encoder_grid8_dim48", 64, 48),
        ("decoder_grid8_dim32", 64, 32),
        ("grid23_dim48", 529, 48),
    ],
)
def test_positions_equal_the_reference(shared: Path, name: str, count: int, width: int) -> None:
    stored = np.load(shared / "fixtures" / "pixel_mae_tiny" / "sincos.npz")[name]
    table = stored.reshape(count + 1, width)
    assert not np.any(table[0]), "the row of CLS"
    np.testing.assert_allclose(sincos_2d(count, width), table[1:], atol=2e-6)


def test_positions_in_closed_form() -> None:
    table = sincos_2d(9, 8)
    assert table.shape == (9, 8) and table.dtype == np.float32
    row, column = 1, 2
    expected = [
        f(position * 10000**-power)
        for position in (column, row)
        for f in (np.sin, np.cos)
        for power in (0, 0.5)
    ]
    np.testing.assert_allclose(table[3 * row + column], expected, atol=1e-6)


def test_positions_of_any_count_are_all_different() -> None:
    for count in (1, 5, 24):
        assert len(np.unique(sincos_2d(count, 16), axis=0)) == count
    with pytest.raises(ValueError, match="width"):
        sincos_2d(16, 30)
