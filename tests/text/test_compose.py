"""Compositions of perturbations from data."""

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


def test_applied_in_the_order_of_the_registry_whatever_the_order_given() -> None:
    rng = np.random.default_rng(5)
    rng.random()  # decides whether the text is perturbed at all
    expected = SENTENCE
    for name in REGISTRY_ORDER:
        expected = PERTURBATIONS[name](expected, rng, **SPEC[name])
    for spec in (SPEC, dict(reversed(SPEC.items())), ml_collections.ConfigDict(SPEC)):
        assert compose(spec)(SENTENCE, np.random.default_rng(5)) == expected


def test_words_come_before_letters_before_case_before_whitespace() -> None:
    order = list(PERTURBATIONS)
    assert order[:4] == [
        "shuffle_words",
        "shuffle_words_within_window",
        "drop_words",
        "repeat_words",
    ]
    assert order[-2:] == ["change_case", "change_whitespace"]
    assert len(order) == 18


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_probability_is_the_share_of_perturbed_texts(probability: float) -> None:
    view = compose({"delete_characters": {"rate": 1.0}}, probability)
    rng = np.random.default_rng(0)
    share = np.mean([view(SENTENCE, rng) != SENTENCE for _ in range(2000)])
    assert share == pytest.approx(probability, abs=5 * (0.3 * 0.7 / 2000) ** 0.5)


def test_nothing_to_apply_leaves_text_clean() -> None:
    assert compose({})(SENTENCE, np.random.default_rng(0)) == SENTENCE


def test_can_be_pickled() -> None:
    view = compose(SPEC, 0.7)
    copy = pickle.loads(pickle.dumps(view))
    assert copy == view
    for seed in range(20):
        assert copy(SENTENCE, np.random.default_rng(seed)) == view(
            SENTENCE, np.random.default_rng(seed)
        )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"shufle_words": {"rate": 0.5}}, "unknown perturbation 'shufle_words'.*'shuffle_words'"),
        ({"drop_words": {"rates": 0.5}}, "drop_words takes no 'rates': did you mean 'rate'"),
        ({"drop_words": {}}, "'rate'"),
        ({"shuffle_words_within_window": {"rate": 0.5}}, "'window'"),
        ({"drop_words": {"rate": 1.2}}, "drop_words: rate must be .* not 1.2"),
        ({"drop_words": {"rng": 3, "rate": 0.1}}, "drop_words takes no 'rng'"),
    ],
)
def test_mistakes_are_named_when_composing(spec: dict[str, dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose(spec)


def test_probability_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match=r"probability must be .* not 2"):
        compose(SPEC, 2)


def test_each_perturbation_takes_part_with_its_probability() -> None:
    spec = {"change_case": {"rate": 1.0}, "insert_zero_width": {"rate": 1.0}}
    some = compose(spec, each=0.3)
    views = [some("some words", np.random.default_rng(seed)) for seed in range(2000)]
    zero_width = np.mean(["\u200b" in v or len(v) > len("some words") for v in views])
    assert zero_width == pytest.approx(0.3, abs=0.04)
    assert np.mean([v == "some words" for v in views]) > 0.7**2 - 0.04
    # With certainty, nothing is drawn: views are those of before there was a choice.
    every, plain = compose(spec, each=1.0), compose(spec)
    assert every("some words", np.random.default_rng(1)) == plain(
        "some words", np.random.default_rng(1)
    )
    with pytest.raises(ValueError, match="each"):
        compose(spec, each=1.5)
