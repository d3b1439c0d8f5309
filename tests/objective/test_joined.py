"""Posts joined by trainable patches: rows against a slow loop, and what training moves."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.objective.joined import JoinedClassification, insert
from pixel_linguist.objective.protocol import Batch, View
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.step import NO_AUGMENTATION, init_state
from pixel_linguist.train.step_encode import StepEncode
from tests.train.tiny import encoder, replace

COUNTS = ((2, 3), (1, 0), (3, 1))


def rows(width: int = 4, seed: int = 0) -> Any:
    """Return three rows of up to 5 patches: the first and the second sentence, then padding."""
    pixels = np.random.default_rng(seed).normal(size=(3, 5, width)).astype(np.float32)
    unit = np.full((3, 5), -1, np.int32)
    for row, (first, second) in zip(unit, COUNTS, strict=True):
        row[:first], row[first : first + second] = 0, 1
    text = one_text_a_row(pixels, (unit >= 0).sum(axis=1))
    return text._replace(unit=unit)


@pytest.mark.parametrize("between", [0, 2])
def test_patches_stand_between_the_sentences(between: int) -> None:
    given, trained = rows(), np.ones((between, 4), np.float32)
    found = insert(given, jnp.asarray(trained))
    for i, (first, second) in enumerate(COUNTS):
        own = given.pixels[i]
        expected = np.concatenate([own[:first], trained, own[first : first + second]])
        assert int((found.segment[i] >= 0).sum()) == len(expected)
        np.testing.assert_array_equal(found.pixels[i, : len(expected)], expected)
    assert found.position[0, :, 1].tolist() == list(range(5 + between))


def batch_of() -> Batch:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 8, 8), np.uint8)
    unit = np.array([[0, 0, 1, 1], [0, 1, -1, -1], [0, 0, 0, 1]], np.int32)
    patches = one_text_a_row(pixels, (unit >= 0).sum(axis=1))._replace(unit=unit)
    facts = {"group": jnp.full((3, 1), -1), "label": jnp.array([0, 2, 1])}
    return Batch({"post": View("post", patches, np.arange(3))}, facts, {})


def test_the_loss_is_the_cross_entropy_and_the_second_phase_moves_patches_alone() -> None:
    tiny = encoder(dropout=0.0, head="none")
    objective = JoinedClassification(classes=3, between=2, train_head=False)
    frozen = replace(frozen=tuple(tiny.init(0)))
    params = init_state(tiny, tiny.init(0), objective, frozen, seed=0)[0]["params"]
    encode = StepEncode(tiny, NO_AUGMENTATION, 0)

    def loss(params: Any) -> Any:
        key = jax.random.key(0)
        found = objective.loss(params, {}, {}, batch_of(), encode, key)[0]
        return found, objective.logits(params, tiny, batch_of().views["post"].patches)

    (found, logits), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    scored = zip(np.asarray(logits, np.float64), (0, 2, 1), strict=True)
    exact = [np.logaddexp.reduce(row) - row[label] for row, label in scored]
    assert float(found) == pytest.approx(float(np.mean(exact)), rel=1e-5)
    own = gradient["objective"]
    assert not own["weights"].any() and not own["bias"].any() and np.abs(own["between"]).max() > 0


@pytest.mark.parametrize(
    ("change", "word"), [({"classes": 1}, "classes"), ({"between": -1}, "bet")]
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        JoinedClassification(**({"classes": 2} | change))
