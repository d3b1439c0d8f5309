"""Sources of columns in Arrow's memory: Parquet files and Hugging Face data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.data.records import Record, column


class ParquetSource:
    """Columns of Parquet files, one file after the other, in Arrow's memory.

    A copy in a worker process reads the files itself instead of receiving their content.

    Raises:
        FileNotFoundError: naming a missing file.
        ValueError: naming a file that is not Parquet, or lacks a column.
    """

    def __init__(self, root: Path, *, paths: Sequence[str], columns: Sequence[str]):
        import pyarrow
        from pyarrow import parquet

        self.root, self.paths, self.columns = root, tuple(paths), tuple(columns)
        tables = []
        for path in (root / path for path in paths):
            if not path.is_file():
                raise FileNotFoundError(f"no file {path}")
            try:
                schema = parquet.read_schema(path)
                for name in columns:
                    column(dict.fromkeys(schema.names), name, str(path))
                tables.append(parquet.read_table(path, columns=list(columns)))
            except (pyarrow.ArrowException, OSError) as error:
                raise ValueError(f"{path} is not Parquet, or damaged: {error}") from error
        # One chunk a column, so that a row is found in constant time.
        self.table = pyarrow.concat_tables(tables).combine_chunks()

    def __len__(self) -> int:
        return self.table.num_rows

    def __getitem__(self, index: int) -> Record:
        return {name: self.table[name][index].as_py() for name in self.columns}

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "paths": self.paths, "columns": self.columns}

    def __setstate__(self, arguments: dict[str, Any]) -> None:
        ParquetSource.__init__(self, **arguments)


class HuggingFaceSource:
    """Columns of one split of a Hugging Face data set, mapped from its files.

    Args:
        dataset: a folder in `root` (of files, or from `save_to_disk`), else a name on the Hub.
        config: of the data set; None is its default.

    Raises:
        ModuleNotFoundError: if the library `datasets` is not installed.
        ValueError: for an unknown data set, split or column.
    """

    def __init__(
        self, root: Path, *, dataset: str, config: str | None, split: str, columns: Sequence[str]
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
                data = column(datasets.load_from_disk(str(folder)), split, where)
            elif (folder / "state.json").is_file():
                data = datasets.load_from_disk(str(folder))
            else:
                name = str(folder) if folder.is_dir() else dataset
                data = datasets.load_dataset(name, config, split=split)
        except (datasets.exceptions.DatasetNotFoundError, OSError) as error:
            raise ValueError(f"{where} is neither in {root} nor on the Hub: {error}") from error
        for name in columns:
            column(dict.fromkeys(data.column_names), name, where)
        self.data = data.select_columns(list(columns))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Record:
        return self.data[index]
