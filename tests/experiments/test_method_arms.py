"""What benchmarks change of a recipe: the package takes the settings of every arm."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.dse import STUDENTS
from benchmarks.method_arms import METHODS
from benchmarks.methods import recipe
from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.sources import SOURCES
from pixel_linguist.objective.objectives import make_objective
from pixel_linguist.registry import check_arguments, make
from pixel_linguist.train.annotate import ANNOTATORS
from pixel_linguist.train.context import make_context

ARMS = [(name, arm, changes) for name in METHODS for arm, changes in METHODS[name].arms.items()]
ARMS += [("dse", row, changes) for row, changes in STUDENTS.items()]


@pytest.mark.parametrize(("name", "arm", "changes"), ARMS)
def test_settings_of_every_arm_exist(name: str, arm: str, changes: Any, tmp_path: Path) -> None:
    only = "student" if name == "dse" else None
    config = recipe(name, changes, tmp_path, (1e-4, 0.05), only)
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
