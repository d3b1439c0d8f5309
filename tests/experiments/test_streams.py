"""Stages that repeat one another read other batches, with other typos and other dropout."""

import itertools
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist.config import load
from pixel_linguist.data.loader import arranged, make_examples
from pixel_linguist.data.views import Pair
from pixel_linguist.seeds import derive_seed
from pixel_linguist.train.context import RunContext, make_context
from pixel_linguist.train.stage import Stage, make_stage, stage_seed

ROOT = Path(__file__).parents[2] / "experiments"
RECIPES = [path for path in sorted(ROOT.rglob("*.py")) if "def get_config" in path.read_text()]
READ = 256


def seeds(config: ConfigDict) -> list[int]:
    return [stage_seed(config, name) for name in config.stages]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_no_two_stages_or_run_seeds_of_a_recipe_share_a_stream(recipe: Path) -> None:
    config = load(recipe)
    found = seeds(config)
    with config.unlocked():
        config.seed = config.seed + 1
    found += seeds(config)
    assert len(set(found)) == len(found)


def test_a_stage_seed_depends_on_run_seed_name_and_its_own_seed() -> None:
    config = load(ROOT / "quickstart.py")
    assert stage_seed(config, "languages_1") == derive_seed(0, "languages_1", 0)
    assert len({derive_seed(0, "a", 1), derive_seed(1, "a", 0), derive_seed(0, "b", 1)}) == 3


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    return make_context(load(ROOT / "quickstart.py"), tmp_path)


def same_data(config: ConfigDict) -> list[tuple[str, str]]:
    """Return the pairs of stages that read the same sources by the same pair makers."""
    trained = [name for name in config.order if config.stages[name].steps]
    pairs = itertools.combinations(trained, 2)
    return [(a, b) for a, b in pairs if config.stages[a].data == config.stages[b].data]


def read(stage: Stage, start: int = 0) -> list[Pair]:
    return [stage.examples[i] for i in range(start, start + READ)]


def anchors(pairs: list[Pair]) -> set[str]:
    return {str(original.views["anchor"]) for original, _ in pairs}


def texts(pair: Pair) -> Any:
    original, view = pair
    return original.views, view.views


def test_repeated_stages_of_the_quickstart_overlap_by_chance_alone(context: RunContext) -> None:
    repeated = same_data(context.config)
    assert ("languages_1", "languages_2") in repeated
    for names in repeated:
        stages = [make_stage(context, name) for name in names]
        one, two = (read(stage) for stage in stages)
        # What the records themselves repeat: two disjoint parts of one stage's stream.
        chance = len(anchors(one) & anchors(read(stages[0], READ)))
        shared = len(anchors(one) & anchors(two))
        assert shared <= chance + 6 * np.sqrt(chance + 1), names
        # Neither order nor pairing nor perturbation is the same where records happen to be.
        same = sum(texts(a) == texts(b) for a, b in zip(one, two, strict=True))
        assert same <= READ // 8, names


def test_a_stage_made_again_reads_the_same(context: RunContext) -> None:
    one, two = (read(make_stage(context, "languages_2")) for _ in range(2))
    assert list(map(str, one)) == list(map(str, two))


def test_run_seeds_share_no_batch(context: RunContext) -> None:
    one = read(make_stage(context, "languages_1"))
    with context.config.unlocked():
        context.config.seed = 1
    two = read(make_stage(context, "languages_1"))
    assert sum(texts(a) == texts(b) for a, b in zip(one, two, strict=True)) <= READ // 8


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
        "perturb_views": ("anchor",),
    }
    epochs = []
    for name in ("round_1", "round_2"):
        examples = make_examples(tmp_path, stage, seed=derive_seed(0, name, 0))
        epochs.append([examples[i] for i in range(len(rows))])
    order = [[str(original.views["anchor"]) for original, _ in epoch] for epoch in epochs]
    assert sorted(order[0]) == sorted(order[1]) == sorted(rows)
    assert order[0] != order[1]
    seen = [{str(o.views["anchor"]): v.views["anchor"] for o, v in epoch} for epoch in epochs]
    assert sum(seen[0][text] == seen[1][text] for text in rows) < 8
    # The other view is not perturbed.
    assert all(v.views["positive"] == o.views["positive"] for o, v in epochs[0])


def test_windows_are_arranged_in_another_order_for_another_seed(context: RunContext) -> None:
    stage = make_stage(context, "languages_1")
    options = {"batch_size": 8, "window": 8, "length_buckets": 1}
    zero, one, again = (
        list(map(str, chain(*arranged(stage.examples, stage.views, **options, seed=seed)[0])))
        for seed in (0, 1, 0)
    )
    assert sorted(zero) == sorted(one)
    assert zero != one and zero == again
