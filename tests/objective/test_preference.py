"""The preference of the better set of words, against a hinge written out and plain InfoNCE."""

from typing import Any

import numpy as np
import pytest

from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.objectives import make_objective
from pixel_linguist.objective.preference import Preference
from tests.fakes import evaluate, facts_of, view_facts_of

NAMES = ("anchor", "positive", "negative", "span")
GROUPS = np.array([[0], [0], [1], [2], [-1], [-1], [3], [4]], np.int32)


def embeddings(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(8, 5)).astype(np.float32) for name in NAMES}


def facts_of_views(present: Any = None) -> dict[str, Any]:
    found = view_facts_of(np.arange(24).reshape(3, 8), present)
    return {**found, "span": {"text_id": np.arange(100, 108, dtype=np.int32)}}


def loss_of(objective: Preference, given: Any, **options: Any) -> tuple[float, dict[str, float]]:
    views = options.pop("view_facts", facts_of_views())
    facts = facts_of(8, group=GROUPS)
    loss, metrics, _ = evaluate(objective, given, facts, views, **options)
    return float(loss), {name: float(x) for name, x in metrics.items()}


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    return np.asarray((a * b).sum(axis=1), np.float64)


@pytest.mark.parametrize("devices", [1, 4])
def test_the_rank_loss_is_the_hinge_of_margin_one_on_a_softmax(devices: int) -> None:
    given, there = embeddings(), np.arange(8) != 3
    rows = []
    for better, worse in zip(
        *(cosines(given["anchor"], given[name]) / 0.3 for name in NAMES[1:3]), strict=True
    ):
        powers = np.exp([better, worse])
        first, second = powers / powers.sum()
        rows.append(max(0.0, 1 - (first - second)))
    objective = Preference(temperature=0.3, contrast=0.0)
    views = facts_of_views(there)
    loss, metrics = loss_of(objective, given, view_facts=views, devices=devices)
    assert loss == pytest.approx(np.mean(np.array(rows)[there]), abs=1e-6)
    assert metrics["preferred"] == pytest.approx(np.mean(np.array(rows)[there] < 1))
    swapped = given | {"positive": given["negative"], "negative": given["positive"]}
    assert loss_of(objective, swapped, view_facts=views)[0] == pytest.approx(2 - loss, abs=1e-5)
    tied = given | {"negative": given["positive"]}
    assert loss_of(objective, tied)[0] == pytest.approx(1, abs=1e-6)
    nothing = loss_of(objective, given, view_facts=facts_of_views(np.zeros(8, bool)))
    assert nothing[0] == 0


@pytest.mark.parametrize("devices", [1, 2])
def test_without_sets_it_is_info_nce_and_both_parts_add_up(devices: int) -> None:
    given = embeddings()
    alone = loss_of(Preference(0.1, weight=0.0), given, devices=devices)[0]
    views = facts_of_views()
    pairs = {"anchor": views["anchor"], "positive": views["span"]}
    contrast = InfoNCE(temperature=0.1, symmetric=False)
    expected, _, _ = evaluate(
        contrast, {"anchor": given["anchor"], "positive": given["span"]},
        facts_of(8, group=GROUPS), pairs,
    )  # fmt: skip
    assert alone == pytest.approx(float(expected), abs=1e-5)
    rank = loss_of(Preference(0.1, contrast=0.0), given, devices=devices)[0]
    both = loss_of(Preference(0.1, weight=2.0, contrast=0.5), given, devices=devices)[0]
    assert both == pytest.approx(2 * rank + 0.5 * alone, abs=1e-5)


def test_impossible_weights_are_refused_and_views_are_those_that_are_needed() -> None:
    for weights in ({"weight": -1.0}, {"weight": 0.0, "contrast": 0.0}):
        with pytest.raises(ValueError, match="weight"):
            make_objective({"name": "preference", **weights})
    assert Preference().views == ("anchor", "positive", "negative", "span")
    assert Preference(weight=0.0).views == ("anchor", "span")
