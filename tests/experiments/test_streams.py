"""Stages that repeat one another read other batches, with other typos and other dropout."""

import itertools
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict
from pixel_linguist.train.loop import stage_examples, stage_seed, stage_sight
from pixel_linguist.train.stages import make_workshop

from pixel_linguist.config import load
from pixel_linguist.data.loader import arranged, make_examples
from pixel_linguist.data.pairs import Example
from pixel_linguist.seeds import derive_seed

RECIPES = [
    path
    for path in sorted(Path("experiments").rglob("*.py"))
    if "def get_config" in path.read_text() and path.stem != "base"
]
READ = 256


def seeds(config: ConfigDict) -> dict[str, int]:
    return {
        name: derive_seed(config.seed, name, stage.seed) for name, stage in config.stages.items()
    }


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_no_two_stages_or_run_seeds_of_a_recipe_share_a_stream(recipe: Path) -> None:
    config = load(recipe)
    found = list(seeds(config).values())
    with config.unlocked():
        config.seed = config.seed + 1
    found += seeds(config).values()
    assert len(set(found)) == len(found)


def same_data(config: ConfigDict) -> list[tuple[str, str]]:
    """Return the pairs of stages that read the same sources by the same pair makers."""
    trained = [name for name in config.order if config.stages[name].steps]
    pairs = itertools.combinations(trained, 2)
    return [(a, b) for a, b in pairs if config.stages[a].data == config.stages[b].data]


def first(examples: Any) -> list[tuple[Example, Example]]:
    return [examples[i] for i in range(READ)]


def test_repeated_stages_of_the_quickstart_overlap_by_chance_alone(tmp_path: Path) -> None:
    shop = make_workshop(load("experiments/quickstart.py"), tmp_path)
    config = shop.config
    pairs = same_data(config)
    assert ("languages_1", "languages_2") in pairs
    for names in pairs:
        one, two = (first(stage_examples(shop, config.stages[name])) for name in names)
        anchors = [[original.anchor for original, _ in read] for read in (one, two)]
        shared = len(set(anchors[0]) & set(anchors[1]))
        # What the records themselves repeat: two disjoint parts of one stage's stream.
        later = [stage_examples(shop, config.stages[names[0]])[i] for i in range(READ, 2 * READ)]
        chance = len(set(anchors[0]) & {original.anchor for original, _ in later})
        assert shared <= chance + 6 * np.sqrt(chance + 1), names
        # Neither order nor pairing nor perturbation is the same where records happen to be.
        assert sum(a == b for a, b in zip(one, two, strict=True)) <= READ // 8, names


def test_the_same_record_is_perturbed_otherwise_in_a_later_stage(tmp_path: Path) -> None:
    rows = [f"sentence number {i} is about the {i}th thing" for i in range(64)]
    (tmp_path / "data.tsv").write_text("\n".join(["text", *rows]))
    source = {"name": "tsv", "path": "data.tsv"}
    part = {"source": source, "pairs": {"name": "identity", "text": "text"}, "weight": 1.0}
    stage = {
        "data": {"all": part},
        "mixture_temperature": 0.0,
        "perturb": {"keyboard_neighbours": {"rate": 0.3}},
        "perturb_probability": 1.0,
        "perturb_each": 1.0,
        "batch_size": 8,
    }
    epochs = []
    for name in ("round_1", "round_2"):
        examples = make_examples(tmp_path, stage, seed=derive_seed(0, name, 0))
        epochs.append([examples[i] for i in range(len(rows))])
    texts = [[original.anchor for original, _ in epoch] for epoch in epochs]
    assert sorted(texts[0]) == sorted(texts[1]) == sorted(rows)
    assert texts[0] != texts[1]
    seen = [{original.anchor: view.anchor for original, view in epoch} for epoch in epochs]
    assert sum(seen[0][text] == seen[1][text] for text in rows) < 8


def test_windows_are_arranged_in_another_order_for_another_seed(tmp_path: Path) -> None:
    shop = make_workshop(load("experiments/quickstart.py"), tmp_path)
    stage = shop.config.stages.languages_1
    draw = stage_sight(shop, stage).draw(("anchor", "positive"))
    options = {"batch_size": 8, "window": 8, "length_buckets": 1}
    examples = stage_examples(shop, stage)
    orders = [arranged(examples, draw, **options, seed=seed)[0] for seed in (0, 1)]
    assert sorted(map(str, chain(*orders[0]))) == sorted(map(str, chain(*orders[1])))
    assert list(map(str, orders[0])) != list(map(str, orders[1]))
    again = arranged(examples, draw, **options, seed=0)[0]
    assert list(map(str, again)) == list(map(str, orders[0]))


def test_a_stage_seed_depends_on_run_seed_name_and_its_own_seed(tmp_path: Path) -> None:
    shop = make_workshop(load("experiments/quickstart.py"), tmp_path)
    stage = shop.config.stages.languages_1
    assert stage_seed(shop, stage) == derive_seed(0, "languages_1", 0)
    assert len({derive_seed(0, "a", 1), derive_seed(1, "a", 0), derive_seed(0, "b", 1)}) == 3
