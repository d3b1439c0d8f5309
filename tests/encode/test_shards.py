"""Whole files to shards: nothing lost, nothing repeated, whenever the work is interrupted."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import main
from pixel_linguist.encode.corpus import Job, encode_corpus
from pixel_linguist.encode.shards import Shards, read_shards
from pixel_linguist.model.store import Model, save_model

RECORDS: list[dict[str, Any]] = [
    {"id": str(i), "text": f"text {i % 37} of a kind", "n": i} for i in range(100)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[..., Model]) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny_model(max_patches=24, width=16, depth=1))
    return folder


def job(model: Path | str, source: Path, folder: Path, **changes: Any) -> Job:
    """Return a job of the command line's defaults, but for shards of 32 texts."""
    settings: dict[str, Any] = {"column": "text", "keep": (), "format": "parquet"}
    settings |= {"dtype": "float32", "batch_size": 64, "shard_size": 32, "device": None}
    return Job(source, folder, str(model), **(settings | changes))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in RECORDS))
    return path


def test_shards_hold_the_vectors_of_encode_and_the_columns_kept(
    tmp_path: Path, model: Path, source: Path
) -> None:
    out = tmp_path / "out"
    assert encode_corpus(job(model, source, out, keep=("id", "n"))) == 100
    expected = SentenceEncoder.load(model).encode([str(r["text"]) for r in RECORDS])
    np.testing.assert_allclose(read_shards(out), expected, atol=1e-6)
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f"0000{i}.parquet" for i in range(4)), "encode.json"]
    table = pyarrow.concat_tables([parquet.read_table(out / name) for name in names[:4]])
    assert table.select(["id", "n"]).to_pylist() == [{"id": r["id"], "n": r["n"]} for r in RECORDS]
    # Complete shards are not encoded again.
    assert encode_corpus(job(model, source, out, keep=("id", "n"))) == 0


def test_arrays_in_half_precision(tmp_path: Path, model: Path, source: Path) -> None:
    out = tmp_path / "out"
    encode_corpus(job(model, source, out, shard_size=64, format="npy", dtype="float16"))
    assert np.load(out / "00001.npy").shape == (36, 16)
    assert read_shards(out).dtype == np.float16


def test_bad_requests_are_refused(tmp_path: Path, model: Path, source: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ValueError, match="empty"):
        encode_corpus(job(model, source, tmp_path))
    with pytest.raises(ValueError, match="title"):
        encode_corpus(job(model, source, out, keep=("title",)))
    with pytest.raises(FileNotFoundError, match="shards"):
        read_shards(tmp_path)
    # A damaged line beyond the first shard stops there.
    with source.open("a") as file:
        file.write('{"text": 3}\n')
    with pytest.raises(ValueError, match="line 101"):
        encode_corpus(job(model, source, out))
    assert len([*out.glob("0*.parquet")]) == 3


def test_a_search_takes_the_vectors_of_its_own_file_and_model_alone(
    tmp_path: Path,
    model: Path,
    tiny_model: Callable[..., Model],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    source, same_size, out = tmp_path / "in.tsv", tmp_path / "other.tsv", tmp_path / "out"
    source.write_text("text\ttitle\na dog\tone\na cat\ttwo\n")
    same_size.write_text("text\ttitle\na cow\tone\na hen\ttwo\n")
    other = tmp_path / "other"
    loaded = tiny_model(max_patches=24, width=16, depth=1)
    save_model(other, loaded._replace(params=loaded.encoder.init(1)))
    encode_corpus(job(model, source, out))
    moved = source.rename(tmp_path / "moved.tsv")

    def search(path: Path, folder: Path, *changes: str) -> None:
        arguments = ["search", str(path), "--vectors", str(folder), "--model", str(model)]
        main([*arguments, *changes])

    for path, changes, word in (
        (same_size, (), "another file"),
        (moved, ("--model", str(other)), "another model"),
        (moved, ("--column", "title"), "another column"),
    ):
        with pytest.raises(SystemExit, match=word):
            search(path, out, *changes)
    search(moved, out)
    (out / "encode.json").unlink()
    with pytest.raises(SystemExit, match=r"encode\.json"):
        search(moved, out)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2**64 - 1, 3], pyarrow.uint64()),
        ([None, 2**63, 0], pyarrow.uint64()),
        ([1, None, 2.5], pyarrow.float64()),
        ([None, None, "x"], pyarrow.string()),
        ([True, None, False], pyarrow.bool_()),
    ],
)
def test_kept_columns_have_one_type_in_all_shards(
    tmp_path: Path, model: Path, values: list[Any], kind: pyarrow.DataType
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    lines = [json.dumps({"text": "a", "kept": value}) for value in values]
    source.write_text("\n".join(lines))
    encode_corpus(job(model, source, out, keep=("kept",), shard_size=1))
    tables = [parquet.read_table(path) for path in sorted(out.glob("*.parquet"))]
    assert {table.schema.field("kept").type for table in tables} == {kind}
    assert pyarrow.concat_tables(tables)["kept"].to_pylist() == values


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1, 2, "three"], "line 3"),
        (["1", 2], "line 2"),
        ([True, 1], "line 2"),
        (["a", ["b"]], "line 2"),
        ([0, 2**70], "line 2"),
        ([5, -1, 2**63], "line 2"),
        (["a", "\ud800"], "line 2"),
    ],
)
def test_kept_columns_of_several_types_are_refused_before_work(
    tmp_path: Path, model: Path, values: list[Any], word: str
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    lines = [json.dumps({"text": "a", "embedding": 0, "kept": value}) for value in values]
    source.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=f"{word}.*'kept'"):
        encode_corpus(job(model, source, out, keep=("kept",), shard_size=1))
    with pytest.raises(ValueError, match="'embedding'"):
        encode_corpus(job(model, source, out, keep=("embedding",)))
    assert not out.exists()


def test_a_claim_is_held_by_one_and_lifted_when_its_holder_ends(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "out", {"a": 1}, "npy")
    code = (
        "import sys, time; from pathlib import Path;"
        "from pixel_linguist.encode.shards import Shards;"
        f"shards = Shards(Path({str(tmp_path / 'out')!r}), {{'a': 1}}, 'npy')\n"
        "with shards.claim(3) as ours: print(ours, flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "True\n"
    with shards.claim(3) as ours:
        assert not ours
    other.kill()
    other.wait()
    with shards.claim(3) as ours:
        assert ours
        shards.write(3, np.zeros((1, 2), np.float32), {})
    with shards.claim(3) as ours:
        assert not ours


@pytest.mark.slow
def test_killed_twice_and_shared_nothing_is_lost_or_repeated(tmp_path: Path, model: Path) -> None:
    """50,000 texts; the first two pairs of processes are killed at work."""
    source, out = tmp_path / "in.txt", tmp_path / "out"
    source.write_text("".join(f"{i} {i % 7}\n" for i in range(50_000)))
    command = [sys.executable, "-m", "pixel_linguist", "encode", str(source), str(out)]
    command += ["--model", str(model), "--shard-size", "1000", "--format", "npy"]
    done = []
    for round_ in range(3):
        pair = [subprocess.Popen(command, env=os.environ | {"JAX_NUM_CPU_DEVICES": "1"})
                for _ in range(2)]  # fmt: skip
        while round_ < 2 and len([*out.glob("*.npy")]) < 8 * (round_ + 1):
            time.sleep(0.05)
        for process in pair:
            if round_ < 2:
                process.kill()
            assert process.wait() == (-9 if round_ < 2 else 0)
        done.append({path.name: path.stat().st_mtime_ns for path in out.glob("*.npy")})
    assert 8 <= len(done[0]) < len(done[1]) < len(done[2]) == 50
    assert done[0].items() <= done[1].items() <= done[2].items()
    expected = SentenceEncoder.load(model).encode(source.read_text().splitlines())
    np.testing.assert_allclose(read_shards(out), expected, atol=1e-6)
