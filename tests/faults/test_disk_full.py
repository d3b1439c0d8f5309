"""A disk that fills up ends the run, with the last whole checkpoint intact."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixel_linguist.train.checkpoint import find_fault
from tests.faults.program import Program


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system of a limited size needs the right to mount one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(b"\1" * size):
                    pass
            except OSError:
                continue
    return path


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_checkpoint(small_disk: Path, undisturbed: Program) -> None:
    program = Program(small_disk / "run")
    process = program.start_until(lambda: program.last_step("second") >= 25)
    filler = fill(small_disk)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error: " in errors and "No space left on device" in errors
    steps = [path for path in program.checkpoints("second").iterdir() if path.name.isdigit()]
    assert any(find_fault(folder) is None for folder in steps)

    filler.unlink()
    resumed = program.run()
    assert resumed.returncode == 0, resumed.stderr
    assert program.results() == undisturbed.results()
