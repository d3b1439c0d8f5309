"""The page says what the run's folder says, needs nothing else, and bears any state of a run."""

import base64
import importlib
import json
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import pixel_linguist.report
from pixel_linguist.cli.main import main
from pixel_linguist.report.page import write_report
from pixel_linguist.report.run_record import read_comparison, read_run
from pixel_linguist.report.run_report import RunReport
from pixel_linguist.report.summary import summarise
from pixel_linguist.report.tables import describe_perturbations

MakeRun = Callable[..., Path]
no_plots = pytest.mark.usefixtures("no_plots")


class Page:
    """A page, which has to be well-formed XML, and its tables of (classes, text, exact value)."""

    def __init__(self, path: Path):
        self.root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.root.itertext())
        self.tables = {
            table.get("class", ""): [[self._cell(cell) for cell in row] for row in table.iter("tr")]
            for table in self.root.iter("table")
        }

    @staticmethod
    def _cell(cell: ElementTree.Element) -> tuple[str, str, float]:
        exact = [float(data.get("value", "")) for data in cell.iter("data")]
        text = " ".join(" ".join(cell.itertext()).split())
        return cell.get("class", ""), text, exact[0] if exact else math.nan

    def stages(self) -> dict[str, list[str]]:
        """Return stage → the texts of its row."""
        rows = [[text for _, text, _ in row] for row in self.tables["stages"][1:]]
        return {row[0].split()[0]: row for row in rows}


def change(path: Path, edit: Callable[[Any], Any]) -> Any:
    """Change a JSON file's content in place, and return it."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return content


@no_plots
def test_every_score_stands_in_its_place_with_its_gain(make_run: MakeRun) -> None:
    folder = make_run()
    order = ["tfidf", "untrained", "visual", "topical", "visual_words", "nli"]

    def edit(scores: Any) -> None:
        # A baseline that is just as good is not marked as best.
        for task, about in scores["tasks"].items():
            column = [row["scores"][task] for row in scores["rows"]]
            column[1][about["metric"]] = max(cell[about["metric"]] for cell in column[2:])
        # Scored out of order: the row before is not the model that nli starts from.
        rows = {row["model"]: row for row in scores["rows"]}
        rows["visual_words"] = {**rows["visual"], "model": "visual_words"}
        bounds = {"spearman": -0.25, "spearman_low": -0.5, "spearman_high": 0.125}
        rows["nli"]["scores"]["sts-en"] = bounds
        scores["rows"] = [rows[model] for model in order]

    scores = change(folder / "scores.json", edit)
    starts = {
        "visual": "untrained",  # an average of unscored stages: the row before
        "topical": "visual",
        "visual_words": "untrained",  # from scratch
        "nli": "topical",
    }
    groups, names, *rows = Page(write_report(folder)).tables["scores"]
    assert [text for _, text, _ in groups] == ["model", "spearman", "accuracy"]
    assert [text for _, text, _ in names] == list(scores["tasks"])
    exact = {
        row["model"]: [row["scores"][task][a["metric"]] for task, a in scores["tasks"].items()]
        for row in scores["rows"]
    }
    for model, ((_, head, _), *cells) in zip(order, rows, strict=True):
        assert head.split()[0] == {"tfidf": "TF-IDF"}.get(model, model)
        assert [value for _, _, value in cells] == exact[model]
        shown = [text.replace("−", "-").split() for _, text, _ in cells]
        np.testing.assert_allclose([float(s[0]) for s in shown], exact[model], atol=5.001e-4)
        if model in starts:
            gains = np.subtract(exact[model], exact[starts[model]])
            np.testing.assert_allclose([float(s[1]) for s in shown], gains, atol=5.001e-4)
        else:
            assert all(len(s) == 1 for s in shown)
        best = ["best" in classes.split() for classes, _, _ in cells]
        trained = np.array([exact[name] for name in order[2:]])
        assert best == (np.array(exact[model] == trained.max(axis=0)) & (model in starts)).tolist()
    assert "−0.250" in rows[-1][1][1] and "−0.500 to 0.125" in rows[-1][1][1]


@no_plots
def test_the_summary_has_the_figures_of_the_run(make_run: MakeRun) -> None:
    folder = make_run()
    rows = json.loads((folder / "scores.json").read_text())["rows"]
    mean = {
        row["model"]: np.mean([row["scores"][task]["spearman"] for task in ("sts-en", "sts-vel")])
        for row in rows
    }
    progress, result, gain = summarise(read_run(folder))
    # 34 logs of 3.2 seconds.
    assert "5 of 5" in progress and "680" in progress and "1 min 49 s" in progress
    assert f"nli, the last scored stage, reaches a mean spearman of {mean['nli']:.3f}" in result
    assert f"TF-IDF {mean['tfidf']:.3f}, untrained {mean['untrained']:.3f}" in result
    starts = {"visual": "untrained", "topical": "visual", "nli": "topical"}
    gains = {model: mean[model] - mean[start] for model, start in starts.items()}
    most = max(gains, key=gains.__getitem__)
    assert f"{most}: {gains[most]:+.3f} over {starts[most]}".replace("-", "−") in gain
    (folder / "scores.json").unlink()
    assert "loss of nli went from 4.343 to 0.650" in summarise(read_run(folder))[1]
    assert summarise(read_run(folder))[0] in Page(write_report(folder)).text


@no_plots
def test_every_stage_is_there_with_its_state_and_objective(make_run: MakeRun) -> None:
    folder = make_run("models")
    (folder / "stages/visual/model").mkdir(parents=True)
    (folder / "stages/visual/model/config.json").write_text("{}")
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["stage"] != "nli"]
    # A step that is logged twice counts once.
    again = {"kind": "train", "stage": "topical", "step": 160, "loss": 7.125}
    (folder / "metrics.jsonl").write_text("".join([*kept, json.dumps(again)]))
    change(
        folder / "config.json",
        lambda config: config["stages"]["topical"].update(objective={"name": "cosent"}),
    )
    page = Page(write_report(folder))
    rows = page.stages()
    assert list(rows) == ["visual_characters", "visual_words", "visual", "topical", "nli"]
    assert "at step 160 of 160" in rows["topical"][3] and rows["topical"][7:9] == ["7.125", "–"]
    assert rows["topical"][1:3] == ["sentences → identity", "shuffle words (0.5, window 2)"]
    assert rows["visual"][0] == "visual average of visual_characters, visual_words"
    assert "finished" in rows["visual"][3] and rows["visual"][4:] == ["–"] * 6
    assert "not started" in rows["nli"][3]
    assert re.search(r"cosent: \S.*\(topical\)", page.text)


def test_a_stage_is_described_by_all_that_changes_its_pictures() -> None:
    stage = {
        "perturb": {"shuffle_words": {"rate": 0.5, "window": 2}},
        "styles": {"size": {"strength": 1.0}, "family": {"strength": 0.5, "families": ["mono"]}},
        "augment": {"mask_spans": {"strength": 0.2}},
    }
    text = "shuffle words (0.5, window 2); style: size (1.0), family (0.5, families ['mono'])"
    assert describe_perturbations(stage) == text + "; pixels: mask spans (0.2)"
    assert describe_perturbations({"perturb": {}}) == describe_perturbations({}) == ""


def test_the_page_is_one_file_whose_plots_are_those_of_the_folder(make_run: MakeRun) -> None:
    folder = make_run()
    expected: set[bytes] = set()
    for name in ("pairs", "images", "examples"):
        picture = folder / name / ("neighbours.png" if name == "examples" else "nli.png")
        picture.parent.mkdir()
        Image.new("L", (40, 20), 255 - len(expected)).save(picture)
        expected.add(picture.read_bytes())
    masked = {"name": "masked_autoencoder", "mask_ratio": 0.25, "decoder": {"width": 96}}
    change(folder / "config.json", lambda c: c["stages"]["nli"].update(objective=masked))
    path = write_report(folder)
    names = {plot.stem for plot in (folder / "plots").iterdir()}
    assert names == {
        "loss", "accuracy", "geometry", "optimizer", "speed",
        "during-spearman", "scores-spearman", "scores-accuracy",
    }  # fmt: skip
    expected |= {plot.read_bytes() for plot in (folder / "plots").glob("*.svg")}
    page = Page(path)
    pictures = [image.get("src", "") for image in page.root.iter("img")]
    assert {base64.b64decode(url.partition("base64,")[2]) for url in pictures} == expected
    assert len(pictures) == len(expected)
    ids = {element.get("id") for element in page.root.iter()}
    assert {link.get("href", "")[1:] for link in page.root.iter("a")} <= ids
    assert "masked autoencoder (mask ratio 0.25)" in page.text
    rest = re.sub(r"base64,[\w+/=]+", "", path.read_text().lower())
    assert not re.search(r"https?:|//\w|@import|<script|url\(", rest)


@pytest.mark.parametrize("without", [
    ("scores.json", "models"),
    ("metrics.jsonl", "scores.json", "models"),
    ("config.json", "scores.json"),
    ("config.json", "metrics.jsonl"),
])  # fmt: skip
def test_a_run_in_the_middle_has_a_report(make_run: MakeRun, without: tuple[str, ...]) -> None:
    folder = make_run(*without)
    page = Page(write_report(folder))
    plots = {path.stem for path in (folder / "plots").glob("*.svg")}
    assert ({"loss", "during-spearman"} <= plots) == ("metrics.jsonl" not in without)
    assert ({"scores-spearman", "scores-accuracy"} <= plots) == ("scores.json" not in without)
    assert ("scores" in page.tables) == ("scores.json" not in without)


def test_broken_lines_missing_values_and_odd_names_are_borne(make_run: MakeRun) -> None:
    folder = make_run()
    where = {"kind": "train", "stage": "nli"}
    odd = [where | {"step": 500, "loss": math.nan, "accuracy": None}]
    odd += [where | {"step": 520, "loss": math.inf, "seconds": 1.0}]
    broken = ['{"kind": "train", "stage": "nli", "st', '{"kind": "train"}', "\x00\x00"]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("\n".join([*broken, *map(json.dumps, odd)]) + "\n")
    missing = {"sts-en": {"spearman": math.nan}, "sts-vel": {}}
    change(folder / "scores.json", lambda scores: scores["rows"][-1].update(scores=missing))
    (folder / "versions.json").write_text('{"jax": "0.10.2"}')
    name = '<script>$x_1$ & "й" \' _'
    for part in ("config.json", "metrics.jsonl", "scores.json"):
        text, quoted = (folder / part).read_text(), json.dumps(name)
        (folder / part).write_text(text.replace('"nli"', quoted).replace('"sts-vel"', quoted))
    page = Page(write_report(folder))
    assert name in page.tables["scores"][1][1][1]
    assert page.tables["stages"][-1][0][1].startswith(name)
    assert "3 lines of metrics.jsonl" in page.text
    assert [text for _, text, _ in page.tables["scores"][-1][1:]] == ["–"] * 4
    assert "nan" not in page.text.lower().split()
    assert "0.10.2" in page.text


@no_plots
def test_a_comparison_has_the_last_model_of_each_run(make_run: MakeRun, tmp_path: Path) -> None:
    run, other = make_run(), tmp_path / "other"
    other.mkdir()
    row = {"model": "ours", "scores": {"sts-en": {"spearman": 0.5}, "else": {"f1": 0.1}}}
    tasks = {"sts-en": {"metric": "spearman"}, "else": {"metric": "f1"}}
    (other / "scores.json").write_text(json.dumps({"rows": [row], "tasks": tasks}))
    found = read_comparison([run, other])
    assert [r.model for r in found.rows] == ["tfidf", "untrained", "quickstart: nli", "ours"]
    assert found.metrics == {"sts-en": "spearman"}
    main(["report", str(run), str(other), "--out", str(tmp_path / "both")])
    page = Page(tmp_path / "both/report.html")
    assert "stages" not in page.tables and "order of the recipe" not in page.text
    assert len(page.tables["scores"]) == 6
    for content, word in (({}, "no scores"), ({"rows": [row], "tasks": {}}, "common")):
        (other / "scores.json").write_text(json.dumps(content))
        with pytest.raises(SystemExit, match=word):
            main(["report", str(run), str(other), "--out", str(tmp_path / "both")])
    with pytest.raises(SystemExit):
        main(["report", str(run), str(run)])


@no_plots
def test_the_command_names_the_page_or_what_is_wrong(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run()
    main(["report", str(folder)])
    assert str(folder / "report.html") in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"config\.json"):
        main(["report", str(tmp_path)])
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(ValueError, match="JSON"):
        write_report(tmp_path)


def test_scores_are_drawn_after_each_stage(make_run: MakeRun) -> None:
    folder = make_run()
    RunReport().scored(folder)
    drawn = {path.name for path in (folder / "plots").iterdir()}
    assert drawn == {"scores-spearman.svg", "scores-accuracy.svg"}


def test_without_a_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"matplotlib.*\[report\]"):
        importlib.reload(pixel_linguist.report)
