"""Any number of devices, both back ends and chunks train the same state."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.train import steps
from tests.train.tiny import encoder

Flat = dict[str, np.ndarray]
Results = Callable[[int, str], Flat]
CONTRASTS = (
    "hard:pmap:random:0",
    "hard:shard_map:random:1",
    "experts:pmap:random:0",
    "experts:shard_map:random:1",
)
STATES = ("momentum:pmap:random:0", "momentum:shard_map:random:0")
TEXTS = ("contrast:pmap:text:0", "contrast:shard_map:text:1")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return a function: (devices, variant) → parameters and state by name."""
    folder = tmp_path_factory.mktemp("steps")
    program = Path(steps.__file__)

    def run(devices: int, variant: str) -> Flat:
        group = next(group for group in (CONTRASTS, STATES, TEXTS) if variant in group)
        path = folder / f"{devices}-{group[0].replace(':', '-')}.npz"
        if not path.is_file():
            more = {"JAX_NUM_CPU_DEVICES": str(devices), "PYTHONPATH": str(program.parents[2])}
            command = [sys.executable, str(program), str(path), *group]
            subprocess.run(command, env=os.environ | more, check=True)
        stored = np.load(path)
        assert stored["devices"] == devices
        names = [name for name in stored if name.startswith(f"{variant}|")]
        return {name.split("|")[1]: stored[name] for name in names}

    return run


def assert_same(found: Flat, expected: Flat) -> None:
    assert found.keys() == expected.keys() and len(found) > 10
    for name, value in expected.items():
        tolerance = 1e-4 if name == "norms" else 1e-5
        np.testing.assert_allclose(found[name], value, tolerance, tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 2, 4])
@pytest.mark.parametrize("variant", [*CONTRASTS, *STATES])
def test_devices_back_ends_and_chunks_have_one_state(
    results: Results, devices: int, variant: str
) -> None:
    one = results(1, variant.replace("shard_map", "pmap").replace("random:1", "random:0"))
    assert_same(results(devices, variant), one)
    start = encoder().init(0)["embed"]["kernel"]
    assert np.abs(one["params/encoder/embed/kernel"] - start).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 4])
@pytest.mark.parametrize("variant", TEXTS)
def test_styled_and_augmented_texts_train_the_same(
    results: Results, devices: int, variant: str
) -> None:
    assert_same(results(devices, variant), results(1, TEXTS[0]))
