"""Sources in Arrow's memory: Parquet files and Hugging Face data sets, all local."""

import pickle
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from pixel_linguist.data.sources import make_source

ROWS = [{"text": f"déjà {i}", "score": i / 2, "other": "x"} for i in range(6)]
ROWS += [{"text": None, "score": None, "other": "x"}]
WANTED = [{"text": row["text"], "score": row["score"]} for row in ROWS]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    # Rows in groups of two, so that the file is read in several chunks.
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=2)


def test_parquet_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS[:3])
    write(tmp_path / "b.parquet", ROWS[3:])
    spec = {"paths": ["a.parquet", "b.parquet"], "columns": ["text", "score"]}
    source = make_source(tmp_path, {"name": "parquet", **spec})
    assert [source[i] for i in range(len(source))] == WANTED
    sent = pickle.dumps(source)
    assert len(sent) < 1000
    assert pickle.loads(sent)[5] == WANTED[5]


def test_parquet_mistakes_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 is not enough")
    for path, column, message in (("a.parquet", "txt", "'txt'"), ("b.parquet", "text", "Parquet")):
        with pytest.raises(ValueError, match=f"{path}.*{message}"):
            make_source(tmp_path, {"name": "parquet", "paths": [path], "columns": [column]})


@pytest.mark.parametrize("form", ["saved", "saved splits", "files"])
def test_hugging_face_data_sets_are_read_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    data = datasets.Dataset.from_list(ROWS)
    if form == "saved":
        data.save_to_disk(tmp_path / "mine")
    elif form == "saved splits":
        datasets.DatasetDict(train=data).save_to_disk(tmp_path / "mine")
    else:
        (tmp_path / "mine").mkdir()
        data.to_parquet(tmp_path / "mine" / "train.parquet")
    spec = {"name": "huggingface", "dataset": "mine", "config": None, "split": "train"}
    source = make_source(tmp_path, spec | {"columns": ["text", "score"]})
    copy = pickle.loads(pickle.dumps(source))
    assert [copy[i] for i in range(len(source))] == WANTED
    with pytest.raises(ValueError, match="txt"):
        make_source(tmp_path, spec | {"columns": ["txt"]})
