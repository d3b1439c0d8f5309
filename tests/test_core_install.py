"""An installation without extras trains, evaluates and encodes."""

import sys
from pathlib import Path

import pytest

from tests.test_wheel import copy_sources, run

# The first stage of the quickstart, for two steps of a small encoder.
RECIPE = """
from experiments.quickstart import get_config as quickstart
from ml_collections import ConfigDict

def get_config():
    config = quickstart()
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    name = config.order[0]
    stage = config.stages[name]
    stage.update(steps=2, batch_size=8)
    config.stages, config.order = ConfigDict({name: stage}), (name,)
    scored = {*stage.evaluate_tasks, "sts-en"}
    config.tasks = ConfigDict({task: config.tasks[task] for task in scored})
    for task in config.tasks.values():
        task.source.size = 20
    config.evaluate.update(report_tasks=("sts-en",), batch_size=32)
    return config
"""


@pytest.mark.slow
def test_a_core_install_trains_and_evaluates(tmp_path: Path) -> None:
    copy_sources(tmp_path / "source")
    run(sys.executable, "-m", "venv", tmp_path / "env", folder=tmp_path)
    bin_ = tmp_path / "env" / "bin"
    pip = (bin_ / "python", "-m", "pip", "-qq", "--disable-pip-version-check")
    run(*pip, "install", tmp_path / "source", folder=tmp_path)
    present = (
        "import importlib.util as u; print([*map(u.find_spec, ('jax', 'matplotlib', 'sklearn'))])"
    )
    found = run(bin_ / "python", "-c", present, folder=tmp_path)
    assert "jax" in found and found.strip().endswith(", None, None]")

    command = bin_ / "pixel-linguist"
    (tmp_path / "source" / "experiments").rename(tmp_path / "experiments")
    recipe = tmp_path / "experiments" / "two_steps.py"
    recipe.write_text(RECIPE)
    run(command, "train", recipe, "--workdir", "run", folder=tmp_path)
    model = tmp_path / "run" / "model"
    assert (model / "config.json").is_file()
    table = run(
        command, "evaluate", model, "--config", recipe, "--tasks", "sts-en", folder=tmp_path
    )
    assert str(model) in table
    (tmp_path / "corpus.txt").write_text("one\ntwo\n")
    run(command, "encode", "corpus.txt", "vectors", "--model", model, folder=tmp_path)
    assert list((tmp_path / "vectors").glob("*.parquet"))
