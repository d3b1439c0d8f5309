"""The command line: every verb once on small data, and what users get wrong."""

import io
import json
import logging
import os
import subprocess
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.cli.main import VERBS, main, plain_messages
from pixel_linguist.encode.shards import read_shards
from pixel_linguist.model.store import Model, save_model
from pixel_linguist.render.coverage import coverage
from pixel_linguist.render.fallback import Chain
from pixel_linguist.render.fonts import family, manifest

ROOT = Path(__file__).parents[2]
TEXTS = ["a man plays the guitar", "two dogs run in the snow", "the stock market fell"]
QUICKSTART = ["train", "experiments/quickstart.py", "--workdir", "W", "--plan"]
Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[..., Model]) -> str:
    """Save an untrained model."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny_model(max_patches=32, depth=1))
    return str(folder)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.jsonl"
    lines = [json.dumps({"id": number, "text": text}) for number, text in enumerate(TEXTS)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


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
    (tmp_path / "bitext/tatoeba/deu-eng.tsv").write_text("\n".join(["deu\teng", *pairs]) + "\n")
    return tmp_path


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)


def test_help_lists_every_verb_and_each_explains_itself(capsys: Out) -> None:
    main(["--help"])
    overview = capsys.readouterr().out
    files = {path.stem for path in (ROOT / "pixel_linguist/cli").glob("*.py")}
    assert files - {"__init__", "main"} == set(VERBS)
    for verb in VERBS:
        assert f"pixel-linguist {verb} " in overview
        if verb == "mteb":
            continue
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        assert f"pixel-linguist {verb} " in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["render", "a text", "--out", os.devnull]])
def test_jax_is_not_imported_where_it_is_not_needed(arguments: list[str]) -> None:
    code = (
        "import sys; from pixel_linguist.cli.main import main;"
        f"main({arguments!r}); sys.exit(f'jax: {{\"jax\" in sys.modules}}')"
    )
    assert python("-c", code).stderr.splitlines()[-1] == "jax: False"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["trian"], 2, ["'trian'", "'train'"]),
        ([*QUICKSTART, "--sed=1"], 2, ["'--sed=1'"]),
        (["train", "no.py", "--workdir", "W"], 1, ["no.py"]),
        (["train", "README.md", "--workdir", "W"], 1, ["get_config"]),
        ([*QUICKSTART, "--config.sed=1"], 1, ["'seed'"]),
        (["train", "--init", "x", "--pairs", "no.tsv"], 1, ["no"]),
        ([*QUICKSTART, "--config.render.font_size=-3"], 1, ["font_size", "-3"]),
        ([*QUICKSTART, "--config.render.font_size=big"], 1, ["font_size", "big"]),
        (["evaluate", "tiny", "--data", "nowhere", "--tasks", "x"], 1, ["nowhere"]),
        (["evaluate", "--tasks", "stsb-en"], 2, ["--peers"]),
        (["encode", "no.txt", "W"], 1, ["no.txt"]),
        (["encode", "README.md", "W", "--shard-size", "0"], 2, ["--shard-size"]),
        (["encode", "README.md", "W", "--shard-size", "many"], 2, ["--shard-size"]),
        (["encode", "README.md", "W", "--keep", "id", "--format", "npy"], 2, ["--keep"]),
        (["encode", "experiments", "W", "--format", "npy"], 2, ["pictures"]),
        (["search", "no.txt"], 1, ["no.txt"]),
        (["search", "experiments", "--show", "id"], 2, ["--show"]),
        (["search", "no.txt", "-k", "0"], 2, ["-k"]),
        (["render"], 2, ["--coverage"]),
        (["render", "x", "--family=nosuch"], 1, ["nosuch"]),
        (["render", "x", "--patch", "2"], 1, ["patch"]),
        (["render", "x", "--length=0"], 1, ["length"]),
        (["render", "x", "--perturb", "shuffel_words"], 1, ["'shuffle_words'"]),
        (["render", "x", "--out=/nowhere/x.png"], 1, ["/nowhere/x.png"]),
        (["report", "W", "W"], 2, ["--out"]),
        (["report", "W"], 1, ["W"]),
        (["convert", "W", "V"], 1, ["W"]),
        (["export", "no-such-model", "W"], 1, ["no-such-model"]),
    ],
)
def test_mistakes_are_one_line_and_a_status(
    arguments: list[str], status: int, words: list[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out,
) -> None:  # fmt: skip
    for name in ("README.md", "experiments"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    # A message as code is printed, and means status 1.
    code = exit_.value.code
    line = code if isinstance(code, str) else capsys.readouterr().err.strip()
    assert status == (1 if isinstance(code, str) else code)
    assert line.startswith("error: ") and "\n" not in line
    assert all(word in line for word in words)
    assert not (tmp_path / "W").exists()


def test_the_module_is_the_command() -> None:
    done = python("-m", "pixel_linguist", "search", "no.txt")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_log_records_and_warnings_are_printed_as_lines(capsys: Out) -> None:
    logger = logging.getLogger("pixel_linguist.train.anything")
    with plain_messages():
        logger.info("step %d", 5)
        logger.warning("hm")
        assert warnings.formatwarning("odd", UserWarning, "file.py", 1) == "warning: odd\n"
    logger.info("after it")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("step 5\n", "hm\n")


def test_tasks_are_listed_and_scored(data: Path, capsys: Out) -> None:
    main(["evaluate", "--data", str(data)])
    assert {"stsb-en", "stsb-de", "sts12"} <= {*capsys.readouterr().out.split()}
    main(["evaluate", "--data", str(data), "--tasks", "stsb-*", "--peers", "tfidf"])
    assert "tfidf" in capsys.readouterr().out


@pytest.mark.slow
def test_models_and_peers_are_evaluated_in_one_table(
    data: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    class Peer:
        def __init__(self, name: str):
            assert name == "some-peer"

        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([[len(text), text.count("a") + 1] for text in texts])

    fake = types.SimpleNamespace(SentenceTransformer=Peer)
    monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
    names = ["stsb-en", "sts12", "tatoeba-deu", "geometry-stsb"]
    command = ["evaluate", model, "--tasks", *names, "--data", str(data)]
    main([*command, "--out", str(tmp_path / "out"), "--peers", "tfidf", "some-peer"])
    printed = capsys.readouterr().out
    assert "MSRpar" in printed
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    assert [row["model"] for row in scores["rows"]] == ["tfidf", "some-peer", model]
    assert list(scores["tasks"]) == names
    for row in scores["rows"]:
        for name, about in scores["tasks"].items():
            found, metric = row["scores"][name], about["metric"]
            assert f"{found[metric]:.3f}" in printed
            if name != "geometry-stsb":
                assert found[f"{metric}_low"] <= found[metric] <= found[f"{metric}_high"]
    examples = {path.name for path in (tmp_path / "out/examples").iterdir()}
    assert "neighbours.png" in examples
    assert "geometry-stsb" in (tmp_path / "out/report.html").read_text()


def test_encoded_files_are_searched(
    model: str, corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    vectors = str(tmp_path / "vectors")
    encode = ["encode", corpus, vectors, "--model", model, "--keep", "id", "--shard-size", "2"]
    main(encode)
    expected = SentenceEncoder.load(model).encode(TEXTS)
    np.testing.assert_allclose(read_shards(Path(vectors)), expected, atol=1e-6)
    tables = [parquet.read_table(path) for path in sorted(Path(vectors).glob("*.parquet"))]
    assert pyarrow.concat_tables(tables)["id"].to_pylist() == [0, 1, 2]
    with pytest.raises(SystemExit, match="shard_size"):
        main([*encode, "--shard-size", "3"])
    for extra in ([], ["--vectors", vectors]):
        monkeypatch.setattr("sys.stdin", io.StringIO("a man plays teh guitar\nthe stock market\n"))
        capsys.readouterr()
        main(["search", corpus, "--model", model, "-k", "2", "--show", "id", "text", *extra])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 6
        assert lines[1].endswith("0  a man plays the guitar")
        assert lines[4].endswith("2  the stock market fell")
    other = tmp_path / "other.txt"
    other.write_text("one\n")
    for arguments, word in (
        ([corpus, "--show", "title"], "title"),
        ([str(other), "--vectors", vectors], "another file"),
    ):
        with pytest.raises(SystemExit, match=word):
            main(["search", *arguments, "--model", model])


@pytest.mark.slow
def test_any_text_is_printed(model: str, tmp_path: Path) -> None:
    """Lone surrogates, as broken JSON has them, and letters that the locale lacks."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"text": "\\udc80 a dog \\ud83d"}\n{"text": "caf\\u00e9"}\n')
    command = [sys.executable, "-m", "pixel_linguist", "search", str(corpus), "--model", model]
    for encoding, cafe in (("utf-8", "café"), ("ascii", "caf?")):
        done = subprocess.run(
            command,
            input=b"a dog\ncat\n",
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        printed = done.stdout.decode(encoding)
        assert printed.count("? a dog ?") == printed.count(cafe) == 2


def test_texts_are_drawn_in_each_family_and_strategy(tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "x.png"
    where = ["--family", "noto", "mono", "--strategy", "words", "mono", "--out", str(out)]
    main(
        [
            "render",
            *where,
            "one two three four",
            "--length=3",
            "--scale=2",
            "--perturb=shuffle_words",
        ]
    )
    said = capsys.readouterr().out
    assert said.count("of ") == 8 and "mono, words, shuffle_words: 3 of" in said
    picture = np.asarray(Image.open(out))
    # Captions and numbers are 24 rows, a line of patches is 34; a red bar marks each as cut.
    assert picture.shape[0] == 8 * (24 + 34) + 7 * 4
    assert (picture == (200, 30, 30)).all(-1).any()


def test_noto_covers_every_script_it_promises(capsys: Out) -> None:
    chain = Chain(family("noto"), 16)
    if chain.absent:
        pytest.skip(f"not installed: {', '.join(chain.absent)}")
    assert {script for script, _, missing in coverage("noto") if not missing} == set(
        manifest()["samples"]
    )
    main(["render", "--coverage", "noto"])
    assert "Tibetan             NotoSerifTibetan" in capsys.readouterr().out


def test_installing_fonts_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    def install(families: Any) -> Any:
        return iter([("RobotoMono", ""), ("Unifont", "apt: no network")])

    monkeypatch.setattr("pixel_linguist.cli.render.install", install)
    main(["render", "--install-fonts", "noto"])
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and "1 of 2" in line and "Unifont" in line
