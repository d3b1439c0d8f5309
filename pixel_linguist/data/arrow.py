"""Sources of columns in Arrow's memory: Parquet files and Hugging Face data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.data.records import Record, column


class ParquetSource:
    """Some columns of Parquet files, one after the other, held in Arrow's memory.

    Raises:
        FileNotFoundError: naming a file that is missing.
        ValueError: naming a file that is not Parquet, or lacks a column.
    """

    def __init__(self, paths: Sequence[Path], columns: Sequence[str]):
        self.paths = tuple(paths)
        self.columns = tuple(columns)
        self._read()

    def _read(self) -> None:
        import pyarrow
        from pyarrow import parquet as pq

        tables = []
        for path in self.paths:
            if not path.is_file():
                raise FileNotFoundError(f"no data file {path}; check the recipe's data_dir")
            try:
                schema = pq.read_schema(path)
                for name in self.columns:
                    column(dict.fromkeys(schema.names), name, str(path))
                tables.append(pq.read_table(path, columns=list(self.columns)))
            except pyarrow.ArrowException as error:
                raise ValueError(f"{path} is no Parquet file, or damaged: {error}") from error
        # One chunk a column: a row is then found in constant time.
        self.table = pyarrow.concat_tables(tables).combine_chunks()

    def __len__(self) -> int:
        return self.table.num_rows

    def __getitem__(self, index: int) -> Record:
        return {name: self.table[name][index].as_py() for name in self.columns}

    def __getstate__(self) -> dict[str, Any]:
        # A worker process reads the files itself instead of being sent their content.
        return {"paths": self.paths, "columns": self.columns}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._read()


def parquet(root: Path, *, paths: Sequence[str], columns: Sequence[str]) -> ParquetSource:
    """Read columns of Parquet files."""
    return ParquetSource([root / path for path in paths], columns)


def huggingface(
    root: Path, *, dataset: str, config: str | None, split: str, columns: Sequence[str]
) -> "HuggingFaceSource":
    """Read columns of a Hugging Face data set, mapped from its files.

    Args:
        root: the data folder.
        dataset: a folder in `root` (of files, or from `save_to_disk`), else a name on the Hub.
        config: of the data set; None is its default.
        split: one of its splits.
        columns: those that a record has.
    """
    return HuggingFaceSource(root, dataset, config, split, tuple(columns))


class HuggingFaceSource:
    """Some columns of one split of a Hugging Face data set.

    Raises:
        ModuleNotFoundError: if the library is not installed.
        ValueError: for an unknown data set, split or column.
    """

    def __init__(
        self, root: Path, dataset: str, config: str | None, split: str, columns: tuple[str, ...]
    ):
        try:
            import datasets
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "this source needs Hugging Face datasets: pip install 'pixel-linguist[datasets]'"
            ) from error
        folder = root / dataset
        where = f"the data set {dataset!r}"
        try:
            if (folder / "dataset_dict.json").is_file():
                found = datasets.load_from_disk(str(folder))
                data = column(found, split, where)
            elif (folder / "state.json").is_file():
                data = datasets.load_from_disk(str(folder))
            else:
                name = str(folder) if folder.is_dir() else dataset
                data = datasets.load_dataset(name, config, split=split)
        except (datasets.exceptions.DatasetNotFoundError, OSError) as error:
            raise ValueError(f"{where} is neither in {root} nor to be had: {error}") from error
        for name in columns:
            column(dict.fromkeys(data.column_names), name, where)
        self.data = data.select_columns(list(columns))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Record:
        return self.data[index]
