"""A worker process that is killed ends the run with an error, not with a hang."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.program import Program

# Within so many seconds the run has ended, whatever the machine has to do besides.
SECONDS = 150


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the worker processes that a process has started."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/children")
    children = [child for thread in threads for child in thread.read_text().split()]
    commands = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return [int(child) for child, command in commands.items() if "spawn_main" in command]


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_and_it_goes_on(tmp_path: Path, undisturbed: Program) -> None:
    program = Program(tmp_path / "run", "--config.train.workers=2")
    process = program.start_until(lambda: program.last_step("second") >= 15)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "error: stage second: a worker process has died" in errors
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert program.results() == undisturbed.results()
