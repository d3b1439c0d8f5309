"""Sources in Arrow's memory: Parquet files and Hugging Face data sets, all local."""

import pickle
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from pixel_linguist.data.sources import make_source

ROWS = [{"text": f"déjà {i}", "score": i / 2, "other": "x"} for i in range(7)]
WANTED = [{"text": row["text"], "score": row["score"]} for row in ROWS]


def records(root: Path, **spec: Any) -> list[dict[str, Any]]:
    source = make_source(root, spec)
    return [source[i] for i in range(len(source))]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    # Rows in groups of two: what is read is in several chunks.
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=2)


def test_parquet_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS[:3])
    write(tmp_path / "b.parquet", ROWS[3:])
    spec = {"paths": ["a.parquet", "b.parquet"], "columns": ["text", "score"]}
    assert records(tmp_path, name="parquet", **spec) == WANTED
    source = make_source(tmp_path, {"name": "parquet", **spec})
    sent = pickle.dumps(source)
    assert len(sent) < 1000
    assert pickle.loads(sent)[6] == WANTED[6]


def test_parquet_mistakes_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", ROWS)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 is not enough")
    for paths, columns, error, message in (
        (["c.parquet"], ["text"], FileNotFoundError, "no data file .*c.parquet; check the recipe"),
        (
            ["a.parquet"],
            ["txt"],
            ValueError,
            "a.parquet has no column 'txt'; it has text, score, o",
        ),
        (["b.parquet"], ["text"], ValueError, "b.parquet is no Parquet file, or damaged"),
    ):
        with pytest.raises(error, match=message):
            records(tmp_path, name="parquet", paths=paths, columns=columns)


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
    assert records(tmp_path, **spec, columns=["text", "score"]) == WANTED
    with pytest.raises(
        ValueError, match="the data set 'mine' has no column 'txt'; it has text, sc"
    ):
        records(tmp_path, **spec, columns=["txt"])
