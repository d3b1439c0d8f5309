"""The data sets that a recipe reads: which are there, how large they are, and preparing them."""

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pixel_linguist.data.sources import source_files
from pixel_linguist.data.tfds import tfds_builder
from pixel_linguist.files import local_path

TFDS = ("tfds", "tfds_nli_triples")


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A data set, or a file, that a recipe reads.

    Attributes:
        name: of TFDS, or the file's path.
        there: whether it is prepared.
        size: bytes, of it if it is there, else of its download; 0: unknown.
        needs: what TFDS needs to prepare it, beside itself; "": nothing.
        command: prepares it on another machine, or downloads it; "": TFDS does that here.
    """

    name: str
    there: bool
    size: int
    needs: str
    command: str


def list_data_sets(root: str | Path, config: Mapping[str, Any]) -> list[DataSet]:
    """Return what the stages and tasks of a recipe read, as plain dicts, in alphabetical order.

    Raises:
        ValueError: for a data set that TFDS does not know.
    """
    folder, specs = local_path(root), list(_sources(config))
    names = sorted({spec["dataset"] for spec in specs if spec["name"] in TFDS})
    found = [_tfds_data_set(folder, name) for name in names]
    urls = {url.rpartition("/")[2]: url for url in config["downloads"]}
    files = {str(path) for spec in specs for path in source_files(root, spec)}
    for name in sorted(files | urls.keys()):
        path = folder / name
        fetch = f"curl -L -C - --create-dirs -o {path} {urls[name]}" if name in urls else ""
        size = path.stat().st_size if path.is_file() else 0
        found.append(DataSet(name, path.is_file(), size, "", fetch))
    return found


def prepare(root: str | Path, names: Sequence[str], processes: int) -> Iterator[tuple[str, str]]:
    """Download and prepare TFDS data sets, several at once; yield each name and its error, or "".

    Given again after an interruption, downloads that were finished are not repeated.
    """
    folder = local_path(root)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(_prepare_one, folder, name): name for name in names}
        for done in as_completed(running):
            error = done.exception()
            message = f"{type(error).__name__}: {error}" if error else ""
            yield running[done], " ".join(message.split())


def _sources(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the specifications of sources anywhere in a recipe."""
    if isinstance(node, Mapping):
        if "name" in node and {"dataset", "path", "paths"} & node.keys():
            yield node
        for value in node.values():
            yield from _sources(value)


def _builder(folder: Path, name: str) -> Any:
    import tensorflow_datasets
    from absl import logging

    # It warns of each that is not prepared.
    logging.set_verbosity(logging.ERROR)
    try:
        return tfds_builder(folder, name)
    except tensorflow_datasets.core.registered.DatasetNotFoundError as error:
        raise ValueError(f"TFDS has no data set {name!r}") from error


def _tfds_data_set(folder: Path, name: str) -> DataSet:
    from tensorflow_datasets.core import BeamBasedBuilder

    builder = _builder(folder, name)
    there = builder.is_prepared()
    needs = "tensorflow" if hasattr(inspect.getmodule(type(builder)), "tf") else ""
    needs = "apache-beam" if isinstance(builder, BeamBasedBuilder) else needs
    command = (
        f"pip install tensorflow apache-beam tensorflow-datasets && tfds build {name} "
        f"--file_format=array_record --data_dir={folder}"
    )
    size = int(builder.info.dataset_size) if there else _download_size(builder)
    return DataSet(name, there, size, needs, command if needs else "")


def _download_size(builder: Any) -> int:
    """Return the bytes that a data set downloads; 0 where TFDS does not tell which files it is."""
    urls = {re.sub(r"\W|_", "", url).lower(): info for url, info in builder.url_infos.items()}
    config = builder.builder_config.name if builder.builder_config else ""
    own = [info.size for url, info in urls.items() if re.sub(r"\W|_", "", config).lower() in url]
    return int(sum(own))


def _prepare_one(folder: Path, name: str) -> None:
    import tensorflow_datasets

    tensorflow_datasets.disable_progress_bar()
    _builder(folder, name).download_and_prepare()
