import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model.adapters import adapt
from pixel_linguist.model.encoders import encoder_settings, make_encoder
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.recipe import get_config
from pixel_linguist.render.patches import one_text_a_row

SETTINGS: dict[str, Any] = {
    **get_config().model,
    "name": "hybrid",
    "patch_height": 20,
    "patch_width": 48,
    "max_patches": 5,
    "width": 16,
    "depth": 1,
    "heads": 2,
    "mlp_width": 32,
    "head": "none",
    "norm_epsilon": 1e-5,
    "stem_channels": [3, 4, 5, 6],
    "stem_hidden": 7,
    "stem_width": 8,
    "token_hidden": 9,
}


@pytest.fixture(scope="module")
def encoder() -> HybridEncoder:
    made = make_encoder(SETTINGS)
    assert isinstance(made, HybridEncoder)
    return made


@pytest.fixture(scope="module")
def params(encoder: HybridEncoder) -> dict[str, Any]:
    """Parameters with random biases and norms, so that none of them could be left out unseen."""
    rng = np.random.default_rng(0)
    drawn = jax.tree.map(lambda x: x + 0.1 * rng.normal(size=x.shape), encoder.init(0))
    return jax.tree.map(np.float32, drawn)


def words(number: int, seed: int = 1) -> np.ndarray:
    """Draw pictures of random ink, up to 40 columns wide, the first of them blank."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((number, 20, 48), np.uint8)
    for picture in pixels[1:]:
        width = rng.integers(3, 40)
        picture[:, :width] = rng.integers(0, 256, (20, width))
    return pixels


def loop_stem(params: dict[str, Any], picture: np.ndarray) -> np.ndarray:
    """Compute the stem of one picture in float64, pixel by pixel."""

    def convolve(name: str, x: np.ndarray, stride: int, pad: tuple[int, int]) -> np.ndarray:
        kernel, bias = params[name]["kernel"], params[name]["bias"]
        x = np.pad(x, ((pad[0],) * 2, (pad[1],) * 2, (0, 0)))
        height, width = kernel.shape[:2]
        rows = range(0, x.shape[0] - height + 1, stride)
        columns = range(0, x.shape[1] - width + 1, stride)
        return np.array(
            [
                [np.einsum("hwi,hwio", x[r : r + height, c : c + width], kernel) for c in columns]
                for r in rows
            ]
        ) + np.float64(bias)

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * params[name]["scale"] + params[name]["bias"]

    def dense(name: str, x: np.ndarray) -> np.ndarray:
        return x @ np.float64(params[name]["kernel"]) + params[name]["bias"]

    x = np.maximum(convolve("conv1", picture[..., None] / 255, 2, (1, 1)), 0)
    x = np.maximum(convolve("conv2", x, 2, (1, 1)), 0)
    x = norm("norm3", np.maximum(convolve("conv3", x, 1, (0, 1)), 0))
    x = norm("norm4", convolve("conv4", x, 1, (0, 1)))[0]
    columns = next((c // 4 + 1 for c in range(47, -1, -1) if picture[:, c].any()), 0)
    found = []
    for start, end in ((0, 100), (0, 40), (28, 72), (60, 100)):
        last = max(columns - 1, 1)
        part = [x[c] for c in range(columns) if start * last <= 100 * c <= end * last]
        found.append(np.max(part, axis=0) if part else np.zeros(x.shape[1]))
    x = norm("norm_pooled", np.concatenate(found))
    hidden = dense("hidden", x)
    erf = np.vectorize(math.erf)
    x = dense("skip", x) + dense("out", hidden * (1 + erf(hidden / np.sqrt(2))) / 2)
    return x / np.sqrt((x**2).sum() + 1e-12)


def test_stem_equals_a_loop(encoder: HybridEncoder, params: dict[str, Any]) -> None:
    pixels = words(6)
    slow = [loop_stem(params["stem"], picture) for picture in pixels]
    np.testing.assert_allclose(encoder.stem(params, pixels), slow, atol=2e-5)


def test_blank_columns_change_nothing(encoder: HybridEncoder, params: dict[str, Any]) -> None:
    pixels = words(6)
    pixels[:, :, 24:] = 0
    whole = encoder.stem(params, pixels)
    np.testing.assert_array_equal(encoder.stem(params, pixels[:, :, :32]), whole)


def test_vectors_of_the_stem_and_tokens_stand_for_pictures(
    encoder: HybridEncoder, params: dict[str, Any]
) -> None:
    pixels = words(6).reshape(2, 3, 20, 48)
    count = np.array([3, 2], np.int32)
    whole = encoder.encode(params, one_text_a_row(pixels, count))["embedding"]
    for compute in (encoder.stem, encoder.tokens):
        vectors = np.asarray(compute(params, pixels.reshape(6, 20, 48))).reshape(2, 3, -1)
        cached = encoder.encode(params, one_text_a_row(vectors, count))["embedding"]
        np.testing.assert_allclose(cached, whole, atol=1e-5)


def test_embedding_depends_on_order(encoder: HybridEncoder, params: dict[str, Any]) -> None:
    pixels = words(4)[None, 1:]
    orders = [pixels, pixels[:, ::-1]]
    count = np.array([3], np.int32)
    first, second = (encoder.encode(params, one_text_a_row(x, count))["embedding"] for x in orders)
    assert np.abs(first - second).max() > 1e-3


def test_wider_hidden_layers_start_from_the_same_function_and_learn(
    encoder: HybridEncoder, params: dict[str, Any]
) -> None:
    wide = make_encoder(SETTINGS | {"stem_hidden": 12, "token_hidden": 20, "mlp_width": 40})
    assert isinstance(wide, HybridEncoder)
    start = adapt("to_wider", params, wide)
    assert jax.tree.map(np.shape, start) == jax.tree.map(np.shape, wide.init(0))
    patches = one_text_a_row(words(4)[None, 1:], np.array([3], np.int32))
    before = encoder.encode(params, patches)["embedding"]
    np.testing.assert_allclose(wide.encode(start, patches)["embedding"], before, atol=1e-6)
    gradients = jax.grad(lambda p: wide.encode(p, patches)["embedding"].sum())(start)
    assert np.abs(gradients["token_out"]["kernel"][9:]).max() > 0
    assert np.abs(gradients["stem"]["out"]["kernel"][7:]).max() > 0
    # A width that shrinks, and layers of other kinds, are left to be refused as they are.
    narrow = adapt("to_wider", start, encoder)
    assert np.shape(narrow["token_hidden"]["kernel"]) == (8, 20)
    # Wider blocks would compute something else.
    other = make_encoder(SETTINGS | {"width": 32})
    with pytest.raises(ValueError, match="architecture"):
        check_same_shapes(adapt("to_wider", params, other), other.shapes(), "start")


def test_stem_is_a_start(encoder: HybridEncoder) -> None:
    alone = make_encoder(SETTINGS | {"depth": 0, "token_hidden": 0, "width": 8})
    assert isinstance(alone, HybridEncoder)
    read = alone.init(3)
    start = adapt("stem_only", read, encoder)
    assert jax.tree.map(np.shape, start) == jax.tree.map(np.shape, encoder.init(0))
    np.testing.assert_array_equal(start["stem"]["conv3"]["kernel"], read["stem"]["conv3"]["kernel"])
    # Without blocks an embedding is the norm of the mean of the stem's vectors.
    pixels = words(3)[None]
    found = alone.encode(read, one_text_a_row(pixels, np.array([3], np.int32)))["embedding"]
    vectors = np.asarray(alone.stem(read, pixels[0])) + read["positions"][:3]
    vectors -= vectors.mean(-1, keepdims=True)
    vectors /= np.sqrt(vectors.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found[0, 0], vectors.mean(0), atol=1e-4)


def test_gradients_reach_every_parameter(encoder: HybridEncoder, params: dict[str, Any]) -> None:
    rows = one_text_a_row(words(6)[None, 1:], np.array([5], np.int32))
    target = jnp.asarray(np.random.default_rng(2).normal(size=16))

    def loss(params: dict[str, Any]) -> jax.Array:
        return (encoder.encode(params, rows)["embedding"] * target).sum()

    still = {
        jax.tree_util.keystr(path)
        for path, gradient in jax.tree_util.tree_leaves_with_path(jax.grad(loss)(params))
        if not np.abs(gradient).max() > 0
    }
    assert not still


def test_settings_survive_json(encoder: HybridEncoder) -> None:
    stored = encoder_settings(encoder)
    assert make_encoder(stored | {"stem_channels": list(stored["stem_channels"])}) == encoder
    assert hash(make_encoder(stored)) == hash(encoder)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"stem_channels": (1, 2, 3)}, "stem_channels"),
        ({"token_hidden": 0}, "stem_width"),
        ({"stem_width": 16}, "stem_width"),
        ({"patch_width": 42}, "divisible"),
        ({"channels": 3}, "grey"),
    ],
)
def test_wrong_settings(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make_encoder(SETTINGS | change)
