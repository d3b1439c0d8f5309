"""The command, on a tiny folder of data."""

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.evaluate.__main__ import main
from pixel_linguist.evaluate.catalogue import choose_tasks, find_tasks
from pixel_linguist.evaluate.similarity import checked_vectors
from pixel_linguist.model.store import Model, save_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write STS-B in two languages, an incomplete STS12, and Tatoeba."""
    rows = [f"{i % 6}\ta cat number {i}\tthe dog {i % 7} barks" for i in range(12)]
    table = "\n".join(["score\tsentence1\tsentence2", *rows]) + "\n"
    for path in ("sts/stsb/en/test.tsv", "sts/stsb/de/test.tsv", "sts/sts12/OnWN.tsv"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(table)
    pairs = [f"Satz {i}\tsentence {i}" for i in range(10)]
    (tmp_path / "bitext/tatoeba").mkdir(parents=True)
    text = "\n".join(["deu\teng", *pairs]) + "\n"
    (tmp_path / "bitext/tatoeba/deu-eng.tsv").write_text(text)
    return tmp_path


@pytest.fixture
def model(tmp_path: Path, tiny_model: Callable[..., Model]) -> Path:
    """Save an untrained model."""
    folder = tmp_path / "model"
    save_model(folder, tiny_model())
    return folder


def test_tasks_are_found_and_chosen_by_pattern(data: Path) -> None:
    tasks = find_tasks(data)
    assert set(tasks) == {
        "stsb-en", "stsb-de", "stsb-en-de", "robustness-en", "robustness-de",
        "robustness-curves-en", "robustness-curves-de", "geometry-stsb", "sts12", "tatoeba-deu",
    }  # fmt: skip
    assert list(choose_tasks(tasks, ["tatoeba-*", "stsb-??"])) == [
        "tatoeba-deu", "stsb-en", "stsb-de"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no task 'stsb-eng'; did you mean 'stsb-en'"):
        choose_tasks(tasks, ["stsb-eng"])
    with pytest.raises(FileNotFoundError, match="holds no data of a known task"):
        find_tasks(data / "nothing")


def test_models_and_peers_share_a_table(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    class Peer:
        def __init__(self, name: str):
            assert name == "some-peer"

        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([[len(text), text.count("a") + 1] for text in texts])

    fake = types.SimpleNamespace(SentenceTransformer=Peer)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    names = ["stsb-en", "sts12", "tatoeba-deu", "geometry-stsb"]
    command = [str(model), "--tasks", *names, "--data", str(data), "--out", str(tmp_path / "out")]
    main([*command, "--peers", "tfidf", "some-peer"])
    printed = capsys.readouterr().out
    assert "note: sts12 is without MSRpar, MSRvid" in printed
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    assert [row["model"] for row in scores["rows"]] == ["tfidf", "some-peer", str(model)]
    assert list(scores["tasks"]) == names
    for row in scores["rows"]:
        assert row["model"] in printed
        for name, about in scores["tasks"].items():
            found, metric = row["scores"][name], about["metric"]
            assert f"{found[metric]:.3f}" in printed
            if name == "geometry-stsb":
                continue
            assert found[f"{metric}_low"] <= found[metric] <= found[f"{metric}_high"]
    examples = {path.name for path in (tmp_path / "out/examples").iterdir()}
    assert examples == {"neighbours.png", "patches.png", "map.png", "map-dark.png"}
    page = (tmp_path / "out/report.html").read_text()
    for title in ("Nearest neighbours", "Which strokes match which", "Map of the embeddings"):
        assert title in page
    assert "Distances between languages: geometry-stsb" in page


def test_without_tasks_they_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--data", str(data)])
    assert "stsb-en stsb-de" in capsys.readouterr().out.replace(" robustness-en", "").replace(
        " robustness-curves-en", ""
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "stsb-en"], "name a model folder, or a peer"),
        (["nowhere", "--tasks", "stsb-en"], "nowhere"),
        (["nowhere", "--tasks", "sickr"], "no task 'sickr'"),
    ],
)
def test_mistakes_end_with_one_line(data: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=f"error: .*{message}"):
        main([*arguments, "--data", str(data)])


def test_an_embedding_that_is_not_finite_or_not_whole_names_its_text() -> None:
    rows = np.ones((3, 2))
    rows[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 of 3 embeddings are not finite.* text 1: 'b'"):
        checked_vectors(lambda texts: rows, ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"4 texts have embeddings of shape \(3, 2\)"):
        checked_vectors(lambda texts: rows, list("abcd"))
