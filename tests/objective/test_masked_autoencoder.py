"""The masked autoencoder: its loss against a plain computation, and what its parts may see."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.model import ViTEncoder
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder
from pixel_linguist.render.patches import one_text_a_row
from tests.fakes import evaluate, facts_of

Make = Callable[..., ViTEncoder]
DECODER = {"width": 16, "depth": 1, "heads": 2, "mlp_width": 32}
PIXEL = MaskedAutoencoder(DECODER)
DUP = MaskedAutoencoder(DECODER, mask_ratio=0.5, embedding_weight=1.0, word_buckets=20)
COUNTS = np.array([1, 5, 8, 3], np.int32)
TEXT = np.arange(8) < COUNTS[:, None]
KEYS = jax.random.split(jax.random.key(0), 4)
SLOW = pytest.mark.slow
WITHOUT_CLS_TOO = pytest.mark.parametrize("cls_token", [pytest.param(False, marks=SLOW), True])


def pixels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 8, 8, 8), np.uint8)


@functools.cache
def params_of(objective: MaskedAutoencoder, encoder: ViTEncoder) -> dict[str, Any]:
    own, state, constants = objective.init(jax.random.key(0), encoder, {}, {})
    assert state == constants == {}
    rng, drawn = np.random.default_rng(1), {"encoder": encoder.init(0), "objective": own}
    return jax.tree.map(lambda x: x + rng.normal(0, 0.05, x.shape).astype("f"), drawn)


@functools.cache
def compiled(objective: MaskedAutoencoder, encoder: ViTEncoder) -> Any:
    return jax.jit(lambda p, x, k: objective.reconstruct(p, encoder, x, KEYS, k))


def reconstruct(
    objective: MaskedAutoencoder, encoder: ViTEncoder, params: Any, drawn: Any, keys: Any = None
) -> dict[str, np.ndarray]:
    """Reconstruct with the masks of `KEYS`, and with the given keys of dropout."""
    found = compiled(objective, encoder)(params, one_text_a_row(drawn, COUNTS), keys)
    return {name: np.asarray(x) for name, x in found.items()}


@functools.cache
def keep_of(objective: MaskedAutoencoder) -> Any:
    """Return the patches that are kept with the masks of `KEYS`."""
    return jax.jit(functools.partial(objective.keep, length=8))(KEYS, COUNTS)


def hidden(keep: Any) -> np.ndarray:
    """Return bool [4, 8], which patches are not among those kept."""
    found = np.ones((4, 8), bool)
    np.put_along_axis(found, np.asarray(keep), False, axis=1)
    return found


def given(seed: int = 0) -> dict[str, np.ndarray]:
    """Return what a reconstruction might be."""
    rng = np.random.default_rng(seed)
    return {
        "decoder": rng.normal(size=(4, 8, 12)).astype(np.float32),
        "pixels": rng.random((4, 8, 12), np.float32),
        "masked": rng.random((4, 8)) < 0.5,
        "text": TEXT,
        "word_logits": rng.normal(0, 3, (4, 7)).astype(np.float32),
    }


def loss_of(
    view: dict[str, np.ndarray], devices: int = 1, **changes: Any
) -> tuple[float, dict[str, float]]:
    objective = dataclasses.replace(PIXEL, **changes)
    words = np.array([[3, 0, -1], [6, 2, 5], [-1, -1, -1], [1, -1, -1]], np.int32)
    facts = facts_of(4, words=words)
    loss, metrics, _ = evaluate(objective, {"anchor": view}, facts, params={}, devices=devices)
    return float(loss), {name: float(x) for name, x in metrics.items()}


@pytest.mark.parametrize("normalised", [True, False])
def test_the_loss_is_the_mean_over_masked_text(normalised: bool) -> None:
    view, errors = given(), []
    for b, count in enumerate(COUNTS):
        for s in range(count):
            if view["masked"][b, s]:
                target = view["pixels"][b, s].astype(np.float64)
                if normalised:
                    target = (target - target.mean()) / np.sqrt(target.var(ddof=1) + 1e-6)
                errors.append(((view["decoder"][b, s] - target) ** 2).mean())
    loss, metrics = loss_of(view, normalise_pixels=normalised)
    assert loss == pytest.approx(np.mean(errors), rel=1e-5)
    assert metrics["masked_share"] == pytest.approx(len(errors) / COUNTS.sum())
    four, _ = loss_of(view, devices=4, normalise_pixels=normalised)
    assert four == pytest.approx(loss, rel=1e-5)


def test_neither_padding_nor_what_was_seen_counts() -> None:
    view = given()
    expected = loss_of(view)[0]
    counted = view["masked"] & TEXT
    view["decoder"][~counted] = 1e3
    assert loss_of(view)[0] == expected
    view["decoder"][counted] += 1
    assert loss_of(view)[0] != expected
    view["masked"][:] = False
    assert loss_of(view)[0] == 0


def test_words_are_a_weighted_part_of_the_loss() -> None:
    alone, _ = loss_of(given())
    loss, metrics = loss_of(given(), word_buckets=7, word_weight=0.5)
    assert metrics["decoder_loss"] == pytest.approx(alone)
    assert loss == pytest.approx(alone + 0.5 * metrics["word_loss"]) != alone


def test_what_is_kept_is_drawn_for_each_example() -> None:
    keep = keep_of(PIXEL)
    assert keep.shape == (4, 6)
    # Of one patch of text there is none left; of eight, two are missing.
    assert 0 not in keep[0] and len(set(range(8)) - set(keep[2].tolist())) == 2


@WITHOUT_CLS_TOO
def test_masked_patches_are_predicted_from_the_others_alone(
    tiny_encoder: Make, cls_token: bool
) -> None:
    encoder = tiny_encoder(max_patches=8, cls_token=cls_token)
    params = params_of(PIXEL, encoder)
    found = reconstruct(PIXEL, encoder, params, pixels())
    masked = hidden(keep_of(PIXEL))
    assert np.array_equal(found["masked"], masked) and np.array_equal(found["text"], TEXT)
    assert found["decoder"].shape == found["pixels"].shape == (4, 8, 64)
    first, second = (
        reconstruct(PIXEL, encoder, params, np.where(which[..., None, None], pixels(1), pixels()))
        for which in (masked | ~TEXT, ~masked)
    )
    here = TEXT & masked
    np.testing.assert_array_equal(first["decoder"][here], found["decoder"][here])
    assert np.abs(second["decoder"] - found["decoder"])[1:][here[1:]].min(0).max() > 1e-3


@SLOW
@pytest.mark.parametrize("objective", [PIXEL, DUP], ids=["pixel", "dup"])
def test_gradients_reach_every_parameter_but_the_decoder_s_positions(
    tiny_encoder: Make, objective: MaskedAutoencoder
) -> None:
    encoder = tiny_encoder(max_patches=8, head="none", cls_token=True)
    weights = np.random.default_rng(2).normal(size=(4, 8, 64))
    patches = one_text_a_row(pixels(), COUNTS)

    def total(params: Any) -> Any:
        found = objective.reconstruct(params, encoder, patches, KEYS, KEYS)
        drawn = sum((found[name] * weights).sum() for name in objective.decoders)
        return drawn + jnp.sum(found.get("word_logits", 0.0))

    grads = jax.jit(jax.grad(total))(params_of(objective, encoder))
    for path, gradient in jax.tree_util.tree_leaves_with_path(grads):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        assert (np.abs(gradient).max() > 0) != name.endswith("decoder/positions"), name


def test_dropout_follows_the_keys(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(max_patches=8)
    params = params_of(PIXEL, encoder)
    swapped = KEYS[np.array([1, 0, 2, 3])]
    first, again = (
        reconstruct(PIXEL, encoder, params, pixels(), keys)["decoder"] for keys in (KEYS, swapped)
    )
    assert np.abs(first[1] - again[1]).max() > 1e-3
    np.testing.assert_allclose(first[2:], again[2:], atol=1e-5)


@pytest.mark.slow
def test_words_come_from_the_text_patches_that_were_read(tiny_encoder: Make) -> None:
    encoder = tiny_encoder(max_patches=8)
    params, lines = params_of(DUP, encoder), one_text_a_row(pixels(), COUNTS)
    found = reconstruct(DUP, encoder, params, pixels())
    keep = keep_of(DUP)
    read_only = functools.partial(encoder.encode, outputs=("patch_features",))
    features = jax.jit(read_only)(params["encoder"], lines, keep=keep)
    head = params["objective"]["words"]["buckets"]
    logits = np.asarray(features["patch_features"]) @ head["kernel"] + head["bias"]
    read = (np.asarray(keep) < COUNTS[:, None])[..., None]
    expected = np.where(read, logits, -1000).max(axis=1)
    np.testing.assert_allclose(found["word_logits"], expected, atol=1e-5)
    # Of the first text nothing is read. Pixels do not depend on words, nor on the embedding's part.
    assert (found["word_logits"][0] == -1000).all()
    plain = dataclasses.replace(DUP, embedding_weight=0.0, word_buckets=0)
    pixels_alone = reconstruct(plain, encoder, params, pixels())
    assert not {"word_logits", "embedding_decoder"} & {*pixels_alone}
    np.testing.assert_allclose(pixels_alone["decoder"], found["decoder"], atol=1e-6)


def test_an_encoder_s_own_words_are_taken_and_its_decoder_has_the_sentence_alone(
    tiny_encoder: Make,
) -> None:
    encoder = tiny_encoder(max_patches=8, word_buckets=20, top_words=6)
    params = params_of(DUP, encoder)
    assert set(params["objective"]) == {"decoder", "embedding_decoder"}
    found = reconstruct(DUP, encoder, params, pixels())
    words = jax.tree.map(lambda x: x + 1, params["encoder"]["words"])
    changed = dict(params, encoder=params["encoder"] | {"words": words})
    again = reconstruct(DUP, encoder, changed, pixels())
    assert np.array_equal(again["decoder"], found["decoder"])
    assert not np.array_equal(again["word_logits"], found["word_logits"])
    with pytest.raises(ValueError, match="word_buckets"):
        params_of(dataclasses.replace(DUP, word_buckets=8), encoder)


@pytest.mark.parametrize("normalised", [True, pytest.param(False, marks=SLOW)])
def test_pictures_show_text_with_grey_masks_and_what_was_predicted(
    tiny_encoder: Make, normalised: bool
) -> None:
    objective = dataclasses.replace(PIXEL, normalise_pixels=normalised)
    encoder = tiny_encoder(max_patches=8, channels=3, paper_is_one=True)
    patches = one_text_a_row(pixels(), COUNTS)
    run = jax.jit(lambda p, x, k: objective.images(p, encoder, {"anchor": x}, k))
    found = run(params_of(objective, encoder), patches, jax.random.key(1))
    ink, masked = pixels() / 255, np.asarray(found["masked"].pixels[..., 0])
    grey = (masked == 0.5).all(axis=(2, 3))
    assert grey.sum(axis=1).tolist() == [1, 2, 2, 1] and not grey[~TEXT].any()
    for caption in ("masked", "predicted"):
        shown = np.asarray(found[caption].pixels[..., 0])
        np.testing.assert_allclose(shown[~grey], ink[~grey], atol=1e-6)
        assert shown.min() >= 0 and shown.max() <= 1
    assert np.abs(np.asarray(found["predicted"].pixels[..., 0])[grey] - 0.5).max() > 0.01


@pytest.mark.parametrize(
    "changes",
    [
        {"mask_ratio": 0.0},
        {"mask_ratio": 1.0},
        {"embedding_mask_ratio": 1.0},
        {"encoder_weight": 0.0},
        {"embedding_weight": -1.0},
        {"word_buckets": -1},
        {"word_weight": -0.1},
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        dataclasses.replace(PIXEL, **changes)  # type: ignore[arg-type]
