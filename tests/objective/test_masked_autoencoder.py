"""The masked autoencoder's loss against a plain computation."""

from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.objective import make_objective

Arrays = dict[str, np.ndarray]
COUNTS = np.array([1, 5, 8, 3], np.int32)


def objective(**changes: Any) -> Any:
    arguments: dict[str, Any] = {"mask_ratio": 0.25, "decoder_mask_ratio": 0.0}
    arguments |= {"normalise_pixels": True, "word_buckets": 0, "word_weight": 0.0, "axis": "data"}
    arguments |= changes
    return make_objective("masked_autoencoder", arguments)


def outputs(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    shape = (4, 8, 12)
    return {
        "predictions": rng.normal(size=shape).astype(np.float32),
        "pixels": rng.random(shape, np.float32),
        "masked": rng.random(shape[:2]) < 0.5,
    }


def loss_of(view: Arrays, devices: int = 1, **changes: Any) -> tuple[np.ndarray, Any]:
    """Return each device's loss and metrics, rows shared out evenly."""

    def one(rows: Any, count: Any) -> Any:
        batch = {"anchor": {"count": count}}
        key = jax.random.key(0)
        return objective(**changes)({}, {"anchor": rows}, batch, {}, key)[:2]

    shared = jax.tree.map(lambda x: x.reshape(devices, -1, *x.shape[1:]), (view, COUNTS))
    return jax.vmap(one, axis_name="data")(*shared)


@pytest.mark.parametrize("normalised", [True, False])
def test_the_loss_is_the_mean_over_masked_text(normalised: bool) -> None:
    view = outputs()
    errors = []
    for b, count in enumerate(COUNTS):
        for s in range(count):
            if view["masked"][b, s]:
                target = view["pixels"][b, s].astype(np.float64)
                if normalised:
                    target = (target - target.mean()) / np.sqrt(target.var(ddof=1) + 1e-6)
                errors.append(((view["predictions"][b, s] - target) ** 2).mean())
    loss, metrics = loss_of(view, normalise_pixels=normalised)
    np.testing.assert_allclose(loss[0], np.mean(errors), atol=1e-6)
    np.testing.assert_allclose(metrics["masked_share"][0], len(errors) / COUNTS.sum(), atol=1e-6)


def test_the_number_of_devices_changes_nothing() -> None:
    view = outputs()
    one, four = loss_of(view)[0], loss_of(view, devices=4)[0]
    assert four.shape == (4,)
    np.testing.assert_allclose(four.mean(), one[0], atol=1e-6)


def test_neither_padding_nor_what_was_seen_counts() -> None:
    view = outputs()
    expected = loss_of(view)[0]
    counted = view["masked"] & (np.arange(8) < COUNTS[:, None])
    view["predictions"][~counted] = 1e3
    np.testing.assert_array_equal(loss_of(view)[0], expected)
    view["predictions"][counted] += 1
    assert not np.array_equal(loss_of(view)[0], expected)


def test_a_batch_without_masked_text_costs_nothing() -> None:
    view = outputs()
    view["masked"][:] = False
    assert loss_of(view)[0] == 0


def test_what_is_kept_is_drawn_for_each_example() -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    keep, of_decoder = objective().keep(keys, COUNTS, 8)
    assert of_decoder is None
    assert keep.shape == (4, 6)
    # Of one patch of text there is none left; of eight, two are missing.
    assert 0 not in keep[0] and len(set(range(8)) - set(keep[2].tolist())) == 2


def test_a_decoder_from_an_embedding_has_masks_of_its_own() -> None:
    keys = jax.random.split(jax.random.key(0), 4)
    keep, of_decoder = objective(decoder_mask_ratio=0.5).keep(keys, COUNTS, 8)
    assert keep.shape == (4, 6) and of_decoder.shape == (4, 4)
    text = [(row < count).sum() for row, count in zip(np.asarray(of_decoder), COUNTS, strict=True)]
    assert text == [0, 2, 4, 1]
    with pytest.raises(ValueError, match=r"objective.decoder_mask_ratio is 1.0; it must be in"):
        objective(decoder_mask_ratio=1.0)


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.1])
def test_impossible_ratios_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=r"objective.mask_ratio is .*; it must be in \(0, 1\)"):
        objective(mask_ratio=ratio)
