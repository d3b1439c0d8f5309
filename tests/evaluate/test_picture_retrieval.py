"""Retrieval between pictures and captions against a slow count of ranks, and against chance."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.evaluate.picture_retrieval import PictureRetrieval, chance_recall
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.run import run_recipe
from tests.experiments.test_reading_recipes import of_shared_data

RNG = np.random.default_rng(0)
CAPTIONS = (*(f"caption {i}" for i in range(28)), "caption 0", "caption 0")
PICTURES = tuple(RNG.integers(0, 256, (8, 8, 3), np.uint8) for _ in CAPTIONS)
TASK = PictureRetrieval(PICTURES, CAPTIONS)


def test_recalls_are_those_of_a_slow_count() -> None:
    vectors = RNG.normal(size=(60, 16))
    # Pairs are alike, so that recall is between chance and 1; equal captions have equal vectors.
    vectors[30:] += vectors[:30]
    vectors[[58, 59]] = vectors[30]
    scores = TASK.score(lambda contents: vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for way, one, other in (("picture_to_text", 0, 30), ("text_to_picture", 30, 0)):
        for cut in (1, 5, 10):
            found = 0
            for i in range(30):
                cosines = [unit[one + i] @ unit[other + j] for j in range(30)]
                right = {j for j in range(30) if CAPTIONS[j] == CAPTIONS[i]}
                best = max(cosines[j] for j in right)
                ahead = sum(cosines[j] >= best - 1e-12 for j in range(30) if j not in right)
                found += ahead < cut
            assert scores[f"{way}@{cut}"] == pytest.approx(found / 30)
    mean = (scores["picture_to_text@5"] + scores["text_to_picture@5"]) / 2
    assert 0.3 < mean == scores["recall@5"] < 1


def test_constant_embeddings_find_nothing_and_perfect_ones_all() -> None:
    constant = TASK.score(lambda contents: np.ones((60, 4)))
    assert constant["recall@10"] == 0
    number = [CAPTIONS.index(caption) for caption in CAPTIONS]
    perfect = TASK.score(lambda contents: np.eye(30)[[*number, *number]])
    assert perfect["recall@1"] == 1


def test_chance_is_that_of_all_orders() -> None:
    for right, cut in itertools.product((1, 2, 3), (1, 2, 4)):
        orders = list(itertools.permutations(range(5)))
        found = np.mean([any(answer < right for answer in order[:cut]) for order in orders])
        assert chance_recall(5, right, cut) == pytest.approx(found)


def test_an_attack_changes_captions_alone() -> None:
    attacked = TASK.attacked(lambda texts: tuple(text.upper() for text in texts))
    assert attacked.pictures is PICTURES and attacked.captions[0] == "CAPTION 0"


@pytest.mark.slow
def test_the_recipe_runs_on_the_real_emoji(tmp_path: Path, shared: Path) -> None:
    config = of_shared_data("emoji", shared, tmp_path)
    config.stages.emoji.update(steps=2, batch_size=8, evaluate_every=1)
    config.stages.emoji.schedule.warmup = 1
    run = run_recipe(config.lock(), tmp_path / "run", Preemption())
    rows = {row["model"]: row["scores"] for row in run.scores()}
    assert list(rows) == ["untrained", "emoji"]
    assert rows["emoji"]["test"]["chance@10"] == pytest.approx(10 / 190)
