"""Files are written whole or not at all."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.files import (
    BLOCK,
    BLOCKS,
    folder_sha256,
    locked,
    read_json,
    write_json,
)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_interruption_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "new folder" / "a.json"
    write_json(path, {"old": True})

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", interrupted)
    else:
        monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"new": list(range(1000))})
    assert read_json(path) == {"old": True}
    monkeypatch.undo()
    write_json(path, {"new": 1})
    assert read_json(path) == {"new": 1}
    assert list(path.parent.iterdir()) == [path]


def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    program = (
        "import itertools, sys, pathlib\n"
        "from pixel_linguist.files import write_json\n"
        "for number in itertools.count():\n"
        "    write_json(pathlib.Path(sys.argv[1]), [number] * 20_000)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(path)])
    try:
        while process.poll() is None and (not path.is_file() or read_json(path)[0] < 3):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    numbers = read_json(path)
    assert len(numbers) == 20_000 and len(set(numbers)) == 1


def test_json_keeps_any_script_readable(tmp_path: Path) -> None:
    value = {"text": "नमस्ते мир", "list": [1, 2.5, None, True]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert "नमस्ते мир" in (tmp_path / "a.json").read_text(encoding="utf-8")
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert read_json(tmp_path / "a.json") == value
    for content in (b"", b'{"a": 1', b"\xff\xfe"):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(ValueError, match="JSON"):
            read_json(tmp_path / "a.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of a small file and one that is not read whole."""
    folder = tmp_path / "data"
    (folder / "1.0.0").mkdir(parents=True)
    (folder / "info.json").write_text("{}")
    (folder / "1.0.0" / "train.array_record").write_bytes(bytes(2 * BLOCKS * BLOCK + 7))
    return folder


def put(path: Path, place: int) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"x")


def test_a_folder_and_its_copy_have_one_hash(folder: Path, tmp_path: Path) -> None:
    hashed = folder_sha256(folder)
    shutil.copytree(folder, tmp_path / "copy")
    os.utime(tmp_path / "copy" / "info.json", (1, 1))
    (folder / ".lock").touch()
    assert folder_sha256(tmp_path / "copy") == folder_sha256(folder) == hashed


@pytest.mark.parametrize(
    "change",
    [
        lambda f: (f / "info.json").write_text("[]"),
        lambda f: (f / "info.json").rename(f / "about.json"),
        lambda f: (f / "info.json").unlink(),
        lambda f: (f / "more.json").touch(),
        lambda f: put(f / "1.0.0" / "train.array_record", 0),
        lambda f: put(f / "1.0.0" / "train.array_record", 2 * BLOCKS * BLOCK + 6),
        lambda f: put(f / "1.0.0" / "train.array_record", 2 * BLOCKS * BLOCK + 7),
    ],
)
def test_a_folder_that_changes_has_another_hash(
    folder: Path, change: Callable[[Path], Any]
) -> None:
    hashed = folder_sha256(folder)
    change(folder)
    assert folder_sha256(folder) != hashed


def test_a_large_file_is_sampled_evenly_to_its_end(tmp_path: Path) -> None:
    path, blocks = tmp_path / "large", 3 * BLOCKS
    seen = []
    for number in range(blocks):
        path.write_bytes(bytes(blocks * BLOCK))
        hashed = folder_sha256(tmp_path)
        put(path, number * BLOCK + BLOCK // 2)
        seen.append(folder_sha256(tmp_path) != hashed)
    assert 0.3 < sum(seen) / blocks < 0.4
    assert np.diff(np.flatnonzero(seen)).max() <= 4


def test_a_folder_is_one_process_s_until_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from pixel_linguist.files import locked\n"
        "with locked(Path(sys.argv[1])): print('mine', flush=True); time.sleep(600)"
    )
    folder = tmp_path / "run"
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"mine\n"
        refused = pytest.raises(BlockingIOError, match=str(folder))
        with refused, locked(folder):
            pytest.fail("two processes have it")
        holder.kill()
    for _ in range(2):
        with locked(folder):
            pass
    assert folder.is_dir() and not any(folder.iterdir())


def test_a_folder_that_nothing_is_written_to_is_not_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for written in ([], ["result"]):
        with locked(folder):
            for name in written:
                (folder / name).touch()
        assert [path.name for path in tmp_path.rglob("*")] == (["run", *written] if written else [])


def test_a_file_system_without_locks_is_used_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path / "run"):
        (tmp_path / "run" / "result").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result"]
