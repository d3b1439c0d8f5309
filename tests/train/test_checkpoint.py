"""Checkpoints: the latest is found, whole, with the data where it was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import pytest

from pixel_linguist.train.checkpoint import Checkpoints


def state_at(step: int) -> dict[str, Any]:
    rng = np.random.default_rng(step)
    kernel = rng.normal(size=(3, 4)).astype(np.float32)
    return {
        "params": {"encoder": {"kernel": kernel}, "objective": {}},
        "opt": (np.int32(step), {"kernel": kernel.astype(np.float64).astype(np.float32) * 2}),
        "step": np.int32(step),
        "objective": {},
    }


def numbers() -> Any:
    dataset = grain.MapDataset.source(range(100)).seed(1).shuffle().repeat()
    return iter(dataset.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)))


def take(iterator: Iterator[int], count: int) -> list[int]:
    return [next(iterator) for _ in range(count)]


def test_the_latest_is_restored_with_its_data(tmp_path: Path) -> None:
    data = numbers()
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step in (5, 10, 15):
            take(data, 5)
            checkpoints.save(state_at(step), data)
    expected = take(data, 5)
    again = numbers()
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        restored = checkpoints.restore(state_at(0), again)
    # Mapping over both also compares their structures.
    jax.tree.map(np.testing.assert_array_equal, restored, state_at(15))
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(restored))
    assert take(again, 5) == expected


def test_saving_does_not_disturb_the_data(tmp_path: Path) -> None:
    data, undisturbed = numbers(), numbers()
    found = take(data, 3)
    with Checkpoints(tmp_path, keep=1) as checkpoints:
        checkpoints.save(state_at(3), data)
        found += take(data, 3)
    assert found == take(undisturbed, 6)


def test_without_a_checkpoint_the_state_is_what_it_was(tmp_path: Path) -> None:
    data, state = numbers(), state_at(0)
    with Checkpoints(tmp_path / "none", keep=2) as checkpoints:
        assert checkpoints.restore(state, data) is state
    assert take(data, 3) == take(numbers(), 3)


@pytest.mark.parametrize("keep", [1, 2])
def test_as_many_are_kept_as_are_asked_for(tmp_path: Path, keep: int) -> None:
    with Checkpoints(tmp_path, keep=keep) as checkpoints:
        for step in (1, 2, 3, 4):
            checkpoints.save(state_at(step), numbers())
    steps = sorted(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
    assert steps == [1, 2, 3, 4][-keep:]


def test_what_was_left_half_written_is_passed_over(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        checkpoints.save(state_at(7), numbers())
    # Orbax writes under a name of its own and renames at the end.
    partial = tmp_path / "9.orbax-checkpoint-tmp"
    (partial / "state").mkdir(parents=True)
    (partial / "state" / "data").write_bytes(b"half")
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        assert int(checkpoints.restore(state_at(0), numbers())["step"]) == 7


def test_the_state_of_another_architecture_is_refused(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        checkpoints.save(state_at(7), numbers())
        other = state_at(0)
        other["params"]["encoder"] = {"kernel": np.zeros((3, 5), np.float32)}
        message = r"step 7 in .* is of another architecture .*encoder/kernel: \(3, 4\) there, "
        with pytest.raises(ValueError, match=message):
            checkpoints.restore(other, numbers())


def test_parameters_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    broken = state_at(9)
    broken["params"]["encoder"]["kernel"][1, 2] = np.nan
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        checkpoints.save(state_at(7), numbers())
        with pytest.raises(FloatingPointError, match="not finite after step 9, so no checkpoint"):
            checkpoints.save(broken, numbers())
        assert int(checkpoints.restore(state_at(0), numbers())["step"]) == 7
