"""The recipe of docs/encoding.md for Ray Data, on its local runner."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model, save_model

RECIPE = Path(__file__).parents[2] / "docs" / "encoding.md"


@pytest.mark.slow
def test_the_recipe_gives_the_vectors_of_encode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Callable[..., Model]
) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]'")
    model = tiny_model(max_patches=24, width=16, depth=1)
    save_model(tmp_path / "runs/small/model", model)
    texts = [f"text {number} of many" for number in range(300)]
    (tmp_path / "corpus").mkdir()
    parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "corpus" / "0.parquet")
    recipe = re.search(r"```python\n(import ray\n.*?)```", RECIPE.read_text(), re.DOTALL)
    assert recipe is not None
    # One small machine stands for the cluster.
    code = recipe[1].replace("    num_gpus=1,\n", "").replace("size=8", "size=1")
    for place in ("runs/small/model", "corpus/", "vectors/"):
        code = code.replace(f'"{place}"', repr(str(tmp_path / place)))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        names: dict[str, Any] = {"__name__": "recipe"}
        exec(code, names)
    finally:
        ray.shutdown()
    rows = parquet.read_table(tmp_path / "vectors")
    found = dict(zip(rows["text"].to_pylist(), rows["embedding"].to_pylist(), strict=True))
    expected = SentenceEncoder(model).encode(texts)
    np.testing.assert_allclose([found[text] for text in texts], expected, atol=1e-6)
