"""The search command: a corpus in, nearest records out."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pixel_linguist.encode.__main__ import main as encode
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.search.__main__ import main

TEXTS = ["a man plays the guitar", "two dogs run in the snow", "the stock market fell"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[..., Model]) -> str:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny_model(max_patches=32, depth=1))
    return str(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.jsonl"
    lines = [json.dumps({"id": number, "text": text}) for number, text in enumerate(TEXTS)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_queries_by_line_find_texts_in_spite_of_typos(
    model: str, corpus: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    encode([corpus, str(tmp_path / "vectors"), "--model", model])
    for extra in ([], ["--vectors", str(tmp_path / "vectors")]):
        monkeypatch.setattr("sys.stdin", io.StringIO("a man plays teh guitar\nthe stock market\n"))
        capsys.readouterr()
        main([corpus, "--model", model, "-k", "2", "--show", "id", "text", *extra])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 6
        assert lines[1].endswith("0  a man plays the guitar")
        assert lines[4].endswith("2  the stock market fell")


def test_bad_requests_are_refused(model: str, corpus: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="line 1 has no column 'title'; it has id, text"):
        main([corpus, "--model", model, "--show", "title"])
    with pytest.raises(SystemExit, match="no file"):
        main([str(tmp_path / "none.txt")])
    other = tmp_path / "other.txt"
    other.write_text("one\n")
    encode([str(other), str(tmp_path / "vectors"), "--model", model])
    with pytest.raises(SystemExit, match=r"of shape \(1, 32\); .* need \(3, 32\)"):
        main([corpus, "--model", model, "--vectors", str(tmp_path / "vectors")])
