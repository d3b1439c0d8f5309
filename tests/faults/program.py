"""The training command on a tiny recipe of two stages, as a process that tests disturb."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CHECKPOINT_EVERY = 10

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
    for stage in (first, second):
        stage.update(batch_size=8, length=12, evaluate_every=3)
    first.update(steps=6, init_from=())
    first.update(evaluate_tasks=("sts-en",), best_metric="sts-en/spearman")
    second.update(steps=60, init_from=("first",), evaluate_tasks=())
    second.schedule.peak = 3e-4
    config.stages = ConfigDict({{"first": first, "second": second}})
    config.order = ("first", "second")
    sts, bitext = config.tasks["sts-en"], config.tasks["en-vel"]
    sts.source.size, bitext.source.size = 40, 20
    config.tasks = ConfigDict({{"sts-en": sts, "en-vel": bitext}})
    config.evaluate.update(report_tasks=("sts-en", "en-vel"), batch_size=32)
    return config
"""


class Program:
    """The training command with a folder for its results; `overrides` are keys of the recipe."""

    def __init__(self, folder: Path, *overrides: str, recipe: str = RECIPE):
        self.workdir = folder
        path = folder.parent / "tiny.py"
        path.write_text(recipe)
        arguments = [str(path), "--workdir", str(folder), *overrides]
        self.command = [sys.executable, "-m", "pixel_linguist", "train", *arguments]
        self.environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def run(self, *overrides: str) -> subprocess.CompletedProcess[str]:
        command = [*self.command, *overrides]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True)

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start_until(self, moment: Callable[[], bool]) -> subprocess.Popen[str]:
        """Start it, and return it when the moment has come, or when it has ended."""
        process = self.start()
        while process.poll() is None and not moment():
            time.sleep(0.001)
        return process

    def metrics(self) -> list[dict[str, Any]]:
        path = self.workdir / "metrics.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def last_step(self, stage: str) -> int:
        return max((line["step"] for line in self.metrics() if line["stage"] == stage), default=0)

    def checkpoints(self, stage: str) -> Path:
        return self.workdir / "stages" / stage / "checkpoints"

    def results(self) -> dict[str, Any]:
        """Return all that must not depend on interruptions: models by bytes, scores, losses."""
        models = {
            str(path.relative_to(self.workdir)): path.read_bytes()
            for path in sorted(self.workdir.glob("**/model/*"))
        }
        losses = {}
        for line in self.metrics():
            if line["kind"] == "train":
                step = (line["stage"], line["step"])
                assert step not in losses, f"{step} is logged twice"
                losses[step] = (line["loss"], line["gradient_norm"])
        rows = json.loads((self.workdir / "scores.json").read_text())["rows"]
        return {"models": models, "losses": losses, "scores": rows}


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process with its worker processes, which lead no life of their own."""
    assert process.poll() is None, f"it ended before it could be killed: {process.communicate()}"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
