"""One run of the tiny recipe that nothing disturbed."""

from pathlib import Path

import pytest

from tests.faults.program import Program


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(tmp_path_factory.mktemp("undisturbed") / "run")
    done = program.run()
    assert done.returncode == 0, done.stderr
    assert list((program.workdir / "stages").glob("*/model/weights.safetensors"))
    return program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "run")
