"""What benchmarks change of a recipe: the package takes the settings of every arm."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import ablation
from benchmarks.dse import STUDENTS
from benchmarks.method_arms import METHODS
from benchmarks.methods import recipe
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import SOURCES
from pixel_linguist.objective.objectives import make_objective
from pixel_linguist.registry import check_arguments, make
from pixel_linguist.train.annotate import ANNOTATORS
from pixel_linguist.train.context import make_context

METHOD_ARMS = [(name, arm) for name in METHODS for arm in METHODS[name].arms]
METHOD_ARMS += [("dse", row) for row in STUDENTS]
ABLATED = [(table, arm) for table, arms in ablation.TABLES.items() for arm in arms]


def of_arm(name: str, arm: str, folder: Path) -> Any:
    """Return the recipe of an arm of a method or of a table of the ablation."""
    if name in ablation.TABLES:
        return ablation.TABLES[name][arm]()
    if name == "dse":
        return recipe(name, STUDENTS[arm], folder, (1e-4, 0.05), "student")
    return recipe(name, METHODS[name].arms[arm], folder, (1e-4, 0.05))


@pytest.mark.parametrize(("name", "arm"), METHOD_ARMS + ABLATED)
def test_settings_of_every_arm_exist(name: str, arm: str, tmp_path: Path) -> None:
    config = of_arm(name, arm, tmp_path)
    make_context(config, tmp_path)
    stage = config.stages[config.order[0]]
    make_objective(stage.objective.to_dict())
    for part in stage.data.values():
        make_pair_maker(part.pairs.to_dict())
        source = part.source.to_dict()
        kind = source.pop("name")
        check_arguments(f"source {kind!r}", SOURCES[kind], source, 1)
        if spec := part.annotate.to_dict():
            del spec["model"]
            make("annotator", ANNOTATORS, spec)
