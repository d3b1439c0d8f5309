"""TFDS data sets, read from array_record files without TensorFlow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.data.nli import NLI_LABELS, group_nli
from pixel_linguist.data.records import Record, column


class TfdsSource:
    """Some columns of a TFDS data set; bytes become str.

    A column may name one language of a translation, as "premise/en" does in xnli. Records that
    lack one of the languages are left out, which a data set of variable languages needs read once.

    Raises:
        FileNotFoundError: if the data set is not prepared; it says how to.
        ValueError: for an unknown data set, split, column or language.
    """

    def __init__(self, root: Path, dataset: str, split: str, columns: Sequence[str]):
        import tensorflow_datasets
        import tensorflow_datasets.text  # registers glue, multi_nli, xnli, wikipedia

        self.columns = tuple(columns)
        try:
            self.data = tensorflow_datasets.data_source(
                dataset,
                split=split,
                data_dir=root.expanduser(),
                download=False,
                builder_kwargs={"file_format": "array_record"},
            )
        except (AssertionError, FileNotFoundError, KeyError, NotImplementedError) as error:
            raise FileNotFoundError(
                f"the TFDS data set {dataset!r} is not prepared in {root} as array_record; prepare "
                f"it in Python with tensorflow_datasets.builder({dataset!r}, data_dir="
                f"{str(root)!r}, file_format='array_record').download_and_prepare()"
            ) from error
        features = self.data.dataset_info.features
        where = f"the TFDS data set {dataset!r}"
        variable = tensorflow_datasets.features.TranslationVariableLanguages
        self.rows: list[int] | None = None
        for name in self.columns:
            feature = column(features, name.partition("/")[0], where)
            if "/" in name and not isinstance(feature, variable):
                column(feature, name.partition("/")[2], f"{where}, column {name.partition('/')[0]}")
            elif "/" in name and self.rows is None:
                self.rows = list(self._complete())
                if not self.rows:
                    raise ValueError(f"{where} has no record with all of {', '.join(self.columns)}")

    def _complete(self) -> Iterator[int]:
        """Yield the numbers of the records that have all languages asked for."""
        for number in range(len(self.data)):
            record = self.data[number]
            if all(_value(record, name) is not None for name in self.columns):
                yield number

    def __len__(self) -> int:
        return len(self.data if self.rows is None else self.rows)

    def __getitem__(self, index: int) -> Record:
        record = self.data[index if self.rows is None else self.rows[index]]
        return {name: _value(record, name) for name in self.columns}


def tfds_folder(root: Path, dataset: str) -> Path:
    """Return the folder in which the version of a TFDS data set that is read has its files."""
    import tensorflow_datasets
    import tensorflow_datasets.text  # registers glue, multi_nli, xnli, wikipedia

    builder = tensorflow_datasets.builder(
        dataset, data_dir=root.expanduser(), file_format="array_record"
    )
    return Path(builder.data_dir)


def _value(record: Any, name: str) -> Any:
    """Return a column, or one language of it; None if the record lacks it."""
    name, _, language = name.partition("/")
    value = record[name]
    if language and "translation" in value:  # a data set of variable languages
        languages = [code.decode() for code in value["language"]]
        value = dict(zip(languages, value["translation"], strict=True)).get(language)
    elif language:
        value = value[language]
    return value.decode() if isinstance(value, bytes) else value


def tfds(root: Path, *, dataset: str, split: str, columns: Sequence[str]) -> TfdsSource:
    """Read a TFDS data set prepared in array_record form; `root` is its data_dir."""
    return TfdsSource(root, dataset, split, columns)


def tfds_nli_triples(root: Path, *, dataset: str, split: str, language: str = "") -> list[Record]:
    """Group the rows of a TFDS data set in the form of snli and multi_nli with `group_nli`.

    Its labels are numbered as in `NLI_LABELS`; rows on which annotators did not agree (-1) are
    left out. Of xnli, whose rows are translated, a `language` is taken.
    """
    premise, hypothesis = (
        f"{name}/{language}" if language else name for name in ("premise", "hypothesis")
    )
    data = TfdsSource(root, dataset, split, ("label", premise, hypothesis))
    rows = (data[i] for i in range(len(data)))
    return group_nli(
        (NLI_LABELS[row["label"]], row[premise], row[hypothesis])
        for row in rows
        if row["label"] >= 0
    )
