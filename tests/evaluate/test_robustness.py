"""Robustness: texts that attacks perturb, their strength, and repeatability."""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.robustness import ATTACKS, Robustness, make_attack
from pixel_linguist.evaluate.sts import STS

FIRST = tuple(f"the quick fox number {i} sleeps near a river" for i in range(12))
TASK = STS(FIRST, FIRST[::-1], tuple(float(i % 5) for i in range(12)))


def letters(texts: Sequence[str]) -> np.ndarray:
    """Count the letters of texts."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return np.array([[text.count(letter) for letter in alphabet] for text in texts], float)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_repeats_by_seed_and_grows_with_strength(name: str) -> None:
    attacked = {s: make_attack(ATTACKS[name], s, seed=0)(FIRST) for s in (0.1, 0.5, 1.0)}
    assert attacked[0.5] == make_attack(ATTACKS[name], 0.5, seed=0)(FIRST)
    assert attacked[0.5] != make_attack(ATTACKS[name], 0.5, seed=1)(FIRST)

    def likeness(texts: Sequence[str]) -> float:
        return difflib.SequenceMatcher(None, "".join(FIRST), "".join(texts), False).ratio()

    assert 1 >= likeness(attacked[0.1]) > likeness(attacked[1.0])


def test_scores_are_those_of_the_task_with_its_second_sentences_attacked() -> None:
    attacks = {"leet": {"leetspeak": {"rate": 0.8}}, "case": {"change_case": {"rate": 1.0}}}
    scores = Robustness(TASK, attacks, (0.5, 1.0), seed=3).score(letters)
    expected = {}
    for name, spec in attacks.items():
        for strength in (0.5, 1.0):
            second = make_attack(spec, strength, 3)(TASK.sentence2)
            task = dataclasses.replace(TASK, sentence2=second)
            expected[f"{name}@{strength:g}"] = task.score(letters)["spearman"]
    clean = TASK.score(letters)["spearman"]
    mean = float(np.mean(list(expected.values())))
    assert scores == {"attacked": mean, "clean": clean, "drop": clean - mean, **expected}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"attacks": {}}, "attack"),
        ({"strengths": (0.5, 1.5)}, r"1\.5"),
        ({"attacks": {"a": {"leetspeek": {"rate": 1.0}}}}, "'leetspeak'"),
        ({"attacks": {"a": {"leetspeak": {}}}}, "'rate'"),
    ],
)
def test_bad_attacks_are_refused(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Robustness(TASK, **arguments)
