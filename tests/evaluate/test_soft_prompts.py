"""Soft prompts: patches before a text against a text of their words, and classes from a few."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.similarity import CachedEmbed, cosine_matrix, unit_rows
from pixel_linguist.evaluate.soft_prompts import SoftPrompts, patch_rows, prompted
from pixel_linguist.inference import Embedder
from pixel_linguist.model.store import Model
from pixel_linguist.render import Renderer

CLASSES = {"sea": "boats and fish", "sky": "birds and clouds"}
TEXTS = {
    "a ship at sea": "sea",
    "nets full of cod": "sea",
    "the old harbour": "sea",
    "a hawk above": "sky",
    "rain and wind": "sky",
    "the evening star": "sky",
}
RECORDS: Any = [{"text": text, "label": label} for text, label in TEXTS.items()]


@pytest.fixture(scope="module")
def embedder(tiny_model: Callable[..., Model]) -> Embedder:
    model = tiny_model(max_patches=16)
    return Embedder(model.encoder, model.params, Renderer(**model.renderer), 8)


def test_the_patches_of_a_word_before_a_text_are_that_word_in_the_text(embedder: Embedder) -> None:
    rows = patch_rows(embedder, ["blue"], 0)
    prompts = rows.pixels[0, : int((rows.segment >= 0).sum())]
    found = prompted(embedder, ["sea", "sky here"], prompts)
    np.testing.assert_allclose(found, embedder(["blue sea", "blue sky here"]), atol=1e-5)


@pytest.mark.slow
def test_training_lowers_the_loss_of_the_few_and_leaves_the_encoder(embedder: Embedder) -> None:
    before = embedder(list(TEXTS))
    described = unit_rows(embedder(list(CLASSES.values())))
    right = [list(CLASSES).index(label) for label in TEXTS.values()]

    def loss(task: SoftPrompts) -> float:
        found = prompted(embedder, list(TEXTS), task.trained(embedder, described))
        logits = cosine_matrix(found.astype(np.float64), described) / 0.07
        rows = zip(logits, right, strict=True)
        return float(np.mean([np.logaddexp.reduce(row) - row[own] for row, own in rows]))

    task = SoftPrompts.from_sources(RECORDS, RECORDS, classes=CLASSES, patches=3, steps=40)
    assert loss(task) < loss(dataclasses.replace(task, steps=1)) - 0.01
    scores = task.score(CachedEmbed(embedder))
    assert scores["zero_shot"] == task.test.score(embedder)["accuracy"]
    np.testing.assert_array_equal(before, embedder(list(TEXTS)))


def test_without_an_encoder_there_are_no_prompts_and_none_are_refused() -> None:
    letters = lambda texts: np.array([[t.count(x) for x in "aeiost"] for t in texts])  # noqa: E731
    task = SoftPrompts.from_sources(RECORDS, RECORDS, classes=CLASSES)
    scores = task.score(letters)
    assert scores["accuracy"] == scores["zero_shot"]
    with pytest.raises(ValueError, match="patches"):
        SoftPrompts.from_sources(RECORDS, RECORDS, classes=CLASSES, patches=0)
