"""Preparing a recipe's data sets, with a few rows in place of downloads."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from pixel_linguist.cli.main import main
from pixel_linguist.data import prepare_tfds

RECIPE = """
from pixel_linguist.recipe import columns, get_config as defaults, part, stage

def get_config():
    config = defaults()
    names = ("snli", "multi_nli", "wikipedia/20230601.en", "para_crawl/enmt")
    sources = [{"name": "tfds", "dataset": n, "split": "train", "columns": ("a",)} for n in names]
    sources.append({"name": "txt", "path": "lines.txt"})
    data = {str(i): part(source, columns("a", "b")) for i, source in enumerate(sources)}
    numbers = {"steps": 1, "peak": 1.0, "warmup": 0, "batch_size": 8, "length": 8}
    config.stages.one = stage(data=data, **numbers)
    config.downloads = ("https://example.org/lines.txt",)
    return config
"""


class Threads(ThreadPoolExecutor):
    def __init__(self, workers: int, mp_context: Any):
        super().__init__(workers)


def test_what_tfds_can_prepare_is_prepared_and_the_rest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare_tfds, "ProcessPoolExecutor", Threads)
    rows: Any = [{"premise": "p", "hypothesis": "h", "label": 0}], [{"en": "one", "mt": "wieħed"}]
    for name, given in zip(("snli", "para_crawl"), rows, strict=True):
        splits = {"train": enumerate(given)}
        generate = lambda *_, splits=splits: splits  # noqa: E731
        monkeypatch.setattr(tfds.builder_cls(name), "_split_generators", generate)
    (tmp_path / "recipe.py").write_text(RECIPE)
    command = ["prepare", str(tmp_path / "recipe.py"), f"--config.data_dir={tmp_path / 'data'}"]

    main([*command, "--list"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert len(lines) == 5 and "90 MB" in lines["snli"] and "18 MB" in lines["para_crawl/enmt"]
    assert "apache-beam" in lines["wikipedia/20230601.en"] and "tensorflow" in lines["multi_nli"]
    assert not (tmp_path / "data").exists()

    # Interrupted in one data set, and given again.
    with monkeypatch.context() as broken:
        broken.setattr(tfds.builder_cls("para_crawl"), "_split_generators", lambda *_: 1 / 0)
        with pytest.raises(SystemExit, match="para_crawl/enmt"):
            main([*command, "--processes=2"])
    out = capsys.readouterr().out
    assert "snli: prepared" in out and "tfds build wikipedia/20230601.en" in out
    assert f"-o {tmp_path / 'data/lines.txt'} https://example.org" in out
    main(command)
    out = capsys.readouterr().out
    assert "para_crawl/enmt: prepared" in out and "snli: prepared" not in out
