"""Whole files to shards: nothing lost, nothing repeated, whenever the work is interrupted."""

import gzip
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
from pixel_linguist.data.records import open_records
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


@pytest.fixture
def job(model: Path) -> Callable[..., Job]:
    """Return a maker of jobs with the command line's defaults."""

    def make(source: Path, folder: Path, **changes: Any) -> Job:
        settings: dict[str, Any] = {
            "model": str(model),
            "column": "text",
            "keep": (),
            "format": "parquet",
            "dtype": "float32",
            "batch_size": 64,
            "shard_size": 16384,
            "device": None,
        }
        return Job(source, folder, **(settings | changes))

    return make


def write(folder: Path, kind: str) -> Path:
    path = folder / f"in{kind}"
    if kind == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(RECORDS), path, row_group_size=30)
        return path
    lines = {
        ".txt": [record["text"] for record in RECORDS],
        ".tsv": ["id\ttext", *(f"{record['id']}\t{record['text']}" for record in RECORDS)],
        ".jsonl": [json.dumps(record) for record in RECORDS],
    }
    content = "".join(f"{line}\n" for line in lines[kind.removesuffix(".gz")]).encode()
    path.write_bytes(gzip.compress(content) if kind.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("kind", [".txt", ".tsv", ".jsonl", ".jsonl.gz", ".parquet"])
def test_every_format_gives_the_vectors_of_encode(
    tmp_path: Path, model: Path, job: Callable[..., Job], kind: str
) -> None:
    source, out = write(tmp_path, kind), tmp_path / "out"
    encode_corpus(job(source, out, shard_size=32, keep=() if kind == ".txt" else ("id",)))
    expected = SentenceEncoder.load(model).encode([str(r["text"]) for r in RECORDS])
    np.testing.assert_allclose(read_shards(out), expected, atol=1e-6)
    names = sorted(path.name for path in out.iterdir())
    assert names == [*(f"0000{i}.parquet" for i in range(4)), "encode.json"]
    if kind != ".txt":
        tables = [parquet.read_table(out / name) for name in names[:4]]
        ids = pyarrow.concat_tables(tables)["id"].to_pylist()
        assert ids == [record["id"] for record in RECORDS]


def test_arrays_in_half_precision(tmp_path: Path, job: Callable[..., Job]) -> None:
    out = tmp_path / "out"
    encode_corpus(job(write(tmp_path, ".txt"), out, shard_size=64, format="npy", dtype="float16"))
    assert np.load(out / "00001.npy").shape == (36, 16)
    assert read_shards(out).dtype == np.float16


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


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.xls", "a", "xls"),
        ("in.txt", "", "records"),
        ("in.tsv", "id\ttext\n", "records"),
        ("in.tsv", "id\tbody\n1\ta\n", "line 2 .*'text'"),
        ("in.tsv", "id\ttext\n1\ta\n2\n", "line 3: 1 columns"),
        ("in.jsonl", '{"text": "a"}\n{"text": \n', "line 2"),
        ("in.jsonl", '{"text": "a"}\n["b"]\n', "line 2"),
        ("in.jsonl", '{"text": "a"}\n{"text": 3}\n', "line 2: .*int"),
        ("in.jsonl", '{"title": "a"}\n', "line 1 .*'text'"),
        ("in.txt", "a\n\udce9\n", "line 2: .*UTF-8"),
        ("in.parquet", "PAR", "Parquet"),
    ],
)
def test_bad_files_are_named_with_their_line(
    tmp_path: Path, job: Callable[..., Job], name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=message):
        encode_corpus(job(tmp_path / name, tmp_path / "out"))
    assert not [*tmp_path.glob("out/0*")]


def test_a_folder_of_another_origin_is_refused(tmp_path: Path, job: Callable[..., Job]) -> None:
    source = write(tmp_path, ".jsonl")
    with pytest.raises(ValueError, match="empty"):
        encode_corpus(job(source, tmp_path))
    with pytest.raises(ValueError, match="title"):
        encode_corpus(job(source, tmp_path / "out", keep=("title",)))
    with pytest.raises(FileNotFoundError, match="shards"):
        read_shards(tmp_path)


def test_records_are_not_parsed_before_they_are_used(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a"}\nbroken\n')
    records: Any = open_records(path)
    assert len([*records.raw()]) == 2
    assert next(iter(records))[0] == {"text": "a"}
