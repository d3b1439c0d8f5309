"""What the encoder promises of every architecture."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from pixel_linguist.model import EncoderConfig, encode, init_params, preset
from pixel_linguist.model.encoder import Encoder, param_shapes
from pixel_linguist.model.positions import sincos_2d

Make = Callable[..., EncoderConfig]
Params = dict[str, Any]

VARIANTS: list[dict[str, Any]] = [
    {},
    {"pooling": "cls", "cls_token": True},
    {"cls_token": True, "paper_is_one": True},
    {"pooling": "attention"},
    {"positions": "sincos_2d"},
    {"head": "none"},
    {"head": "patches", "keep_head": True},
    {"head": "pooled", "keep_head": True},
    {"pooling": "cls", "cls_token": True, "head": "pooled", "keep_head": True, "channels": 3},
    {"cls_token": True, "positions": "learned"},
    {"patch_hidden": 48},
]
COUNTS = np.array([1, 3, 8, 5], np.int32)


def name_of(variant: dict[str, Any]) -> str:
    return "-".join(str(value) for value in variant.values()) or "default"


def picture(counts: np.ndarray, length: int, seed: int = 0) -> np.ndarray:
    """Draw uint8 [B, length, 8, 8] with text in the first `counts` patches, zeros after them."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (len(counts), int(counts.max()), 8, 8), np.uint8)
    patches[np.arange(patches.shape[1]) >= counts[:, None]] = 0
    return np.pad(patches, ((0, 0), (0, length - patches.shape[1]), (0, 0), (0, 0)))


@pytest.fixture(scope="module")
def params_of() -> Callable[[EncoderConfig], Params]:
    """Return parameters with no zeros left in them, so that every one of them matters."""
    made: dict[EncoderConfig, Params] = {}

    def make(config: EncoderConfig) -> Params:
        if config not in made:
            rng = np.random.default_rng(1)
            made[config] = jax.tree.map(
                lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype), init_params(config, 0)
            )
        return made[config]

    return make


ParamsOf = Callable[[EncoderConfig], Params]


def embed(
    config: EncoderConfig, params: Params, patches: np.ndarray, counts: np.ndarray, keys: Any = None
) -> np.ndarray:
    run = jax.jit(encode, static_argnums=0)
    return np.asarray(run(config, params, patches, counts, keys)["embedding"])


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_neither_padding_nor_neighbours_change_an_embedding(
    tiny_encoder: Make, params_of: ParamsOf, variant: dict[str, Any]
) -> None:
    config = tiny_encoder(**variant)
    params = params_of(config)
    short = embed(config, params, picture(COUNTS, 8), COUNTS)
    assert short.shape == (4, 32) and short.dtype == np.float32
    assert np.abs(short[:, None] - short[None])[~np.eye(4, dtype=bool)].max(-1).min() > 1e-3
    padded = embed(config, params, picture(COUNTS, 64), COUNTS)
    np.testing.assert_allclose(padded, short, atol=1e-5)
    # The same text among others and in another place.
    counts = np.array([7, COUNTS[2], 2, 4], np.int32)
    others = picture(counts, 8, seed=5)
    others[1] = picture(COUNTS, 8)[2]
    np.testing.assert_allclose(embed(config, params, others, counts)[1], short[2], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_texts_of_one_sequence_are_read_as_each_alone(
    tiny_encoder: Make, params_of: ParamsOf, variant: dict[str, Any], dtype: str
) -> None:
    config = tiny_encoder(**variant, dtype=dtype)
    params = params_of(config)
    patches = picture(COUNTS, 8)
    together = np.zeros((2, 20, *patches.shape[2:]), np.uint8)
    # The second sequence has other neighbours, a text less and more that is empty.
    together[0, :17] = np.concatenate([p[:n] for p, n in zip(patches, COUNTS, strict=True)])
    together[1, :8] = np.concatenate([patches[3, :5], patches[1, :3]])
    count = jnp.array([[1, 3, 8, 5, 0], [5, 3, 0, 0, 0]], jnp.int32)
    if not config.packs:
        with pytest.raises(ValueError, match="several texts of one sequence"):
            encode(config, params, jnp.asarray(together), count)
        return
    found = encode(config, params, jnp.asarray(together), count)["embedding"]
    expected = encode(config, params, jnp.asarray(patches), jnp.asarray(COUNTS))["embedding"]
    length = np.linalg.norm(expected, axis=1).max()
    limit = length * (1e-6 if dtype == "float32" else 2e-2)
    np.testing.assert_allclose(found[0, :4], expected, rtol=0, atol=limit)
    np.testing.assert_allclose(found[1, :2], expected[jnp.array([3, 1])], rtol=0, atol=limit)


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_what_lies_in_padding_is_not_read(
    tiny_encoder: Make, params_of: ParamsOf, variant: dict[str, Any]
) -> None:
    config = tiny_encoder(**variant)
    params = params_of(config)
    clean = picture(COUNTS, 8)
    dirty = clean.copy()
    dirty[np.arange(8) >= COUNTS[:, None]] = 200
    expected = embed(config, params, clean, COUNTS)
    assert np.array_equal(embed(config, params, dirty, COUNTS), expected)
    changed = clean.copy()
    changed[np.arange(4), COUNTS - 1] ^= 255
    difference = np.abs(embed(config, params, changed, COUNTS) - expected).max(axis=1)
    assert difference.min() > 1e-3, "the last patch of text is read"


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_gradients_reach_every_parameter_in_training(
    tiny_encoder: Make, params_of: ParamsOf, variant: dict[str, Any]
) -> None:
    config = tiny_encoder(**variant, max_patches=8)
    keys = jax.random.split(jax.random.key(0), 4)
    weights = np.random.default_rng(2).normal(size=(4, 32))

    def total(params: Params) -> jax.Array:
        outputs = encode(config, params, jnp.asarray(picture(COUNTS, 8)), jnp.asarray(COUNTS), keys)
        return (outputs["embedding"] * weights).sum()

    grads = jax.jit(jax.grad(total))(params_of(config))
    for path, gradient in jax.tree_util.tree_leaves_with_path(grads):
        assert np.abs(gradient).max() > 0, jax.tree_util.keystr(path)


def test_a_patch_is_embedded_by_its_ink_from_0_to_1(
    tiny_encoder: Make, params_of: ParamsOf
) -> None:
    config = tiny_encoder()
    params, patches = params_of(config), picture(COUNTS, 8)[2]
    _, inner = Encoder(config, train=False).apply(
        {"params": params},
        patches,
        jnp.int32(8),
        capture_intermediates=lambda module, _: module.name == "embed",
        mutable="intermediates",
    )
    ink = patches.reshape(8, 64).astype(np.float64) / 255
    expected = ink @ params["embed"]["kernel"] + params["embed"]["bias"]
    (found,) = inner["intermediates"]["embed"]["__call__"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "sincos_2d"])
def test_order_of_patches_matters(tiny_encoder: Make, params_of: ParamsOf, positions: str) -> None:
    config = tiny_encoder(positions=positions)
    counts = np.array([6], np.int32)
    patches = picture(counts, 8)
    swapped = patches.copy()
    swapped[0, [1, 4]] = swapped[0, [4, 1]]
    params = params_of(config)
    difference = embed(config, params, patches, counts) - embed(config, params, swapped, counts)
    assert np.abs(difference).max() > 1e-3


@pytest.mark.parametrize("pooling", ["mean", "cls", "attention"])
def test_patch_features_are_those_of_the_patches(
    tiny_encoder: Make, params_of: ParamsOf, pooling: str
) -> None:
    config = tiny_encoder(pooling=pooling, cls_token=pooling == "cls")
    patches, counts = jnp.asarray(picture(COUNTS, 8)), jnp.asarray(COUNTS)
    outputs = encode(config, params_of(config), patches, counts)
    features = np.asarray(outputs["patch_features"])
    assert features.shape == (4, 8, 32)
    if pooling == "mean":
        means = [features[i, :count].mean(axis=0) for i, count in enumerate(COUNTS)]
        np.testing.assert_allclose(outputs["embedding"], means, atol=1e-6)
    if pooling == "cls":
        assert np.abs(features[:, 0] - outputs["embedding"]).max() > 1e-3


@pytest.mark.parametrize(("head", "keep"), [("patches", False), ("pooled", False)])
def test_a_head_that_is_not_kept_plays_no_part_at_inference(
    tiny_encoder: Make, params_of: ParamsOf, head: str, keep: bool
) -> None:
    config = tiny_encoder(head=head, keep_head=keep, dropout=0.0)
    params = params_of(config)
    bare = {name: value for name, value in params.items() if not name.startswith("head")}
    assert set(params) - set(bare) == {"head", "head_norm"}
    patches = picture(COUNTS, 8)
    found = embed(config, params, patches, COUNTS)
    assert np.array_equal(found, embed(tiny_encoder(head="none"), bare, patches, COUNTS))
    keys = jax.random.split(jax.random.key(0), 4)
    in_training = embed(config, params, patches, COUNTS, keys)
    assert np.abs(in_training - found).max() > 1e-2
    kept = tiny_encoder(head=head, keep_head=True)
    np.testing.assert_allclose(embed(kept, params, patches, COUNTS), in_training, atol=1e-5)


def test_the_head_by_its_definition_before_and_after_pooling(
    tiny_encoder: Make, params_of: ParamsOf
) -> None:
    config = tiny_encoder(head="patches", keep_head=True)
    params = params_of(config)
    patches, counts = jnp.asarray(picture(COUNTS, 8)), jnp.asarray(COUNTS)
    features = np.asarray(encode(config, params, patches, counts)["patch_features"], np.float64)

    def head(x: np.ndarray) -> np.ndarray:
        x = x @ params["head"]["kernel"] + params["head"]["bias"]
        x = x * (1 + erf(x / np.sqrt(2))) / 2
        x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
        return x * params["head_norm"]["scale"] + params["head_norm"]["bias"]

    before = [head(features[i, :count]).mean(axis=0) for i, count in enumerate(COUNTS)]
    after = [head(features[i, :count].mean(axis=0)) for i, count in enumerate(COUNTS)]
    pooled = tiny_encoder(head="pooled", keep_head=True)
    for architecture, expected in ((config, before), (pooled, after)):
        found = encode(architecture, params, patches, counts)["embedding"]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_grey_is_repeated_for_three_channels(tiny_encoder: Make, params_of: ParamsOf) -> None:
    grey, colour = tiny_encoder(), tiny_encoder(channels=3)
    params = dict(params_of(colour))
    kernel = params["embed"]["kernel"]
    assert kernel.shape == (3 * 64, 32)
    folded = params | {"embed": params["embed"] | {"kernel": kernel.reshape(3, 64, 32).sum(0)}}
    patches = picture(COUNTS, 8)
    np.testing.assert_allclose(
        embed(colour, params, patches, COUNTS), embed(grey, folded, patches, COUNTS), atol=1e-5
    )


def test_colour_is_read_channel_by_channel(tiny_encoder: Make, params_of: ParamsOf) -> None:
    config = tiny_encoder(channels=3)
    params, patches = params_of(config), picture(COUNTS, 8)
    grey = np.repeat(patches[:, :, None], 3, axis=2)
    expected = embed(config, params, patches, COUNTS)
    np.testing.assert_allclose(embed(config, params, grey, COUNTS), expected, atol=1e-6)
    for channel in range(3):
        coloured = grey.copy()
        coloured[:, 0, channel] ^= 255
        assert np.abs(embed(config, params, coloured, COUNTS) - expected).max() > 1e-3


def test_paper_is_one_reads_the_negative(tiny_encoder: Make, params_of: ParamsOf) -> None:
    config = tiny_encoder(paper_is_one=True)
    params, patches = params_of(config), picture(COUNTS, 8)
    found = embed(config, params, patches, COUNTS)
    expected = embed(tiny_encoder(), params, 255 - patches, COUNTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("cls_token", [False, True])
def test_patches_that_are_not_kept_are_not_read(
    tiny_encoder: Make, params_of: ParamsOf, cls_token: bool
) -> None:
    config = tiny_encoder(cls_token=cls_token)
    params, patches = params_of(config), picture(COUNTS, 8)
    # Of the first text its only patch, of the others not the second, in any order.
    keep = np.array([[0, 5, 2, 7, 4]] * 4, np.int32)
    run = jax.jit(encode, static_argnums=0)
    found = run(config, params, patches, COUNTS, None, keep)
    features = np.asarray(found["patch_features"])
    assert features.shape == (4, 5, 32)
    for row, count in enumerate(COUNTS):
        text = keep[row] < count
        np.testing.assert_allclose(
            found["embedding"][row], features[row][text].mean(axis=0), atol=1e-6
        )
    changed = patches.copy()
    changed[:, [1, 3, 6]] ^= 255
    again = run(config, params, changed, COUNTS, None, keep)
    jax.tree.map(np.testing.assert_array_equal, again, found)
    everything = run(config, params, patches, COUNTS, None, np.tile(np.arange(8)[::-1], (4, 1)))
    whole = embed(config, params, patches, COUNTS)
    np.testing.assert_allclose(everything["embedding"], whole, atol=1e-5)


def test_frozen_positions_are_a_table_without_a_gradient(tiny_encoder: Make) -> None:
    config = tiny_encoder(positions="frozen", cls_token=True)
    params = init_params(config, 0)
    table = params["positions"]
    np.testing.assert_array_equal(table[0], 0)
    np.testing.assert_array_equal(table[1:], sincos_2d(64, 32))
    patches = picture(COUNTS, 8)
    fixed = {name: value for name, value in params.items() if name != "positions"}
    np.testing.assert_allclose(
        embed(config, params, patches, COUNTS),
        embed(tiny_encoder(positions="sincos_2d", cls_token=True), fixed, patches, COUNTS),
        atol=1e-6,
    )

    def total(params: Params) -> jax.Array:
        return jnp.sin(
            encode(config, params, jnp.asarray(patches), jnp.asarray(COUNTS))["embedding"]
        ).sum()

    grads = jax.jit(jax.grad(total))(params)
    assert np.array_equal(grads["positions"], np.zeros_like(table))
    assert np.abs(grads["cls"]).max() > 0


def test_bfloat16_is_close_to_float32(tiny_encoder: Make, params_of: ParamsOf) -> None:
    params = params_of(tiny_encoder())
    patches = picture(COUNTS, 8)
    exact = embed(tiny_encoder(), params, patches, COUNTS)
    rounded = embed(tiny_encoder(dtype="bfloat16"), params, patches, COUNTS)
    assert rounded.dtype == np.float32
    assert not np.array_equal(rounded, exact)
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    assert ((exact * rounded).sum(1) / norms).min() > 0.999
    assert {x.dtype for x in jax.tree.leaves(init_params(tiny_encoder(dtype="bfloat16"), 0))} == {
        np.dtype(np.float32)
    }


def test_dropout_differs_by_key_alone(tiny_encoder: Make, params_of: ParamsOf) -> None:
    config = tiny_encoder(dropout=0.3)
    params = params_of(config)
    counts = np.array([6, 6, 6], np.int32)
    patches = np.repeat(picture(counts[:1], 8), 3, axis=0)
    keys = jax.random.split(jax.random.key(0), 2)
    embeddings = embed(config, params, patches, counts, keys[np.array([0, 1, 0])])
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-2
    np.testing.assert_allclose(embeddings[0], embeddings[2], atol=1e-6)


def test_base_is_vit_b(tiny_encoder: Make) -> None:
    config = tiny_encoder(
        **preset("base"),
        patch_height=16,
        patch_width=16,
        channels=3,
        head="none",
        pooling="cls",
        cls_token=True,
    )
    width = 768
    block = 2 * 2 * width + 4 * (width * width + width) + 2 * 4 * width * width + 5 * width
    expected = 12 * block + 2 * width + 65 * width + width + (3 * 256 * width + width)
    count = sum(x.size for x in jax.tree.leaves(param_shapes(config)))
    assert count == expected
    assert count == pytest.approx(86e6, rel=0.01)


def test_param_shapes_are_those_of_init_params(tiny_encoder: Make) -> None:
    config = tiny_encoder(pooling="attention", head="pooled")
    drawn = jax.tree.map(lambda x: (x.shape, x.dtype), init_params(config, 0))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), param_shapes(config)) == drawn


def test_parameters_follow_the_seed(tiny_encoder: Make) -> None:
    config = tiny_encoder()
    first, again, other = (init_params(config, seed) for seed in (0, 0, 1))
    assert all(map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(again)))
    assert not np.array_equal(first["embed"]["kernel"], other["embed"]["kernel"])
    kernels = first["blocks"]["mlp_in"]["kernel"]
    assert not np.array_equal(kernels[0], kernels[1]), "blocks are drawn apart"


@pytest.mark.parametrize("shape", [(65, 8, 8), (8, 16, 8), (8, 8, 16)])
def test_pictures_of_another_shape_are_refused(
    tiny_encoder: Make, params_of: ParamsOf, shape: tuple[int, int, int]
) -> None:
    length, height, width = shape
    message = f"up to 64 patches of 8 x 8 pixels; it was given {length} of {height} x {width}"
    config = tiny_encoder()
    with pytest.raises(ValueError, match=message):
        encode(config, params_of(config), jnp.zeros((1, *shape), jnp.uint8), jnp.ones(1, jnp.int32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pooling": "max"}, r"model.pooling is 'max'; choose one of .*'attention'"),
        ({"positions": "rotary"}, r"model.positions is 'rotary'"),
        ({"head": "mlp"}, r"model.head is 'mlp'"),
        ({"dtype": "float16"}, r"model.dtype is 'float16'"),
        ({"pooling": "cls"}, r"model.pooling is 'cls'; it needs model.cls_token"),
        ({"heads": 5}, r"model.width 32 is not divisible by heads 5"),
        ({"dropout": 1.0}, r"model.dropout is 1.0; it must be in \[0, 1\)"),
        ({"channels": 2}, r"model.channels is 2; it must be 1 or 3"),
    ],
)
def test_impossible_architectures_are_named(
    tiny_encoder: Make, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tiny_encoder(**changes)


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no model preset 'large'; there are tiny, small, base"):
        preset("large")
