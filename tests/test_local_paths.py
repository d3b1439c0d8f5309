"""Paths that are no paths of this machine are refused by name, and ~ is the home folder."""

from pathlib import Path

import pytest

from pixel_linguist.cli.main import main
from pixel_linguist.data.records import open_records
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.files import local_path
from pixel_linguist.hub import open_model

URLS = ["s3://bucket/a.tsv", "https://example.org/a.jsonl", "hdfs://host/x", "file:///tmp/x"]


@pytest.mark.parametrize("url", URLS)
def test_urls_are_refused_also_as_paths(url: str) -> None:
    sts = {"name": "sts", "source": {"name": "tsv", "path": "x.tsv"}}
    for given in (url, Path(url)):
        for read in (local_path, open_model, open_records):
            with pytest.raises(ValueError, match="URL"):
                read(given)
        with pytest.raises(ValueError, match="URL"):
            make_source(given, {"name": "jsonl", "path": "x.jsonl"})
        with pytest.raises(ValueError, match="URL"):
            make_task(given, sts)


def test_paths_of_this_machine_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/a") == tmp_path / "a"
    assert local_path("C:/texts") == Path("C:/texts")
    assert local_path("odd: name/x") == Path("odd: name/x")
    (tmp_path / "a.txt").write_text("one\n")
    assert [record for record, _ in open_records("~/a.txt")] == [{"text": "one"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "recipe.py", "--workdir", "s3://b/run"],
        ["train", "--init", "tiny", "--pairs", "s3://b/p.tsv"],
        ["encode", "a.txt", "az://b/v"],
        ["evaluate", "--data", "https://example.org/data"],
        ["render", "text", "--out", "gs://b/x.png"],
    ],
)
def test_commands_refuse_urls_before_work(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "mount" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
