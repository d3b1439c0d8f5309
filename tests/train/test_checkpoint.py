"""Checkpoints: the latest is found, whole, with the data where it was."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grain
import jax
import numpy as np
import pytest

from pixel_linguist.train.checkpoint import Checkpoints, find_fault


def open_at(
    folder: Path, *, keep: int = 2, keep_every: int = 0, run: str = "run", workers: int = 0
) -> Checkpoints:
    return Checkpoints(folder, keep=keep, keep_every=keep_every, run=run, workers=workers)


def steps_in(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


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
    with open_at(tmp_path, keep=2) as checkpoints:
        for step in (5, 10, 15):
            take(data, 5)
            checkpoints.save(state_at(step), data)
    expected = take(data, 5)
    again = numbers()
    with open_at(tmp_path, keep=2) as checkpoints:
        restored = checkpoints.restore(state_at(0), again)
    # Mapping over both also compares their structures.
    jax.tree.map(np.testing.assert_array_equal, restored, state_at(15))
    assert all(isinstance(leaf, np.ndarray | np.generic) for leaf in jax.tree.leaves(restored))
    assert take(again, 5) == expected


def test_without_a_checkpoint_the_state_is_what_it_was(tmp_path: Path) -> None:
    data, state = numbers(), state_at(0)
    with open_at(tmp_path / "none", keep=2) as checkpoints:
        assert checkpoints.restore(state, data) is state
    assert take(data, 3) == take(numbers(), 3)


@pytest.mark.parametrize(
    ("keep", "keep_every", "expected"), [(1, 0, [4]), (2, 0, [3, 4]), (1, 2, [2, 4])]
)
def test_as_many_are_kept_as_are_asked_for(
    tmp_path: Path, keep: int, keep_every: int, expected: list[int]
) -> None:
    with open_at(tmp_path, keep=keep, keep_every=keep_every) as checkpoints:
        for step in (1, 2, 3, 4):
            checkpoints.save(state_at(step), numbers())
    assert steps_in(tmp_path) == expected


def test_what_is_saved_is_the_state_when_it_was_given(tmp_path: Path) -> None:
    state, data = state_at(7), numbers()
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(state, data)
        state["params"]["encoder"]["kernel"][:] = 0
        expected = take(data, 3)
    again = numbers()
    with open_at(tmp_path) as checkpoints:
        restored = checkpoints.restore(state_at(0), again)
    jax.tree.map(np.testing.assert_array_equal, restored, state_at(7))
    assert take(again, 3) == expected


def largest_file(folder: Path) -> Path:
    return max(folder.glob("state/**/*"), key=lambda path: path.stat().st_size * path.is_file())


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda f: (f / "manifest.json").unlink(), "not written to its end"),
        (lambda f: (f / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (lambda f: largest_file(f).write_bytes(largest_file(f).read_bytes()[:-1]), "SHA-256"),
        (lambda f: largest_file(f).unlink(), "is missing"),
    ],
)
def test_one_that_is_not_whole_is_named_and_the_one_before_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], Any], named: str
) -> None:
    with open_at(tmp_path) as checkpoints:
        for step in (7, 9):
            checkpoints.save(state_at(step), numbers())
    harm(tmp_path / "9")
    # What Orbax had not renamed yet when it was killed.
    (tmp_path / "11.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
    with open_at(tmp_path) as checkpoints:
        assert int(checkpoints.restore(state_at(0), numbers())["step"]) == 7
    said = caplog.text
    assert named in said and f"{tmp_path}/9 is set aside as 9.damaged" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7", "9.damaged"]


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    """Of 30 bits flipped at random Orbax alone raises an error for 8, and restores 6 wrong."""
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(state_at(7), numbers())
    folder = tmp_path / "7"
    assert find_fault(folder) is None
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    rng = np.random.default_rng(0)
    for _ in range(100):
        path = files[rng.integers(len(files))]
        content = path.read_bytes()
        place, bit = rng.integers(len(content)), 1 << rng.integers(8)
        flipped = bytearray(content)
        flipped[place] ^= bit
        path.write_bytes(flipped)
        if path.name == "manifest.json":
            assert find_fault(folder) or json.loads(flipped) == json.loads(content)
        else:
            assert f"the file {path.relative_to(folder)} is damaged" in (find_fault(folder) or "")
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("other", "shape", "word"),
    [
        ({"run": "other"}, (3, 4), "another run"),
        ({"workers": 2}, (3, 4), "workers=0"),
        ({}, (3, 5), "encoder/kernel"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    tmp_path: Path, other: dict[str, Any], shape: tuple[int, int], word: str
) -> None:
    with open_at(tmp_path) as checkpoints:
        checkpoints.save(state_at(7), numbers())
    state = state_at(0)
    state["params"]["encoder"] = {"kernel": np.zeros(shape, np.float32)}
    with open_at(tmp_path, **other) as checkpoints, pytest.raises(ValueError, match=word):
        checkpoints.restore(state, numbers())


def test_a_save_that_fails_is_told_with_the_last_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, value: Any) -> None:
        raise OSError(28, "No space left on device")

    with open_at(tmp_path) as checkpoints:
        checkpoints.save(state_at(7), numbers())
        checkpoints.wait()
        monkeypatch.setattr("pixel_linguist.train.checkpoint.write_json", full)
        checkpoints.save(state_at(9), numbers())
        with pytest.raises(OSError, match="step 7"):
            checkpoints.wait()
        assert int(checkpoints.restore(state_at(0), numbers())["step"]) == 7


def test_parameters_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    broken = state_at(9)
    broken["params"]["encoder"]["kernel"][1, 2] = np.nan
    with open_at(tmp_path, keep=2) as checkpoints:
        checkpoints.save(state_at(7), numbers())
        with pytest.raises(FloatingPointError, match="step 9"):
            checkpoints.save(broken, numbers())
        assert int(checkpoints.restore(state_at(0), numbers())["step"]) == 7
