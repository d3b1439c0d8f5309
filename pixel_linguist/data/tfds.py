"""TFDS data sets, read from array_record files without TensorFlow."""

import collections
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.nli import NLI_LABELS, group_nli
from pixel_linguist.data.records import Record, column


class TfdsSource:
    """Columns of one split of a TFDS data set prepared as array_record; bytes become str.

    A column may name one language of a translation, as "premise/en" of xnli. Where the languages
    vary from record to record, all records are read once, and the incomplete ones are left out.

    Args:
        root: the `data_dir` of TFDS.
        dataset: name of the data set, with its config if it has one.

    Raises:
        FileNotFoundError: if the data set is not prepared; the message says how to prepare it.
        ValueError: for an unknown data set, split, column or language.
    """

    def __init__(self, root: Path, *, dataset: str, split: str, columns: Sequence[str]):
        import tensorflow_datasets

        self.columns = tuple(columns)
        self.data = _open(root, dataset, split)
        self.rows: Sequence[int] | np.ndarray = range(len(self.data))
        features = self.data.dataset_info.features
        where = f"the TFDS data set {dataset!r}"
        for name, _, language in (name.partition("/") for name in self.columns):
            feature = column(features, name, where)
            if not language:
                continue
            if isinstance(feature, tensorflow_datasets.features.TranslationVariableLanguages):
                complete = _rows_by_language(root, dataset, split, name).get(language, ())
                self.rows = np.intersect1d(self.rows, complete)
            else:
                column(feature, language, f"{where}, column {name}")
        if not len(self.rows):
            raise ValueError(f"{where} has no record with all of {', '.join(self.columns)}")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Record:
        record = self.data[int(self.rows[index])]
        return {name: _value(record, name) for name in self.columns}


def _open(root: Path, dataset: str, split: str) -> Any:
    import tensorflow_datasets
    import tensorflow_datasets.text  # registers glue, multi_nli, xnli, wikipedia

    try:
        return tensorflow_datasets.data_source(
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


@functools.cache
def _rows_by_language(root: Path, dataset: str, split: str, name: str) -> dict[str, np.ndarray]:
    """Return the records that have each language in a column, read once for all languages."""
    data, found = _open(root, dataset, split), collections.defaultdict(list)
    for row in range(len(data)):
        for code in data[row][name]["language"]:
            found[code.decode()].append(row)
    return {code: np.array(rows) for code, rows in found.items()}


def _value(record: Any, name: str) -> Any:
    """Return a column, or one language of it; None if the record lacks it."""
    name, _, language = name.partition("/")
    value = record[name]
    if language and "translation" in value:  # the form of `TranslationVariableLanguages`
        languages = [code.decode() for code in value["language"]]
        value = dict(zip(languages, value["translation"], strict=True)).get(language)
    elif language:
        value = value[language]
    return value.decode() if isinstance(value, bytes) else value


def tfds_builder(root: Path, dataset: str) -> Any:
    """Return the builder of a TFDS data set, of which `data_dir` is the folder of its files."""
    import tensorflow_datasets
    import tensorflow_datasets.text  # registers glue, multi_nli, xnli, wikipedia

    return tensorflow_datasets.builder(
        dataset, data_dir=root.expanduser(), file_format="array_record"
    )


@functools.cache
def tfds_nli_triples(root: Path, *, dataset: str, split: str, language: str = "") -> list[Record]:
    """Make triples (`group_nli`) from a TFDS data set such as snli, multi_nli or xnli.

    Labels are numbered as in `NLI_LABELS`; rows without a label (-1: the annotators disagreed) are
    left out. Of translated rows, as in xnli, one `language` is taken. They are read once, for all
    stages.
    """
    suffix = f"/{language}" if language else ""
    columns = ("label", f"premise{suffix}", f"hypothesis{suffix}")
    data = TfdsSource(root, dataset=dataset, split=split, columns=columns)
    rows = (tuple(data[i].values()) for i in range(len(data)))
    return group_nli(
        (NLI_LABELS[label], premise, hypothesis)
        for label, premise, hypothesis in rows
        if label >= 0
    )
