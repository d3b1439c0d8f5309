"""A killed worker ends the run with an error, not with a hang; a second start is refused."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.program import Program

# The run ends within these seconds, even on a busy machine.
SECONDS = 150


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the worker processes that a process has started."""
    threads = Path(f"/proc/{process.pid}/task").glob("*/children")
    children = [child for thread in threads for child in thread.read_text().split()]
    commands = {child: Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return [int(child) for child, command in commands.items() if "spawn_main" in command]


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_and_it_resumes(tmp_path: Path, undisturbed: Program) -> None:
    program = Program(tmp_path / "run", "--config.train.workers=2")
    process = program.start_until(lambda: program.last_step("second") >= 15)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "error: stage second: a worker process has died" in errors
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert program.results() == undisturbed.results()


@pytest.mark.slow
def test_a_second_start_in_the_same_folder_is_refused(tmp_path: Path, undisturbed: Program) -> None:
    program = Program(tmp_path / "run")
    process = program.start_until(lambda: program.last_step("second") >= 2)
    os.kill(process.pid, signal.SIGSTOP)
    second = program.run()
    os.kill(process.pid, signal.SIGCONT)
    assert second.returncode == 1, second.stderr
    assert f"error: {program.workdir} is being written to by another process" in second.stderr
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert program.results() == undisturbed.results()
