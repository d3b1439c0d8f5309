"""Buckets of Google Cloud Storage: data are read from gs:// paths, and runs are kept under them.

Data are copied to this machine before they are read. A run works in a folder of this machine, which
is copied to its bucket at each checkpoint; Orbax writes checkpoints into the bucket itself. A path
in a bucket is one of etils.epath, which has the methods of `Path` that are used here.
"""

import functools
import importlib.util
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from etils import epath
from ml_collections import ConfigDict

from pixel_linguist.files import BUCKET, in_bucket, local_path, lock, write_whole

CHECKPOINTS = "checkpoints"


def bucket_path(path: str | Path) -> Path:
    """Return a path in a bucket.

    Raises:
        ValueError: if gcsfs is not installed.
    """
    if importlib.util.find_spec("gcsfs") is None:
        raise ValueError(f"{path} needs gcsfs: pip install 'pixel-linguist[gcs]'")
    import fsspec

    # TensorStore and other hosts write to the bucket as well.
    fsspec.config.conf.setdefault("gcs", {})["use_listings_cache"] = False
    found: Path = epath.Path(BUCKET.sub("gs://", str(path)))
    return found


@functools.cache
def copied(path: str) -> Path:
    """Return a copy on this machine of a file or folder of a bucket, kept for later runs.

    Files whose size and time are still those of the bucket are not copied again.

    Raises:
        FileNotFoundError: if the bucket has neither.
        ValueError: if gcsfs is not installed.
    """
    source = bucket_path(path)
    files = [source] if source.is_file() else list(files_below(source))
    if not files:
        raise FileNotFoundError(f"{source} does not exist, or this machine may not read it")
    copy = _copies(source)
    copy.parent.mkdir(parents=True, exist_ok=True)
    with lock(copy.with_name(f"{copy.name}.lock"), wait=True):
        for file in files:
            _copy(file, copy / file.relative_to(source))
    return copy


def data_root(root: str | Path, spec: Mapping[str, Any]) -> Path:
    """Return the folder of data on this machine, with what a specification names.

    Args:
        root: a folder, or gs://BUCKET/FOLDER.
        spec: whose values, at any depth, name files and folders in `root`; of a bucket these alone
            are copied.

    Raises:
        ValueError: for another URL.
    """
    if not in_bucket(root):
        return local_path(root)
    folder = bucket_path(root)
    # A data set of TFDS is named NAME/CONFIG:VERSION.
    for name in {text.partition(":")[0] for text in _texts(spec)}:
        if name.strip("./") and (folder / name).exists():
            copied(str(folder / name))
    return _copies(folder)


def _texts(node: Any) -> Iterator[str]:
    """Yield all texts of a specification but the names of its makers."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping | ConfigDict):
        yield from (text for key in node if key != "name" for text in _texts(node[key]))
    elif isinstance(node, Iterable):
        yield from (text for part in node for text in _texts(part))


class Mirror:
    """The folder of a run on this machine, and its copy in a bucket; checkpoints are not copied.

    Args:
        folder: on this machine; what the bucket holds is copied into it.
        remote: in a bucket.
    """

    def __init__(self, folder: Path, remote: Path):
        self.folder, self.remote = folder, remote
        for file in files_below(remote):
            _copy(file, folder / file.relative_to(remote))
        self.known = self._marks()

    def push(self) -> None:
        """Copy changed files to the bucket, and delete there those that are gone.

        A config.json says that its folder is whole, and comes last.
        """
        marks = self._marks()
        for name in sorted(marks, key=lambda name: name.endswith("config.json")):
            if marks[name] != self.known.get(name):
                (self.remote / name).write_bytes((self.folder / name).read_bytes())
        for name in self.known.keys() - marks.keys():
            (self.remote / name).unlink(missing_ok=True)
        self.known = marks

    def _marks(self) -> dict[str, tuple[int, int]]:
        """Return file → size and time of its last change."""
        marks = {}
        for file in files_below(self.folder):
            about = file.stat()
            marks[str(file.relative_to(self.folder))] = about.st_size, about.st_mtime_ns
        return marks


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, on this machine or in a bucket, but checkpoints."""
    if folder.is_dir():
        for path in folder.iterdir():
            if not path.is_dir():
                yield path
            elif path.name != CHECKPOINTS:
                yield from files_below(path)


def remove(folder: Path) -> None:
    """Delete a folder, on this machine or in a bucket, if there is one."""
    if in_bucket(folder):
        epath.Path(folder).rmtree(missing_ok=True)
    elif folder.is_dir():
        shutil.rmtree(folder)


def _copies(path: Path) -> Path:
    """Return where on this machine a copy of a path in a bucket is kept."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "pixel_linguist/gs" / str(path).removeprefix("gs://")


def _copy(source: Path, copy: Path) -> None:
    """Copy a file of a bucket, with its time, unless that is done."""
    about: Any = source.stat()
    if copy.is_file():
        known = copy.stat()
        if (known.st_size, known.st_mtime) == (about.length, about.mtime):
            return
    write_whole(copy, source.read_bytes())
    os.utime(copy, (about.mtime, about.mtime))
