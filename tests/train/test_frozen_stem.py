"""A frozen stem's vectors in place of pictures give the step that pictures give."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.train.run import stem_reader
from tests.data.pipeline import take
from tests.model.test_hybrid import SETTINGS
from tests.train.tiny import begun, change, recipe


def reading_stage(folder: Path, **changes: Any) -> Any:
    """Return a begun stage that trains all of an encoder of pictures of words but its stem."""
    config = recipe("words")
    sizes = ("patch_height", "patch_width", "max_patches")
    for name, value in {**{n: SETTINGS[n] for n in sizes}, "font_size": 16}.items():
        change(config, f"render.{name}", value)
    change(config, "model", {name: x for name, x in SETTINGS.items() if name not in sizes})
    change(config, "model.dropout", 0.0)
    settings = {"optimizer.frozen": ("stem",), "length": 5} | changes
    for key, value in settings.items():
        change(config, f"stages.words.{key}", value)
    return begun(config, "words", folder)[1]


@pytest.mark.slow
def test_vectors_are_encoded_as_pictures_are(tmp_path: Path) -> None:
    stage = reading_stage(tmp_path)
    encode = jax.jit(stage.context.encoder.encode)
    params, (batch,) = stage.context.encoder.init(0), take(stage.batches(), 1)
    read = stem_reader(stage, stage.context.embedder(params))(batch)
    assert read.views["anchor"].pixels.shape == (8, 5, SETTINGS["stem_width"])
    for view in ("anchor", "positive"):
        pictures, vectors = (encode(params, x.views[view])["embedding"] for x in (batch, read))
        np.testing.assert_allclose(vectors, pictures, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [{"optimizer.frozen": ()}, {"augment": {"noise": {"strength": 0.5}}}],
    ids=["trained", "augmented"],
)
def test_a_stage_that_needs_pictures_keeps_them(tmp_path: Path, changes: dict[str, Any]) -> None:
    stage = reading_stage(tmp_path, **changes)
    (batch,) = take(stage.batches(), 1)
    embedder = stage.context.embedder(stage.context.encoder.init(0))
    assert stem_reader(stage, embedder)(batch) is batch
