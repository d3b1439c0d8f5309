"""The batch that is left when a loss is not finite."""

import json
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.data.pairs import Example
from pixel_linguist.render import Renderer
from pixel_linguist.train.non_finite import stop_non_finite


def test_a_taught_batch_is_left_with_its_targets(tmp_path: Path) -> None:
    clean = Example("A dog.", "A dog.", target=np.array([0.5, -2.0], np.float32))
    seen = Example("A dgo.", "A dog.")
    renderer = Renderer(patch=8, max_patches=8)
    with pytest.raises(FloatingPointError, match="not finite at step 3"):
        stop_non_finite(
            [(clean, seen)],
            {"anchor": [renderer([seen.anchor]).patches[0]]},
            renderer,
            folder=tmp_path,
            stage="s",
            step=3,
            peak=1.0,
        )
    (line,) = (tmp_path / "non_finite" / "3.jsonl").read_text().splitlines()
    assert json.loads(line)["clean"]["target"] == [0.5, -2.0]
    assert json.loads(line)["seen"]["anchor"] == "A dgo."
