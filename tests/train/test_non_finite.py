"""The batch that is left when a loss is not finite."""

import json
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.data.example import Example
from pixel_linguist.data.loader import arranged
from pixel_linguist.train.pictures import Report, write_batch
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.results import Result
from pixel_linguist.train.run import train_stage
from tests.train.tiny import begun, recipe


def test_a_batch_is_left_with_its_facts(tmp_path: Path) -> None:
    facts = {"target": np.array([0.5, -2.0], np.float32), "group": (np.int64(3), -1)}
    original = Example({"anchor": "A dog.", "positive": Path("dog.png")}, facts)
    view = Example({"anchor": "A dgo.\ud800"}, facts, {"anchor": {"style": np.int32(7)}})
    (line,) = write_batch(tmp_path / "3.jsonl", [(original, view)]).read_text().splitlines()
    found = json.loads(line)
    assert found["original"]["facts"] == {"target": [0.5, -2.0], "group": [3, -1]}
    assert found["original"]["views"]["positive"] == "dog.png"
    assert found["view"]["views"]["anchor"].startswith("A dgo.")
    assert found["view"]["view_facts"] == {"anchor": {"style": 7}}


@pytest.mark.slow
def test_a_loss_that_is_not_finite_leaves_the_batch_of_its_step(tmp_path: Path) -> None:
    context, stage, scorer = begun(recipe("both"), "both", tmp_path)
    broken = context.encoder.init(0)
    broken["embed"]["kernel"] = np.full_like(broken["embed"]["kernel"], np.nan)
    with pytest.raises(FloatingPointError, match="step 1"):
        train_stage(stage, Result(broken, {}), scorer, Preemption(), Report())
    assert not context.folder.finished("both")
    left = stage.folder / "non_finite" / "1.jsonl"
    rows = [json.loads(line) for line in left.read_text().splitlines()]
    options = {"batch_size": 8, "window": 1, "length_buckets": 1, "seed": stage.seed}
    (pairs,) = arranged(stage.examples, stage.views, **options)[0]
    # The loader gives other rows than those of the examples in order, if windows are arranged.
    assert [row["original"]["views"] for row in rows] == [dict(o.views) for o, _ in pairs]
    assert [row["view"]["views"] for row in rows] == [dict(v.views) for _, v in pairs]
