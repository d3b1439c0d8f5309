"""Robustness: what is attacked, by how much, and that it repeats."""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.baselines import tfidf_embed
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.geometry import Geometry
from pixel_linguist.evaluate.robustness import ATTACKS, Robustness, attack_texts
from pixel_linguist.evaluate.similarity import Remembered
from pixel_linguist.evaluate.sts import STS

FIRST = tuple(f"the quick fox number {i} sleeps near a river" for i in range(12))
TASK = STS(FIRST, FIRST[::-1], tuple(float(i % 5) for i in range(12)))


def letters(texts: Sequence[str]) -> np.ndarray:
    """Count the letters of texts."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return np.array([[text.count(letter) for letter in alphabet] for text in texts], float)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_changes_texts_repeats_and_grows_with_strength(name: str) -> None:
    changes = {s: attack_texts(ATTACKS[name], s, seed=0)(FIRST) for s in (0.1, 0.5, 1.0)}
    assert changes[0.5] == attack_texts(ATTACKS[name], 0.5, seed=0)(FIRST)
    assert changes[0.5] != attack_texts(ATTACKS[name], 0.5, seed=1)(FIRST)

    def likeness(texts: Sequence[str]) -> float:
        return difflib.SequenceMatcher(None, "".join(FIRST), "".join(texts), False).ratio()

    assert 1 >= likeness(changes[0.1]) > likeness(changes[1.0])


def test_scores_are_those_of_the_task_with_its_second_sentences_attacked() -> None:
    attacks = {"leet": {"leetspeak": {"rate": 0.8}}, "case": {"change_case": {"rate": 1.0}}}
    scores = Robustness(TASK, attacks, (0.5, 1.0), seed=3).score(letters)
    expected = {}
    for name, attack in attacks.items():
        for strength in (0.5, 1.0):
            changed = attack_texts(attack, strength, 3)(TASK.sentence2)
            task = dataclasses.replace(TASK, sentence2=changed)
            expected[f"{name}@{strength:g}"] = task.score(letters)["spearman"]
    clean = TASK.score(letters)["spearman"]
    mean = float(np.mean(list(expected.values())))
    assert scores == {"attacked": mean, "clean": clean, "drop": clean - mean, **expected}


def test_a_case_insensitive_peer_loses_nothing_by_case() -> None:
    task = Robustness(TASK, {"case": ATTACKS["case"]})
    assert task.score(tfidf_embed(task))["drop"] == pytest.approx(0, abs=1e-12)


def test_remembered_texts_are_embedded_once() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return letters(texts)

    task = Robustness(TASK, ATTACKS)
    assert task.score(Remembered(embed)) == task.score(letters)
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attacks": {}}, "at least one attack"),
        ({"strengths": (0.5, 1.5)}, r"strength 1\.5 is not above 0"),
        ({"attacks": {"a": {"leetspeek": {"rate": 1.0}}}}, "attack a: unknown.*'leetspeak'"),
        ({"attacks": {"a": {"leetspeak": {}}}}, "attack a: leetspeak needs 'rate'"),
    ],
)
def test_bad_attacks_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Robustness(TASK, **({"attacks": ATTACKS} | arguments))


def test_what_has_nothing_to_attack_is_refused() -> None:
    with pytest.raises(ValueError, match="Geometry has no texts that can be attacked"):
        Robustness(Geometry({"a": ("x", "y"), "b": ("z", "w")}), ATTACKS)  # type: ignore[arg-type]


def test_a_configuration_names_task_and_attacks() -> None:
    source = {"name": "toy", "split": "dev", "size": 20, "seed": 0, "languages": ("en",)}
    inner = {"name": "sts", "source": {**source, "task": "similarity"}}
    task = make_task("", {"name": "robustness", "task": inner, "strengths": (0.5,)})
    assert set(ATTACKS) == {name.removesuffix("@0.5") for name in task.score(letters)} - {
        "attacked", "clean", "drop"
    }  # fmt: skip
