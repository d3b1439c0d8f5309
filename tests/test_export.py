"""An exported encoder computes the same in a process that has none of this package."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.cli.main import main
from pixel_linguist.files import read_json
from pixel_linguist.model import ViTEncoder
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import one_text_a_row

# Reads an export and runs it on each batch of inputs.npz.
PROGRAM = """
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export

folder = Path(sys.argv[1])
exported = export.deserialize(bytearray((folder / "encoder.stablehlo").read_bytes()))
inputs = np.load(folder / "inputs.npz")
names = sorted(name for name in inputs if name.startswith("patches"))
outputs = {name: exported.call(inputs[name], inputs[f"count_{name}"]) for name in names}
np.savez(folder / "outputs.npz", **outputs)
assert not [name for name in sys.modules if name.split(".")[0] in ("pixel_linguist", "flax")]
try:
    exported.call(np.zeros((1, 65, 8, 8), np.uint8), np.ones(1, np.int32))
except ValueError:
    pass
else:
    raise AssertionError("a length of 65 was taken")
"""


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="mean"),
        pytest.param(
            {"pooling": "cls", "cls_token": True, "head": "pooled", "keep_head": True},
            id="cls",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"word_buckets": 20, "top_words": 5}, id="joined words", marks=pytest.mark.slow
        ),
    ],
)
@pytest.mark.slow
def test_a_fresh_process_computes_the_same(
    tmp_path: Path, tiny_encoder: Callable[..., ViTEncoder], changes: dict[str, Any]
) -> None:
    encoder = tiny_encoder(**changes)
    params = encoder.init(0)
    renderer = Renderer(patch=8, max_patches=64)
    save_model(tmp_path / "model", Model(encoder, params, renderer.settings(), {"a": "b"}))
    main(["export", str(tmp_path / "model"), str(tmp_path)])
    stored = read_json(tmp_path / "renderer.json")
    assert stored["renderer"] == renderer.settings() and stored["fonts"] == {"a": "b"}

    rng = np.random.default_rng(0)
    inputs: dict[str, Any] = {}
    expected = {}
    for batch, length in ((1, 64), (5, 7), (4, 1)):
        name = f"patches_{batch}_{length}"
        inputs[name] = rng.integers(0, 256, (batch, length, 8, 8), np.uint8)
        count = rng.integers(1, length + 1, batch).astype(np.int32)
        inputs[f"count_{name}"] = count
        rows = one_text_a_row(inputs[name], count, np)
        embedding = jax.jit(encoder.encode)(params, rows)["embedding"][:, 0]
        expected[name] = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    np.savez(tmp_path / "inputs.npz", **inputs)
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, cwd=tmp_path)
    outputs = np.load(tmp_path / "outputs.npz")
    for name, embedding in expected.items():
        np.testing.assert_allclose(outputs[name], embedding, atol=1e-6, rtol=0)
