"""Compositions of perturbations from data."""

import hashlib
import pickle
from typing import Any

import ml_collections
import numpy as np
import pytest

from pixel_linguist.text import PERTURBATIONS, compose

SENTENCE = "Quick brown foxes jump over seventeen sleeping dogs near another river bank."
SPEC: dict[str, dict[str, Any]] = {
    "keyboard_neighbours": {"rate": 0.1},
    "change_case": {"rate": 0.2},
    "shuffle_words_within_window": {"rate": 0.5, "window": 2, "keep_first": True},
    "drop_words": {"rate": 0.1},
}
REGISTRY_ORDER = ["shuffle_words_within_window", "drop_words", "keyboard_neighbours", "change_case"]


def test_outputs_for_a_generator_do_not_change() -> None:
    texts = (
        SENTENCE,
        "क्षि त्रि हीं नमस्ते दुनिया",
        "👩‍👩‍👧👍🏽 é!  \t\n x",
        "한글말 敏捷的狐狸",
        "Straße МИР. 12",
    )
    outputs = [
        perturbation(
            text,
            np.random.default_rng(seed),
            rate=0.4,
            **({"window": 2} if name == "shuffle_words_within_window" else {}),
        )
        for name, perturbation in PERTURBATIONS.items()
        for text in texts
        for seed in range(5)
    ]
    digest = hashlib.sha256("\0".join(outputs).encode()).hexdigest()
    assert digest[:16] == "622a965b9035d848"


def test_the_order_is_that_of_the_registry_whatever_the_order_given() -> None:
    rng = np.random.default_rng(5)
    rng.random()  # decides whether the text is perturbed at all
    expected = SENTENCE
    for name in REGISTRY_ORDER:
        expected = PERTURBATIONS[name](expected, rng, **SPEC[name])
    for spec in (SPEC, dict(reversed(SPEC.items())), ml_collections.ConfigDict(SPEC)):
        view = compose(spec)
        for copy in (view, pickle.loads(pickle.dumps(view))):
            assert copy(SENTENCE, np.random.default_rng(5)) == expected
    assert compose({})(SENTENCE, rng) == SENTENCE


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_probability_is_the_share_of_perturbed_texts(probability: float) -> None:
    view = compose({"delete_characters": {"rate": 1.0}}, probability)
    rng = np.random.default_rng(0)
    share = np.mean([view(SENTENCE, rng) != SENTENCE for _ in range(2000)])
    assert share == pytest.approx(probability, abs=5 * (0.3 * 0.7 / 2000) ** 0.5)


def test_each_perturbation_is_applied_with_its_probability() -> None:
    spec = {"change_case": {"rate": 1.0}, "insert_zero_width": {"rate": 1.0}}
    some = compose(spec, each=0.3)
    views = [some("some words", np.random.default_rng(seed)) for seed in range(2000)]
    assert np.mean([len(view) > len("some words") for view in views]) == pytest.approx(
        0.3, abs=0.04
    )
    assert np.mean([view == "some words" for view in views]) > 0.7**2 - 0.04


@pytest.mark.parametrize(
    ("spec", "options", "word"),
    [
        ({"shufle_words": {"rate": 0.5}}, {}, "'shuffle_words'"),
        ({"drop_words": {"rates": 0.5}}, {}, "'rate'"),
        ({"drop_words": {}}, {}, "'rate'"),
        ({"shuffle_words_within_window": {"rate": 0.5}}, {}, "'window'"),
        ({"shuffle_words_within_window": {"rate": 0.5, "window": 0}}, {}, "window"),
        ({"drop_words": {"rate": 1.2}}, {}, r"1\.2"),
        ({"drop_words": {"rng": 3, "rate": 0.1}}, {}, "'rng'"),
        (SPEC, {"probability": 2}, "probability"),
        (SPEC, {"each": 1.5}, "each"),
    ],
)
def test_mistakes_are_named_when_composing(
    spec: dict[str, dict[str, Any]], options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        compose(spec, **options)
