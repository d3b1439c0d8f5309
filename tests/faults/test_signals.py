"""A run that is asked to stop saves, ends without an error, and resumes from there."""

import os
import signal

import pytest
from jax.experimental import multihost_utils

from pixel_linguist.train.checkpoint import find_fault
from pixel_linguist.train.preemption import Preempted, Preemption
from tests.faults.program import Program, kill


@pytest.mark.slow
def test_a_run_killed_stopped_and_damaged_ends_as_one_undisturbed(
    program: Program, undisturbed: Program
) -> None:
    kill(program.start_until(lambda: program.last_step("second") >= 15))
    process = program.start_until(lambda: program.last_step("second") >= 33)
    process.terminate()
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    step = program.last_step("second")
    assert f"stage second: stopped after step {step}, which is saved; the same command" in said
    last = program.checkpoints("second") / str(step)
    assert find_fault(last) is None

    # One bit of the largest file of the last checkpoint; the one before it is taken.
    file = max(last.glob("state/**/*"), key=lambda path: path.stat().st_size * path.is_file())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert f"{last} is set aside as {step}.damaged" in resumed.stderr
    assert program.results() == undisturbed.results()


def test_a_signal_is_noted_in_a_step_and_ends_the_run_elsewhere() -> None:
    # A shell that starts jobs in the background has it ignored.
    before = signal.getsignal(signal.SIGINT)
    with Preemption() as preemption:
        with preemption.deferred():
            assert not preemption.reached()
            os.kill(os.getpid(), signal.SIGTERM)
            assert preemption.reached()
        with pytest.raises(Preempted, match="stopped by SIGTERM"):
            preemption.check()
        with pytest.raises(Preempted, match="stopped by SIGINT"):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_several_hosts_are_asked_by_a_number_that_rises_through_all_stages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def sync_point(step: int) -> bool:
        asked.append(step)
        return step == 4

    monkeypatch.setattr("jax.process_count", lambda: 2)
    monkeypatch.setattr(multihost_utils, "reached_preemption_sync_point", sync_point)
    with Preemption() as preemption:
        # The last step of the second stage of two steps, which does not stop there.
        assert [preemption.reached() for _ in range(4)] == [False, False, False, True]
        with pytest.raises(Preempted, match="stopped by SIGTERM"):
            preemption.check()
    assert asked == [1, 2, 3, 4]


def test_a_second_signal_ends_the_run_at_once() -> None:
    with Preemption() as preemption, preemption.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Preempted):
            os.kill(os.getpid(), signal.SIGTERM)
