"""Writing files whole or not at all, locking them, and hashing them."""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# A larger file of a folder is hashed by this many blocks of this many bytes, evenly spread.
BLOCKS, BLOCK = 64, 1 << 14
_POINTER = b"version https://git-lfs"
# A scheme and a slash: a `Path` keeps one of the two. A single letter is a drive of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
BUCKET = re.compile(r"gs:/{1,2}")


def local_path(path: str | Path) -> Path:
    """Return a path on this machine, with ~ expanded.

    Raises:
        ValueError: for a URL, which would become a local folder of that name.
    """
    if _URL.match(str(path)):
        raise ValueError(
            f"{path} is a URL, which is neither read nor written: mount the bucket or file system "
            "(gcsfuse, s3fs) and give the path of the mount, or download the file; `train` alone "
            "takes gs://, for its --workdir, data_dir and init_from"
        )
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path}: there is no such user") from error


def in_bucket(path: str | Path) -> bool:
    """Return whether a path is in a bucket of Google Cloud Storage."""
    return BUCKET.match(str(path)) is not None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    if in_bucket(path):  # whose objects are there whole or not at all
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextlib.contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock on a file for the time inside; yields False if another process holds it.

    The operating system releases the lock when its process ends in any way. A file system without
    locks, such as a mounted bucket, grants it to every process.
    """
    # The command line imports this module, and names its verbs before anything is installed.
    from filelock import FileLock, Timeout

    held = FileLock(path, timeout=-1 if wait else 0, fallback_to_soft=False)
    try:
        held.acquire()
    except Timeout:
        yield False
        return
    except OSError:
        path.unlink(missing_ok=True)
        yield True
        return
    try:
        yield True
    finally:
        # Removed before it is released: a process that waits for it notices, and makes another.
        path.unlink(missing_ok=True)
        held.release()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder for the time inside.

    The folder is made if it does not exist, and removed again if nothing was written to it.

    Raises:
        BlockingIOError: if another process holds it, on this machine or, on file systems that
            share locks, on another one.
    """
    made, path = not folder.is_dir(), folder / ".lock"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with lock(path, wait=False) as ours:
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


def check_model_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than a model.

    Raises:
        ValueError: for the folder of a run, of vectors, or of a model of another type, and for
            weights that git-lfs has not fetched.
    """
    config, name = folder / "config.json", "model_type"
    for weights in folder.glob("*.safetensors"):
        with weights.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise ValueError(damage(weights))
    if (folder / "encode.json").is_file():
        raise ValueError(f"{folder} holds vectors that `encode` wrote, not a model")
    stored = read_json(config) if config.is_file() else {}
    if not isinstance(stored, dict) or "format" in stored or stored.get(name) == "pixel":
        return
    if "stages" in stored or (folder / "model" / "config.json").is_file():
        done = (folder / "model").is_dir()
        where = f"its model is {folder / 'model'}" if done else "it has not finished"
        raise ValueError(
            f"{folder} is the folder of a run: {where}; finished stages leave theirs in "
            f"{folder / 'stages' / 'NAME' / 'model'}"
        )
    if name in stored:
        raise ValueError(
            f"{folder} holds a model of type {stored[name]!r}; models of this package and "
            "checkpoints of PIXEL and Pixel-Linguist are read"
        )


def damage(path: Path, error: Exception | None = None) -> str:
    """Return an error message for a file of weights that cannot be read."""
    with path.open("rb") as file:
        start = file.read(len(_POINTER))
    if start == _POINTER:
        return f"{path} is a git-lfs pointer, not the file itself: git lfs pull fetches it"
    return f"{path} is damaged: {error}" if start else f"{path} is empty"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    """Return a SHA-256 of the files of a folder, in hexadecimal; large files are sampled.

    It covers the names, sizes and contents of the files. Of a file larger than 1 MiB it covers 64
    blocks of 16 KiB, evenly spread from the first to the last, so that a change between them that
    keeps the size goes unseen. Hidden files and times do not count: a copy has the same hash.
    """
    found = hashlib.sha256()
    paths = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    for name, path in sorted(paths.items()):
        if any(part.startswith(".") for part in name.parts):
            continue
        found.update(json.dumps([name.as_posix(), path.stat().st_size]).encode())
        for block in _sample(path):
            found.update(block)
    return found.hexdigest()


def sampled_sha256(path: Path) -> str:
    """Return a SHA-256 of a file's content, in hexadecimal; large files are sampled as above."""
    found = hashlib.sha256(str(path.stat().st_size).encode())
    for block in _sample(path):
        found.update(block)
    return found.hexdigest()


def _sample(path: Path) -> Iterator[bytes]:
    """Yield a file's content, or blocks of it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= BLOCKS * BLOCK:
            yield file.read()
            return
        for number in range(BLOCKS):
            file.seek((size - BLOCK) * number // (BLOCKS - 1))
            yield file.read(BLOCK)
