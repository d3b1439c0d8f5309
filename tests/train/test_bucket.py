"""Runs and data in a bucket, of a server that keeps its objects in memory."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from pixel_linguist.bucket import bucket_path, copied, data_root
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.rehearsal import StopsAfter, rehearse
from pixel_linguist.train.run import run_recipe
from tests.fake_bucket import Objects, fake_bucket
from tests.train.tiny import change, recipe

TEXTS = "text\n" + "\n".join(f"the {n} horses of the {n + 1}th farmer" for n in range(60))
WEIGHTS = "model/weights.safetensors"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    fsspec = pytest.importorskip("fsspec")
    # gcsfs reads the variable of its name when it is imported.
    with fake_bucket() as (url, objects), pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", url)
        patch.setenv("TENSORSTORE_GCS_HTTP_URL", url)
        patch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "none")
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(fsspec.config.conf, "gcs", {"token": "anon"})
        yield objects


@pytest.fixture
def objects(server: Objects) -> Objects:
    server.clear()
    copied.cache_clear()
    server["data/texts.tsv"] = TEXTS.encode(), 1
    server["data/other.tsv"] = b"text\n", 2
    return server


def in_data(root: str) -> ConfigDict:
    config = recipe("only")
    change(config, "data_dir", root)
    change(config, "stages.only.data.sentences.source", {"name": "tsv", "path": "texts.tsv"})
    change(config, "train.checkpoint_every", 1)
    return config


@pytest.mark.slow
def test_a_run_in_a_bucket_is_resumed_from_it_and_equals_a_local_one(
    objects: Objects, tmp_path: Path
) -> None:
    (tmp_path / "texts.tsv").write_text(TEXTS)
    here = run_recipe(in_data(str(tmp_path)), tmp_path / "run", Preemption())
    config, there = in_data("gs://bucket/data"), bucket_path("gs://bucket/runs/one")
    with pytest.raises(Preempted):
        run_recipe(config, there, StopsAfter(3))
    assert "runs/one/stages/only/checkpoints/3/manifest.json" in objects
    assert "runs/one/model/config.json" not in objects
    first = run_recipe(config, there, Preemption()).folder
    steps = [json.loads(line) for line in objects["runs/one/metrics.jsonl"][0].splitlines()]
    assert [line["step"] for line in steps if line["kind"] == "train"] == [1, 2, 3, 4]
    assert objects[f"runs/one/{WEIGHTS}"][0] == (here.folder / WEIGHTS).read_bytes()
    names = {str(p.relative_to(first)) for p in first.rglob("*") if p.is_file()}
    remote = {name.removeprefix("runs/one/") for name in objects if name.startswith("runs/one/")}
    assert names == {name for name in remote if "/checkpoints/" not in name}
    # Finished stages are known from the bucket, and nothing is trained again.
    before = objects["runs/one/metrics.jsonl"]
    run_recipe(config, there, StopsAfter(1))
    assert objects["runs/one/metrics.jsonl"] == before


@pytest.mark.slow
def test_a_damaged_checkpoint_of_a_bucket_is_set_aside(objects: Objects) -> None:
    config, there = in_data("gs://bucket/data"), bucket_path("gs://bucket/runs/two")
    with pytest.raises(Preempted):
        run_recipe(config, there, StopsAfter(3))
    folder = "runs/two/stages/only/checkpoints"
    name = max((n for n in objects if f"{folder}/3/state" in n), key=lambda n: len(objects[n][0]))
    content = bytearray(objects[name][0])
    content[len(content) // 2] ^= 1
    objects[name] = bytes(content), 10**6
    run_recipe(config, there, Preemption())
    assert f"{folder}/3.damaged/manifest.json" in objects
    assert "runs/two/model/config.json" in objects


@pytest.mark.slow
def test_a_rehearsal_in_a_bucket_leaves_nothing(objects: Objects) -> None:
    config, before = in_data("gs://bucket/data"), dict(objects)
    change(config, "stages.only.start_required", True)
    rehearse(config, bucket_path("gs://bucket/runs/three"), Preemption())
    assert objects == before


def test_data_are_copied_once_and_only_what_is_named(objects: Objects) -> None:
    spec = {"name": "other.tsv", "source": {"paths": ("texts.tsv", "none.tsv")}, "column": ".."}
    folder = data_root("gs://bucket/data", spec)
    assert [path.name for path in folder.glob("*.tsv")] == ["texts.tsv"]
    assert (folder / "texts.tsv").read_text() == TEXTS
    made = (folder / "texts.tsv").stat().st_ctime_ns
    copied.cache_clear()
    data_root(Path("gs://bucket/data"), spec)
    assert (folder / "texts.tsv").stat().st_ctime_ns == made
    objects["data/texts.tsv"] = b"text\nnew\n", 3
    copied.cache_clear()
    assert copied("gs://bucket/data/texts.tsv").read_text() == "text\nnew\n"


def test_large_files_arrive_whole(objects: Objects) -> None:
    content = np.random.default_rng(0).bytes(13 << 20)
    bucket_path("gs://bucket/large").write_bytes(content)
    assert objects["large"][0] == content
    assert copied("gs://bucket/large").read_bytes() == content


def test_what_is_not_there_is_named(objects: Objects) -> None:
    with pytest.raises(FileNotFoundError, match="bucket/none"):
        copied("gs://bucket/none")
