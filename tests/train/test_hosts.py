"""Two processes of two devices each train as one device does, which resumes what they leave."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from pixel_linguist.files import read_json
from tests.faults.program import RECIPE, Program

pytestmark = pytest.mark.slow

STEPS = 24
# Adam makes whole steps of gradients that are little more than rounding.
TOLERANCE = 2e-4
# Scores are of ranks, which change places where vectors are this close: one of 20 translations.
METRICS, SCORE_TOLERANCE = {"sts-en": "spearman", "en-vel": "accuracy"}, 0.051
# The second stage is drawn in many styles, and augmented.
LOOK = """second.update(
        styles={"size": {"strength": 1.0}, "slant": {"strength": 1.0}},
        augment={"rotate": {"strength": 0.5}, "noise": {"strength": 0.2}},
        window=2,
        length_buckets=2,
    )
    """
PEAK = "second.schedule.peak"
# The host that the environment tells its number runs out of workers at its tenth batch.
FAILING = """
if os.environ.get("JAX_PROCESS_ID") == "1":
    from pixel_linguist.train import run

    left, next_batch = iter(range(9)), run.next_batch

    def fails(*arguments):
        if next(left, None) is None:
            raise ChildProcessError("a worker process has died")
        return next_batch(*arguments)

    run.next_batch = fails
"""
# The second host has another font.
OTHER_FONT = """
import jax
from pixel_linguist.train import run

settings, other = run.stage_settings, {"fonts": {"a.ttf": "0"}}
run.stage_settings = lambda *given: settings(*given) | (other if jax.process_index() else {})
"""
SHARDED = ("--config.train.backend=shard_map", "--config.train.shard_optimizer=true")


def program(folder: Path, *overrides: str, devices: int, more: str = "") -> Program:
    """Return the tiny recipe, with all that is drawn at random, for processes of some devices."""
    recipe = RECIPE.replace(PEAK, LOOK + PEAK) + more
    made = Program(folder, f"--config.stages.second.steps={STEPS}", *overrides, recipe=recipe)
    made.environment["JAX_NUM_CPU_DEVICES"] = str(devices)
    return made


def start_hosts(
    made: Program, folder: Path, second: Path | None = None
) -> list[subprocess.Popen[bytes]]:
    """Start the command on two hosts, one told by the flag and one by the environment.

    The second has another work folder if one is given.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    environment = made.environment | {
        "JAX_COORDINATOR_ADDRESS": address,
        "JAX_NUM_PROCESSES": "2",
        "JAX_PROCESS_ID": "1",
    }
    started = []
    for rank, hosts in enumerate((f"{address},2,0", "auto")):
        with (folder / f"host{rank}.log").open("wb") as log:
            command = [*made.command, "--hosts", hosts]
            if rank and second:
                command += ["--workdir", str(second)]
            started.append(
                subprocess.Popen(
                    command, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )
    return started


def logs(folder: Path) -> str:
    return "\n".join((folder / f"host{rank}.log").read_text()[-3000:] for rank in (0, 1))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return a finished run on one device."""
    made = program(tmp_path_factory.mktemp("alone") / "run", devices=1)
    done = made.run()
    assert done.returncode == 0, done.stderr
    return made


def assert_same_results(found: Program, expected: Program) -> None:
    for stage in ("first", "second"):
        path = Path("stages") / stage / "model" / "weights.safetensors"
        ours, theirs = load_file(found.workdir / path), load_file(expected.workdir / path)
        assert ours.keys() == theirs.keys()
        assert max(float(np.abs(ours[k] - theirs[k]).max()) for k in ours) < TOLERANCE, stage
    assert losses(found).keys() == losses(expected).keys()
    for step, loss in losses(expected).items():
        assert losses(found)[step] == pytest.approx(loss, rel=1e-3), step
    for row, other in zip(scores(found), scores(expected), strict=True):
        assert row == pytest.approx(other, abs=SCORE_TOLERANCE)


def scores(made: Program) -> list[dict[str, float]]:
    rows = read_json(made.workdir / "scores.json")["rows"]
    return [
        {
            f"{row['model']}/{task}": float(values[METRICS[task]])
            for task, values in row["scores"].items()
        }
        for row in rows
    ]


def losses(made: Program) -> dict[Any, float]:
    lines = [line for line in made.metrics() if line["kind"] == "train"]
    found = {(line["stage"], line["step"]): line["loss"] for line in lines}
    assert len(found) == len(lines), "each step is logged once, by one host"
    return found


@pytest.mark.parametrize("overrides", [(), SHARDED])
def test_two_hosts_train_as_one_device(
    tmp_path: Path, alone: Program, overrides: tuple[str, ...]
) -> None:
    together = program(tmp_path / "run", *overrides, devices=2)
    for process in start_hosts(together, tmp_path):
        assert process.wait(timeout=600) == 0, logs(tmp_path)
    assert_same_results(together, alone)
    # One host alone tells of the run.
    assert "report:" in (tmp_path / "host0.log").read_text()
    assert "report:" not in (tmp_path / "host1.log").read_text()


def test_a_plan_on_two_hosts_is_that_of_their_devices_on_one(tmp_path: Path) -> None:
    """But for the seconds. Large activations make it depend on a host's share of the batch."""
    options = ("--plan", "--config.model.mlp_width=16384", "--config.stages.first.batch_size=64")
    for process in start_hosts(program(tmp_path / "run", *options, devices=2), tmp_path):
        assert process.wait(timeout=600) == 0, logs(tmp_path)
    alone = program(tmp_path / "run", *options, devices=4).run()
    plans = (tmp_path / "host0.log").read_text(), alone.stdout
    found, expected = (re.findall(r"^(\w+ .* GiB) ", plan, re.MULTILINE) for plan in plans)
    assert len(expected) == 3 and found == expected, plans
    assert not (tmp_path / "run").exists()


def test_hosts_that_see_other_things_are_refused_by_number(tmp_path: Path) -> None:
    made = program(tmp_path / "run", devices=1, more=OTHER_FONT)
    for process in start_hosts(made, tmp_path, tmp_path / "other"):
        assert process.wait(timeout=300) == 1, logs(tmp_path)
    for rank in (0, 1):
        said = (tmp_path / f"host{rank}.log").read_text()
        assert "host 1 (the work folder, stage first: fonts, stage second: fonts)" in said, said
    assert not (tmp_path / "other").exists()


def test_a_host_whose_partner_is_killed_ends_with_an_error(tmp_path: Path) -> None:
    together = program(tmp_path / "run", devices=2)
    first, second = start_hosts(together, tmp_path)
    while together.last_step("second") < 2:
        assert first.poll() is None, logs(tmp_path)
        time.sleep(0.05)
    os.killpg(second.pid, signal.SIGKILL)
    second.wait()
    # JAX notices at once when a connection breaks, and after 100 seconds without a sign of life.
    assert first.wait(timeout=200) != 0
    assert "error" in (tmp_path / "host0.log").read_text()


def test_hosts_end_at_once_when_one_fails(tmp_path: Path) -> None:
    started = start_hosts(program(tmp_path / "run", devices=1, more=FAILING), tmp_path)
    assert started[1].wait(timeout=300) == 1, logs(tmp_path)
    assert "error: a worker process has died" in (tmp_path / "host1.log").read_text()
    # JAX would let them wait for each other for five minutes.
    assert started[0].wait(timeout=60) != 0, logs(tmp_path)


def test_one_device_goes_on_from_where_two_hosts_and_four_devices_were_stopped(
    tmp_path: Path, alone: Program
) -> None:
    together = program(tmp_path / "run", *SHARDED, devices=2)
    started = start_hosts(together, tmp_path)
    while together.last_step("first") < 1:
        assert started[0].poll() is None, logs(tmp_path)
        time.sleep(0.05)
    # One is told, a second before JAX looks: the other stops at the same step, of either stage.
    os.kill(started[1].pid, signal.SIGTERM)
    for process in started:
        assert process.wait(timeout=300) == 0, logs(tmp_path)
    assert "resumes from there" in (tmp_path / "host0.log").read_text(), logs(tmp_path)
    # Four devices of one host go on, and are stopped as well.
    four = program(together.workdir, *SHARDED, devices=4)
    begun = four.start_until(lambda: four.last_step("second") > 4)
    begun.terminate()
    said, errors = begun.communicate()
    assert begun.returncode == 0 and "stage second: stopped after step" in said, errors
    assert not together.workdir.joinpath("stages", "second", "model").exists()
    resumed = program(together.workdir, devices=1)
    done = resumed.run()
    assert done.returncode == 0, done.stderr
    assert_same_results(resumed, alone)
