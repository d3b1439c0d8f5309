"""What the vision transformer promises of every architecture."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf

from pixel_linguist.model import ViTEncoder, make_encoder, preset
from pixel_linguist.model.positions import sincos_2d
from pixel_linguist.render.patches import Patches, one_text_a_row, packed, picture_patches

Make = Callable[..., ViTEncoder]
Params = dict[str, Any]

VARIANTS: list[dict[str, Any]] = [
    {},
    {"cls_token": True, "paper_is_one": True, "max_rows": 3},
    {"pooling": "attention", "positions": "sincos_2d", "head": "none"},
    {"head": "pooled", "keep_head": True, "patch_hidden": 48},
    {"pooling": "cls", "cls_token": True, "head": "pooled", "keep_head": True, "channels": 3},
    {"word_buckets": 20, "top_words": 6, "cls_token": True},
]
COUNTS = np.array([1, 3, 8, 5], np.int32)
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 8), np.uint8)
TEXT = np.arange(8) < COUNTS[:, None]
LINES = one_text_a_row(PIXELS, COUNTS)
KEYS = jax.random.split(jax.random.key(0), 4)


def name_of(variant: dict[str, Any]) -> str:
    return "-".join(f"{name}={value}" for name, value in variant.items()) or "default"


each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=name_of)


@functools.cache
def params_of(encoder: ViTEncoder) -> Params:
    """Return parameters with no zeros left in them, so that every one of them matters."""
    rng = np.random.default_rng(1)
    moved = lambda x: x + rng.normal(0, 0.05, x.shape).astype(x.dtype)  # noqa: E731
    return jax.tree.map(moved, encoder.init(0))


@functools.cache
def compiled(encoder: ViTEncoder, outputs: tuple[str, ...]) -> Any:
    def run(params: Params, patches: Patches, keys: Any, options: Any) -> Any:
        return encoder.encode(params, patches, keys=keys, outputs=outputs, **options)

    return jax.jit(run)


def encode(
    encoder: ViTEncoder,
    patches: Patches,
    *outputs: str,
    params: Params | None = None,
    keys: Any = None,
    **options: Any,
) -> dict[str, np.ndarray]:
    chosen = params_of(encoder) if params is None else params
    found = compiled(encoder, outputs)(chosen, patches, keys, options)
    return {name: np.asarray(x) for name, x in found.items()}


def embed(encoder: ViTEncoder, patches: Patches, **given: Any) -> np.ndarray:
    """Return the embeddings of texts, one in a row: float32 [B, D]."""
    return encode(encoder, patches, "embedding", **given)["embedding"][:, 0]


def dirty_padding() -> Patches:
    """Return the same texts with padding that is not blank."""
    pixels = np.full((4, 8, 8, 8), 200, np.uint8)
    pixels[TEXT] = PIXELS[TEXT]
    return one_text_a_row(pixels, COUNTS)


@each_variant
def test_neither_padding_nor_neighbours_change_an_embedding(
    tiny_encoder: Make, variant: dict[str, Any]
) -> None:
    encoder = tiny_encoder(**variant)
    short = embed(encoder, LINES)
    assert short.shape == (4, encoder.dimension) and short.dtype == np.float32
    assert np.abs(short[:, None] - short[None])[~np.eye(4, dtype=bool)].max(-1).min() > 1e-3
    assert np.array_equal(embed(encoder, dirty_padding()), short)
    # The same text among others and in another place.
    others = PIXELS[::-1].copy()
    others[3] = PIXELS[2]
    found = embed(encoder, one_text_a_row(others, np.array([7, 2, 4, 8], np.int32)))
    np.testing.assert_allclose(found[3], short[2], atol=1e-5)
    # The last patch of each text is read.
    changed = PIXELS.copy()
    changed[np.arange(4), COUNTS - 1] ^= 255
    difference = np.abs(embed(encoder, one_text_a_row(changed, COUNTS)) - short)
    assert difference.max(axis=1).min() > 1e-3


@pytest.mark.parametrize("variant", [*VARIANTS, {"dtype": "bfloat16"}], ids=name_of)
def test_packed_texts_are_read_as_each_alone(tiny_encoder: Make, variant: dict[str, Any]) -> None:
    encoder = tiny_encoder(**variant)
    together = np.full((2, 20, 8, 8), 200, np.uint8)
    # The second row has other neighbours, a text less and more room for texts.
    together[0, :17] = PIXELS[TEXT]
    together[1, :8] = np.concatenate([PIXELS[3, :5], PIXELS[1, :3]])
    count = np.array([[1, 3, 8, 5, 0], [5, 3, 0, 0, 0]], np.int32)
    owner = np.array([[0, 1, 2, 3, -1], [3, 1, -1, -1, -1]], np.int32)
    found = encode(encoder, packed(together, count, owner), "embedding")["embedding"][..., :32]
    alone = embed(encoder, LINES)[:, :32]
    limit = np.linalg.norm(alone, axis=1).max() * (2e-2 if "dtype" in variant else 1e-6)
    for row, column in zip(*np.nonzero(count), strict=True):
        expected = alone[owner[row, column]]
        np.testing.assert_allclose(found[row, column], expected, rtol=0, atol=limit)


@pytest.mark.parametrize(
    "variant",
    # Gradients take the longest to compile.
    [pytest.param(v, marks=[pytest.mark.slow] * (n not in (0, 3))) for n, v in enumerate(VARIANTS)],
    ids=name_of,
)
def test_gradients_reach_every_parameter_in_training(
    tiny_encoder: Make, variant: dict[str, Any]
) -> None:
    encoder = tiny_encoder(**variant)
    weights = np.random.default_rng(2).normal(size=(4, 1, encoder.dimension))
    page = LINES.position + np.array([1, 0], np.int32) * (np.arange(8)[:, None] % 3)
    patches = LINES._replace(position=page)

    def total(params: Params) -> Any:
        return (encoder.encode(params, patches, keys=KEYS)["embedding"] * weights).sum()

    grads = jax.jit(jax.grad(total))(params_of(encoder))
    for path, gradient in jax.tree_util.tree_leaves_with_path(grads):
        assert np.abs(gradient).max() > 0, jax.tree_util.keystr(path)


@pytest.mark.parametrize(("channels", "paper_is_one"), [(1, False), (3, True)])
def test_patches_are_embedded_linearly_by_their_ink_from_0_to_1(
    tiny_encoder: Make, channels: int, paper_is_one: bool
) -> None:
    encoder = tiny_encoder(channels=channels, paper_is_one=paper_is_one)
    linear = params_of(encoder)["embed"]
    pixels = np.random.default_rng(4).integers(0, 256, (4, 8, 8, 8, channels), np.uint8)
    ink = 1 - pixels / 255 if paper_is_one else pixels / 255
    # In the weights channels come first.
    kernel = linear["kernel"].reshape(channels, 8, 8, 32)
    embedded = np.einsum("bshwc,chwd->bsd", ink, kernel) + linear["bias"]
    expected = embed(encoder, one_text_a_row(embedded.astype(np.float32), COUNTS))
    found = embed(encoder, one_text_a_row(pixels, COUNTS))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    repeated = one_text_a_row(np.repeat(PIXELS[..., None], channels, axis=-1), COUNTS)
    np.testing.assert_allclose(embed(encoder, LINES), embed(encoder, repeated), atol=1e-6)


def test_row_0_adds_nothing(tiny_encoder: Make) -> None:
    line, page = tiny_encoder(), tiny_encoder(max_rows=4)
    params = params_of(page)
    assert params["rows"].shape == (3, 32)
    rest = {name: value for name, value in params.items() if name != "rows"}
    assert np.array_equal(embed(page, LINES), embed(line, LINES, params=rest))


def test_a_position_on_a_page_is_its_row_and_its_column(tiny_encoder: Make) -> None:
    page = tiny_encoder(max_rows=4, max_patches=4)
    params = params_of(page)
    picture = np.random.default_rng(3).integers(0, 256, (2, 24, 32, 1), np.uint8)
    patches = picture_patches(picture, (8, 8))
    assert patches.pixels.shape == (2, 12, 8, 8, 1)
    # What an encoder without positions makes of patches to which they were added before.
    linear, ink = params["embed"], patches.pixels.reshape(2, 12, 64) / 255
    rows = np.concatenate([np.zeros((1, 32)), params["rows"]])
    row, column = np.divmod(np.arange(12), 4)
    added = rows[row] + params["positions"][column]
    given = (ink @ linear["kernel"] + linear["bias"] + added).astype(np.float32)
    blank = {name: value for name, value in params.items() if name != "rows"}
    blank["positions"] = np.zeros((12, 32), np.float32)
    expected = embed(
        tiny_encoder(max_patches=12),
        one_text_a_row(given, np.full(2, 12, np.int32)),
        params=blank,
    )
    np.testing.assert_allclose(embed(page, patches), expected, atol=1e-5)


def test_texts_and_units_are_pooled_each_by_itself(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(cls_token=True)
    unit = np.array([[-1] * 8, [0, 2, 2] + [-1] * 5, [0, 1, 1, -1, 2, 2, 2, 0], [1] * 5 + [-1] * 3])
    outputs = ("unit_embedding", "embedding", "patch_features")
    run = jax.jit(functools.partial(encoder.encode, outputs=outputs, units=3))
    found = run(params_of(encoder), LINES._replace(unit=unit.astype(np.int32)))
    features = np.asarray(found["patch_features"], np.float64)
    # Units play no part in the embedding of the whole.
    for name, numbers in (("unit_embedding", unit), ("embedding", LINES.segment)):
        expected = np.zeros(found[name].shape)
        for row, number in np.ndindex(expected.shape[:2]):
            own = [features[row, place] for place in range(8) if numbers[row, place] == number]
            if own:
                expected[row, number] = np.mean(own, axis=0)
        np.testing.assert_allclose(found[name], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["patches", "pooled"])
def test_a_head_is_its_definition_in_training_and_where_it_is_kept(
    tiny_encoder: Make, name: str
) -> None:
    encoder = tiny_encoder(head=name, keep_head=False, dropout=0.0)
    params = params_of(encoder)
    bare = {key: value for key, value in params.items() if not key.startswith("head")}
    assert set(params) - set(bare) == {"head", "head_norm"}
    found = encode(encoder, LINES, "embedding", "patch_features")
    without = embed(tiny_encoder(head="none"), LINES, params=bare)
    assert np.array_equal(found["embedding"][:, 0], without)

    def head(x: np.ndarray) -> np.ndarray:
        x = x @ params["head"]["kernel"] + params["head"]["bias"]
        x = x * (1 + erf(x / np.sqrt(2))) / 2
        x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
        return x * params["head_norm"]["scale"] + params["head_norm"]["bias"]

    texts = [
        x[:count] for x, count in zip(found["patch_features"].astype(float), COUNTS, strict=True)
    ]
    expected = [head(x).mean(0) if name == "patches" else head(x.mean(0)) for x in texts]
    np.testing.assert_allclose(embed(encoder, LINES, keys=KEYS), expected, atol=1e-5)
    kept = tiny_encoder(head=name, keep_head=True)
    np.testing.assert_allclose(embed(kept, LINES, params=params), expected, atol=1e-5)


@pytest.mark.parametrize("cls_token", [False, True])
def test_patches_that_are_not_kept_are_not_read(tiny_encoder: Make, cls_token: bool) -> None:
    encoder = tiny_encoder(cls_token=cls_token)
    # Of the first text its only patch, of the others not the second, in any order.
    keep = np.array([[0, 5, 2, 7, 4]] * 4, np.int32)
    outputs = ("embedding", "patch_features")
    found = encode(encoder, LINES, *outputs, keep=keep)
    features = found["patch_features"]
    assert features.shape == (4, 5, 32)
    means = [x[keep[0] < count].mean(axis=0) for x, count in zip(features, COUNTS, strict=True)]
    np.testing.assert_allclose(found["embedding"][:, 0], means, atol=1e-6)
    changed = PIXELS.copy()
    changed[:, [1, 3, 6]] ^= 255
    again = encode(encoder, one_text_a_row(changed, COUNTS), *outputs, keep=keep)
    jax.tree.map(np.testing.assert_array_equal, again, found)
    everything = np.tile(np.arange(8, dtype=np.int32)[::-1], (4, 1))
    whole = encode(encoder, LINES, *outputs, keep=everything)["embedding"][:, 0]
    np.testing.assert_allclose(whole, embed(encoder, LINES), atol=1e-5)


def test_frozen_positions_are_a_table_without_a_gradient(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(positions="frozen", cls_token=True)
    params = encoder.init(0)
    table = params["positions"]
    np.testing.assert_array_equal(table, np.pad(sincos_2d(64, 32), ((1, 0), (0, 0))))
    rest = {name: value for name, value in params.items() if name != "positions"}
    fixed = tiny_encoder(positions="sincos_2d", cls_token=True)
    expected = embed(fixed, LINES, params=rest)
    np.testing.assert_allclose(embed(encoder, LINES, params=params), expected, atol=1e-6)
    total = lambda p: jnp.sin(encoder.encode(p, LINES)["embedding"]).sum()  # noqa: E731
    grads = jax.jit(jax.grad(total))(params)
    assert np.array_equal(grads["positions"], np.zeros_like(table))
    assert np.abs(grads["cls"]).max() > 0


def test_bfloat16_is_close_to_float32(tiny_encoder: Make) -> None:
    half = tiny_encoder(dtype="bfloat16")
    exact = embed(tiny_encoder(), LINES)
    rounded = embed(half, LINES, params=params_of(tiny_encoder()))
    assert rounded.dtype == np.float32 and not np.array_equal(rounded, exact)
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    assert ((exact * rounded).sum(1) / norms).min() > 0.999
    assert {x.dtype for x in jax.tree.leaves(half.init(0))} == {np.dtype(np.float32)}


def test_dropout_goes_by_a_row_s_key_whatever_the_batch_and_the_devices(
    tiny_encoder: Make,
) -> None:
    encoder = tiny_encoder(dropout=0.3)
    same = one_text_a_row(np.repeat(PIXELS[2:3], 4, axis=0), np.full(4, 8, np.int32))
    keys = KEYS[np.array([0, 1, 0, 2])]
    together = embed(encoder, same, keys=keys)
    assert np.abs(together[0] - together[1]).max() > 1e-2
    np.testing.assert_allclose(together[0], together[2], atol=1e-6)
    alone = embed(encoder, jax.tree.map(lambda x: x[1:2], same), keys=keys[1:2])
    np.testing.assert_allclose(alone[0], together[1], atol=1e-6)
    halves = jax.tree.map(lambda x: x.reshape(2, 2, *x.shape[1:]), (same, keys))
    on_two = jax.pmap(lambda x, k: encoder.encode(params_of(encoder), x, keys=k)["embedding"])
    np.testing.assert_allclose(on_two(*halves).reshape(4, 32), together, atol=1e-6)


def test_base_is_vit_b(tiny_encoder: Make) -> None:
    sizes = {"patch_height": 16, "patch_width": 16, "channels": 3, "cls_token": True}
    encoder = tiny_encoder(**preset("base"), **sizes, head="none", pooling="cls")
    width = 768
    block = 2 * 2 * width + 4 * (width * width + width) + 2 * 4 * width * width + 5 * width
    expected = 12 * block + 2 * width + 65 * width + width + (3 * 256 * width + width)
    count = sum(x.size for x in jax.tree.leaves(encoder.shapes()))
    assert count == expected == pytest.approx(86e6, rel=0.01)


def test_parameters_have_their_shapes_and_follow_the_seed(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(pooling="attention", head="pooled", max_rows=2)
    first, again, other = (encoder.init(seed) for seed in (0, 0, 1))
    of_drawn, of_shapes = (
        jax.tree.map(lambda x: (x.shape, x.dtype), tree) for tree in (first, encoder.shapes())
    )
    assert of_drawn == of_shapes
    assert all(map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(again)))
    assert not np.array_equal(first["embed"]["kernel"], other["embed"]["kernel"])
    kernels = first["blocks"]["mlp_in"]["kernel"]
    assert not np.array_equal(kernels[0], kernels[1]), "blocks are drawn apart"


@pytest.mark.parametrize("shape", [(65, 8, 8), (8, 16, 8), (8, 8, 16)])
def test_patches_of_another_size_are_refused(
    tiny_encoder: Make, shape: tuple[int, int, int]
) -> None:
    length, height, width = shape
    patches = one_text_a_row(np.zeros((1, *shape), np.uint8), np.ones(1, np.int32))
    with pytest.raises(ValueError, match=f"given {length} of {height} x {width}"):
        tiny_encoder().encode({}, patches)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"outputs": ("embedding", "word_logits")}, "word_logits"),
        ({"outputs": ("unit_embedding",)}, "unit_embedding"),
        ({"domain": np.zeros(4, np.int32)}, "domain"),
    ],
)
def test_outputs_and_options_that_it_lacks_are_named(
    tiny_encoder: Make, given: dict[str, Any], word: str
) -> None:
    encoder = tiny_encoder()
    with pytest.raises(ValueError, match=word):
        jax.eval_shape(lambda p: encoder.encode(p, LINES, **given), encoder.shapes())


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling": "max"},
        {"positions": "rotary"},
        {"head": "mlp"},
        {"dtype": "float16"},
        {"remat": True},
        {"pooling": "cls"},
        {"heads": 5},
        {"dropout": 1.0},
        {"channels": 2},
        {"max_rows": 0},
        {"top_words": 1},
        {"top_words": 0, "word_buckets": 4},
        {"top_words": 5, "word_buckets": 4},
        {"top_words": 0, "word_buckets": -1},
    ],
)
def test_impossible_architectures_are_named(tiny_encoder: Make, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        tiny_encoder(**changes)


def test_missing_settings_and_unknown_presets_are_named() -> None:
    with pytest.raises(ValueError, match="mlp_width"):
        make_encoder({"width": 32})
    with pytest.raises(ValueError, match="small"):
        preset("large")
