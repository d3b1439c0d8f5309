"""Models by name: the hub, its cache, and folders where there is no network."""

import builtins
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import main
from pixel_linguist.convert import read_reference
from pixel_linguist.hub import open_model

TEXTS = ["A man is playing a guitar.", ""]


def test_a_folder_of_the_reference_is_loaded_as_it_is(shared: Path) -> None:
    folder = shared / "fixtures" / "pixel_tiny_a"
    embeddings = SentenceEncoder.load(folder).encode(TEXTS)
    expected = SentenceEncoder(read_reference(folder).model).encode(TEXTS)
    assert np.array_equal(embeddings, expected)


@pytest.mark.parametrize("pickled", [False, True])
def test_a_repository_is_downloaded_without_pickles_if_it_can_be(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, pickled: bool
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is an extra")
    if pickled:
        pytest.importorskip("torch", reason="torch is an extra; pytorch_model.bin needs it")
    remote = shared / "fixtures" / "pixel_tiny_a"
    asked = []

    def snapshot_download(repository: str, allow_patterns: list[str]) -> str:
        asked.append((repository, allow_patterns))
        for pattern in allow_patterns:
            for path in remote.glob(pattern):
                if not (pickled and path.suffix == ".safetensors"):
                    shutil.copy(path, tmp_path)
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    model = open_model("hf:owner/name")
    expected = read_reference(remote).model
    assert np.array_equal(model.params["cls"], expected.params["cls"])
    assert asked[0] == ("owner/name", ["*.json", "*.safetensors"])
    assert (tmp_path / "pytorch_model.bin").exists() == pickled


def test_without_a_network_the_error_says_what_works(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is an extra")
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    code = "from pixel_linguist.hub import open_model; open_model('hf:owner/name')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    last = done.stderr.split("FileNotFoundError: ")[-1]
    assert last.startswith("hf:owner/name could not be downloaded and is not in the hub's cache")
    assert "SentenceEncoder.load('path/to/folder')" in last


def test_a_malformed_name_is_refused() -> None:
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is an extra")
    with pytest.raises(ValueError, match="'a/b/c'"):
        open_model("hf:a/b/c")


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'pixel-linguist\[hub\]'"):
        open_model("hf:owner/name")


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"config.json": '{"stages": {}, "seed": 1}'}, "run: it has not finished"),
        ({"config.json": '{"stages": {}}', "model/config.json": "{}"}, "its model is .*model"),
        ({"config.json": '{"model_type": "mpnet", "vocab_size": 3}'}, "'mpnet'"),
        ({"encode.json": "{}"}, "vectors"),
        ({"weights.safetensors": "version https://git-lfs.github.com/spec/v1\n"}, "git lfs pull"),
    ],
)
def test_folders_that_hold_no_model_are_told_apart(
    tmp_path: Path, files: dict[str, str], word: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=word):
        open_model(tmp_path)
    with pytest.raises(SystemExit, match=word):
        main(["convert", str(tmp_path), str(tmp_path / "out")])
