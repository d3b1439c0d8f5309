"""Writing files whole or not at all, and knowing them by their content."""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of a file of a folder that is larger than so many such blocks, as many are read, evenly spread.
BLOCKS, BLOCK = 64, 1 << 14


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextlib.contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock on a file for the time inside; False if another process has it.

    The system lifts it when its process ends in any way.
    """
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            # The one who had it may have removed this file, and a third one made another.
            if not (path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))):
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to this process for the time inside; one that was made for nothing goes again.

    Raises:
        BlockingIOError: if another process has it, on this machine or, where locks are shared, on
            another one.
    """
    made, path = not folder.is_dir(), folder / ".lock"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.ExitStack() as stack:
            try:
                ours = stack.enter_context(lock(path, wait=False))
            except OSError:
                # Some file systems have no locks, as buckets that are mounted.
                ours = True
                path.unlink(missing_ok=True)
            if not ours:
                raise BlockingIOError(
                    f"{folder} is being written to by another process; wait for its end, stop it, "
                    f"or take another folder. If its machine is gone, delete {path}"
                )
            yield
    finally:
        if made and not any(folder.iterdir()):
            folder.rmdir()


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented UTF-8 JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    write_whole(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file; the error for a bad one names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """Return a SHA-256 of a folder's files, in hexadecimal, that costs little however large it is.

    It is of their names, their sizes, and their content; of the content of a file larger than 1 MiB
    of 64 blocks of 16 KiB, the first and the last among them, so that a change of the same size
    between them goes unseen. Hidden files and times do not count: a copy has the same.
    """
    found = hashlib.sha256()
    paths = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    for name, path in sorted(paths.items()):
        if any(part.startswith(".") for part in name.parts):
            continue
        size = path.stat().st_size
        found.update(json.dumps([name.as_posix(), size]).encode())
        with path.open("rb") as file:
            if size <= BLOCKS * BLOCK:
                found.update(file.read())
                continue
            for number in range(BLOCKS):
                file.seek((size - BLOCK) * number // (BLOCKS - 1))
                found.update(file.read(BLOCK))
    return found.hexdigest()
