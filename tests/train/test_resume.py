"""A run that is killed in the middle of a stage and started again ends as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[2]
STEPS, CHECKPOINT_EVERY, KILL_AFTER = 60, 10, 25

# The quickstart, with two of its stages and everything smaller.
RECIPE = f"""
import os
from experiments.quickstart import get_config as quickstart
from ml_collections import ConfigDict

def get_config():
    config = quickstart()
    config.render.update(patch_height=8, patch_width=8, max_patches=16)
    config.model.update(width=16, depth=1, heads=2, mlp_width=32, patch_hidden=0)
    config.train.update(log_every=1, checkpoint_every={CHECKPOINT_EVERY})
    config.train.compilation_cache = os.environ["JAX_COMPILATION_CACHE_DIR"]
    first, second = config.stages.visual_both, config.stages.nli_1
    for stage, steps in ((first, 6), (second, {STEPS})):
        stage.update(steps=steps, batch_size=8, length=12, evaluate_every=3)
    first.update(init_from=(), evaluate_tasks=("sts-en",), best_metric="sts-en/spearman")
    second.update(init_from=("first",), evaluate_tasks=(), evaluate_every={STEPS})
    config.stages = ConfigDict({{"first": first, "second": second}})
    config.order = ("first", "second")
    sts, bitext = config.tasks["sts-en"], config.tasks["en-vel"]
    sts.source.size, bitext.source.size = 40, 20
    config.tasks = ConfigDict({{"sts-en": sts, "en-vel": bitext}})
    config.evaluate.update(report_tasks=("sts-en", "en-vel"), batch_size=32)
    return config
"""


class Program:
    """The training command on the tiny recipe, with one folder for its results."""

    def __init__(self, folder: Path, workers: int):
        self.workdir = folder
        recipe = folder.parent / "tiny.py"
        recipe.write_text(RECIPE)
        arguments = [str(recipe), "--workdir", str(folder), f"--config.train.workers={workers}"]
        self.command = [sys.executable, "-m", "pixel_linguist.train", *arguments]
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run(self, *overrides: str) -> subprocess.CompletedProcess[str]:
        command = [*self.command, *overrides]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def kill_in_second_stage(self) -> None:
        """Start it, and kill it some steps after a checkpoint of the second stage."""
        process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and self.last_step("second") < KILL_AFTER:
            time.sleep(0.002)
        assert process.poll() is None, "the run ended before it could be killed"
        # With its worker processes, which lead no life of their own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def metrics(self) -> list[dict[str, Any]]:
        path = self.workdir / "metrics.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def last_step(self, stage: str) -> int:
        return max((line["step"] for line in self.metrics() if line["stage"] == stage), default=0)

    def weights(self, stage: str) -> dict[str, np.ndarray]:
        return load_file(self.workdir / "stages" / stage / "model" / "weights.safetensors")

    def scores(self) -> Any:
        return json.loads((self.workdir / "scores.json").read_text())["rows"]


def training(program: Program) -> dict[tuple[str, int], tuple[float, float]]:
    """Return (stage, step) → (loss, gradient norm); each step is there once."""
    lines = [line for line in program.metrics() if line["kind"] == "train"]
    found = {(m["stage"], m["step"]): (m["loss"], m["gradient_norm"]) for m in lines}
    assert len(found) == len(lines)
    return found


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_run_resumes_to_the_same_parameters(tmp_path: Path, workers: int) -> None:
    whole, cut = Program(tmp_path / "whole", workers), Program(tmp_path / "cut", workers)
    done = whole.run()
    assert done.returncode == 0, done.stderr
    cut.kill_in_second_stage()
    assert KILL_AFTER <= cut.last_step("second") < STEPS
    assert not (cut.workdir / "stages" / "second" / "model").exists()
    before = [m for m in cut.metrics() if m["stage"] == "first" or m["step"] <= CHECKPOINT_EVERY]

    resumed = cut.run()
    assert resumed.returncode == 0, resumed.stderr
    assert "first: finished before, not run again" in resumed.stdout
    # Down to how long they took, the steps before the checkpoint are those of the killed run.
    assert len(before) > CHECKPOINT_EVERY and all(line in cut.metrics() for line in before)
    for stage in ("first", "second"):
        expected, found = whole.weights(stage), cut.weights(stage)
        assert expected.keys() == found.keys()
        assert all(np.array_equal(found[name], expected[name]) for name in expected), stage
    steps = {("first", step) for step in range(1, 7)}
    steps |= {("second", step) for step in range(1, STEPS + 1)}
    assert training(whole).keys() == steps
    assert training(cut) == training(whole)
    assert cut.scores() == whole.scores()
    assert [row["model"] for row in cut.scores()] == ["tfidf", "untrained", "second"]

    # The stage's settings are known: with others it neither resumes nor passes for finished.
    changed = cut.run("--config.stages.second.schedule.peak=0.5")
    assert changed.returncode != 0
    assert "begun with other settings" in changed.stderr
    assert "stage.schedule.peak: 0.0003 → 0.5" in changed.stderr
