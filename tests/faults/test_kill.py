"""A run that is killed at any moment and started again ends like an undisturbed one."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.program import CHECKPOINT_EVERY, RECIPE, Program, kill

KILL_AFTER = 25


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_parameters(
    program: Program, undisturbed: Program
) -> None:
    kill(program.start_until(lambda: program.last_step("second") >= KILL_AFTER))
    assert not (program.workdir / "stages" / "second" / "model").exists()
    before = [
        m for m in program.metrics() if m["stage"] == "first" or m["step"] <= CHECKPOINT_EVERY
    ]

    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert "first: finished before, not run again" in resumed.stdout
    # Down to how long they took, the steps before the checkpoint are those of the killed run.
    assert len(before) > CHECKPOINT_EVERY and all(line in program.metrics() for line in before)
    assert program.results() == undisturbed.results()
    assert [row["model"] for row in program.results()["scores"]] == ["tfidf", "untrained", "second"]

    # The stage's settings are known: with others it neither resumes nor passes for finished.
    changed = program.run("--config.stages.second.schedule.peak=0.5")
    assert changed.returncode != 0
    assert "begun with other settings" in changed.stderr
    assert "stage.schedule.peak: 0.0003 → 0.5" in changed.stderr


LONGER = (
    RECIPE.replace("steps=6,", "steps=200,").replace("steps=60,", "steps=200,")
    + """
def with_third(config):
    third = config.stages.second.copy_and_resolve_references()
    third.init_from = ("second",)
    config.stages.third = third
    config.order = ("first", "second", "third")
    return config

two_stages = get_config
def get_config():
    return with_third(two_stages())
"""
)


class Killer:
    """Kills a run again and again, each time at a random moment of a kind."""

    def __init__(self, program: Program, seed: int):
        self.program = program
        self.random = random.Random(seed)

    def in_step(self) -> None:
        """Kill it some steps after where it resumed."""
        metrics, began = self.program.workdir / "metrics.jsonl", time.time()
        self._kill(lambda: metrics.is_file() and metrics.stat().st_mtime > began, longest=0.2)

    def in_save(self) -> None:
        """Kill it between Orbax's first file and the deletion of older checkpoints."""
        stages = self.program.workdir / "stages"
        before = set(stages.glob("*/checkpoints/*"))
        self._kill(
            lambda: any(
                "tmp" in path.name and path not in before for path in stages.glob("*/checkpoints/*")
            ),
            longest=0.2,
        )

    def in_stage_change(self) -> None:
        """Kill it while it writes a stage's model, or soon after."""
        stages = self.program.workdir / "stages"
        before = set(stages.glob("*/model"))
        self._kill(lambda: set(stages.glob("*/model")) > before, longest=0.3)

    def _kill(self, moment: Callable[[], bool], longest: float) -> None:
        process = self.program.start_until(moment)
        time.sleep(self.random.uniform(0, longest))
        kill(process)


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    whole, cut = (Program(tmp_path / name, recipe=LONGER) for name in ("whole", "cut"))
    done = whole.run()
    assert done.returncode == 0, done.stderr
    killer = Killer(cut, seed=0)
    for _ in range(2):
        for moment in 3 * [killer.in_step, killer.in_save] + [killer.in_stage_change]:
            moment()
    for moment in 3 * [killer.in_step, killer.in_save]:
        moment()
    done = cut.run()
    assert done.returncode == 0, done.stderr
    assert cut.results() == whole.results()


@pytest.mark.slow
def test_a_run_with_worker_processes_resumes_too(tmp_path: Path, undisturbed: Program) -> None:
    program = Program(tmp_path / "run", "--config.train.workers=2")
    kill(program.start_until(lambda: program.last_step("second") >= KILL_AFTER))
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert program.results() == undisturbed.results()
