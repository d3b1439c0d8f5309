"""A folder of shards: each is written whole, once, by the process that claims it first."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pixel_linguist.config import differences
from pixel_linguist.encode.kept_columns import EMBEDDING
from pixel_linguist.files import lock, read_json, write_json, write_whole

Format = Literal["parquet", "npy"]


class Shards:
    """The vectors of one file or folder, shard by shard.

    encode.json holds the settings, NNNNN.parquet or NNNNN.npy the rows of each shard, in the order
    of the source. After an interruption each shard is either complete or missing.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], format: Format):
        """Open the folder, or start it.

        Raises:
            ValueError: if it holds shards of other settings, or files of another origin.
        """
        self.folder, self.format = folder, format
        path = folder / "encode.json"
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / ".encode.lock", wait=True):
            if not path.is_file():
                if any(folder.glob("[!.]*")):
                    raise ValueError(f"{folder} is not empty and holds no shards")
                write_json(path, settings)
        if changed := differences(read_json(path), settings):
            raise ValueError(
                f"{folder} was started with other settings; take another folder, or delete it. "
                f"{'; '.join(changed)}"
            )

    def path(self, number: int) -> Path:
        """Return the file of a shard."""
        return self.folder / f"{number:05}.{self.format}"

    @contextlib.contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Hold a shard for the time inside; yields False if it is complete, or another holds it.

        The claim ends with its process, however that ends.
        """
        if self.path(number).exists():
            yield False
            return
        with lock(self.folder / f".{number:05}.lock", wait=False) as ours:
            # The previous holder may have completed it in the meantime.
            yield ours and not self.path(number).exists()

    def write(self, number: int, vectors: np.ndarray, columns: dict[str, Any]) -> None:
        """Write a shard whole: vectors [N, D] as the column "embedding", and columns of N values.

        Arrays ("npy") have no room for columns.
        """
        stream = io.BytesIO()
        if self.format == "npy":
            np.save(stream, vectors)
        else:
            _write_parquet(stream, vectors, columns)
        write_whole(self.path(number), stream.getvalue())


def _write_parquet(stream: io.BytesIO, vectors: np.ndarray, columns: dict[str, Any]) -> None:
    import pyarrow
    from pyarrow import parquet

    values = pyarrow.array(vectors.reshape(-1))
    embedding = pyarrow.FixedSizeListArray.from_arrays(values, vectors.shape[1])
    parquet.write_table(pyarrow.table({**columns, EMBEDDING: embedding}), stream)


def check_origin(folder: Path, origin: dict[str, Any]) -> None:
    """Refuse a folder of vectors that were made of another file or by another model.

    Args:
        origin: settings that encode.json must have.

    Raises:
        FileNotFoundError: if there is no encode.json, without which the origin is unknown.
        ValueError: for other settings, naming them.
    """
    path = folder / "encode.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no encode.json, which `encode` writes beside vectors"
        )
    stored = read_json(path)
    names = {
        "sha256": "of another file or other pictures",
        "weights": "of another model",
        "renderer": "of a model that draws its texts otherwise",
        "column": "of another column",
    }
    if wrong := [names.get(key, key) for key in origin if stored.get(key) != origin[key]]:
        raise ValueError(f"{folder} holds vectors {', '.join(wrong)}; encode them again")


def read_shards(folder: Path) -> np.ndarray:
    """Return the vectors of all shards, [N, D], in the order of the source.

    Raises:
        FileNotFoundError: if the folder holds no shards.
    """
    return np.concatenate([_read(path) for path in _paths(folder)])


def read_columns(folder: Path, names: list[str]) -> dict[str, list[Any]]:
    """Return columns of all shards, N values each; arrays ("npy") have none.

    Raises:
        FileNotFoundError: if the folder holds no shards.
    """
    import pyarrow
    from pyarrow import parquet

    tables = [parquet.read_table(path, columns=names) for path in _paths(folder)]
    return pyarrow.concat_tables(tables).to_pydict()


def _paths(folder: Path) -> list[Path]:
    paths = sorted([*folder.glob("[0-9]*.npy"), *folder.glob("[0-9]*.parquet")])
    if not paths:
        raise FileNotFoundError(f"no shards in {folder}")
    return paths


def _read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    from pyarrow import parquet

    column = parquet.read_table(path, columns=[EMBEDDING])[EMBEDDING].combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)
