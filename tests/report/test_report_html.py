"""The page says what the run's folder says, needs nothing else, and bears any state of a run."""

import base64
import html.parser
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.cli.main import main
from pixel_linguist.objective import registry
from pixel_linguist.report.captions import OBJECTIVES
from pixel_linguist.report.html import write_report
from pixel_linguist.report.tables import (
    describe_masks,
    describe_objective,
    describe_perturbations,
)

MakeRun = Callable[..., Path]
VOID = {"meta", "img", "source", "br", "link", "input", "hr"}


class Page(html.parser.HTMLParser):
    """What the tests look for in a page; a tag that is closed out of turn fails."""

    def __init__(self, path: Path):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.urls: list[str] = []
        # Table class → rows → cells as (classes, text, exact value).
        self.tables: dict[str, list[list[tuple[str, str, float]]]] = {}
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        given = {key: value or "" for key, value in attrs}
        self.urls += [given[key] for key in ("src", "srcset", "href") if key in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "table":
            self.tables[given.get("class", "")] = []
        elif tag == "tr":
            self._rows().append([])
        elif tag in {"td", "th"}:
            self._rows()[-1].append((given.get("class", ""), "", math.nan))
        elif tag == "data":
            classes, text, _ = self._rows()[-1][-1]
            self._rows()[-1][-1] = (classes, text, float(given["value"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & set(self.open):
            classes, text, value = self._rows()[-1][-1]
            self._rows()[-1][-1] = (classes, f"{text} {data}".strip(), value)

    def _rows(self) -> list[list[tuple[str, str, float]]]:
        return list(self.tables.values())[-1]


def scores_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "scores.json").read_text())


@pytest.mark.usefixtures("no_plots")
def test_every_score_stands_in_its_row_and_column(make_run: MakeRun) -> None:
    folder = make_run()
    table = Page(write_report(folder)).tables["scores"]
    scores = scores_of(folder)
    groups, names, *rows = table
    assert [text for _, text, _ in groups] == ["model", "spearman", "accuracy"]
    tasks = [text for _, text, _ in names]
    assert tasks == list(scores["tasks"])
    for row, expected in zip(rows, scores["rows"], strict=True):
        (_, head, _), *cells = row
        assert head.split()[0] == {"tfidf": "TF-IDF"}.get(expected["model"], expected["model"])
        for task, (_, text, value) in zip(tasks, cells, strict=True):
            exact = expected["scores"][task][scores["tasks"][task]["metric"]]
            assert value == exact
            assert float(text.split()[0]) == pytest.approx(exact, abs=5.001e-4)


@pytest.mark.usefixtures("no_plots")
def test_best_is_the_highest_of_the_trained_models(make_run: MakeRun) -> None:
    folder = make_run()
    scores = scores_of(folder)
    for task, about in scores["tasks"].items():
        # A baseline that is just as good is not marked.
        column = [row["scores"][task] for row in scores["rows"]]
        column[1][about["metric"]] = max(cell[about["metric"]] for cell in column[2:])
    (folder / "scores.json").write_text(json.dumps(scores))
    _, _, *rows = Page(write_report(folder)).tables["scores"]
    values = np.array([[value for _, _, value in row[1:]] for row in rows])
    best = np.array([["best" in classes.split() for classes, _, _ in row[1:]] for row in rows])
    assert not best[:2].any()
    assert (best[2:] == (values[2:] == values[2:].max(axis=0))).all()


@pytest.mark.usefixtures("no_plots")
def test_gain_is_counted_from_the_start_of_the_stage(make_run: MakeRun) -> None:
    folder = make_run()
    scores = scores_of(folder)
    # Scored out of order: the row before is another than where nli starts.
    rows = {row["model"]: row for row in scores["rows"]}
    order = ["tfidf", "untrained", "visual", "topical", "visual_words", "nli"]
    rows["visual_words"] = {**rows["visual"], "model": "visual_words"}
    scores["rows"] = [rows[model] for model in order]
    (folder / "scores.json").write_text(json.dumps(scores))
    before = {
        "visual": "untrained",  # an average of unscored stages: the row before
        "topical": "visual",
        "visual_words": "untrained",  # from scratch
        "nli": "topical",
    }
    _, _, *table = Page(write_report(folder)).tables["scores"]
    for model, row in zip(order, table, strict=True):
        for task, (_, text, value) in zip(scores["tasks"], row[1:], strict=True):
            if model not in before:
                assert len(text.split()) == 1
                continue
            metric = scores["tasks"][task]["metric"]
            gain = value - rows[before[model]]["scores"][task][metric]
            shown = float(text.split()[1].replace("−", "-"))
            assert shown == pytest.approx(gain, abs=5.001e-4)


@pytest.mark.usefixtures("no_plots")
def test_every_stage_is_there_with_its_state(make_run: MakeRun) -> None:
    folder = make_run("models")
    done = folder / "stages" / "visual" / "model"
    done.mkdir(parents=True)
    (done / "config.json").write_text("{}")
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["stage"] != "nli"]
    (folder / "metrics.jsonl").write_text("".join(kept))
    page = Page(write_report(folder))
    rows = {
        row[0][1].split()[0]: " ".join(text for _, text, _ in row)
        for row in page.tables["stages"][1:]
    }
    assert list(rows) == ["visual_characters", "visual_words", "visual", "topical", "nli"]
    assert (
        "at step 160 of 160" in rows["topical"]
        and "shuffle words (0.5, window 2)" in rows["topical"]
    )
    assert "finished" in rows["visual"] and "average of visual_characters" in rows["visual"]
    assert "not begun" in rows["nli"]
    assert "1 of 5" in page.text


@pytest.mark.usefixtures("no_plots")
def test_a_stage_that_is_solved_shows_its_time_and_no_steps_of_training(make_run: MakeRun) -> None:
    folder = make_run()
    trained = Page(write_report(folder))
    config = json.loads((folder / "config.json").read_text())
    config["order"].insert(0, "dictionary")
    settings = {**config["stages"]["visual_words"], "closed_form": {"texts": 100}}
    config["stages"]["dictionary"] = settings
    (folder / "config.json").write_text(json.dumps(config))
    model = folder / "stages" / "dictionary" / "model"
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    record = {"kind": "solve", "stage": "dictionary", "step": 60, "seconds": 67.2}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    page = Page(write_report(folder))
    row = [text for _, text, _ in page.tables["stages"][1]]
    assert row[0].startswith("dictionary") and row[-1] == "1 min 07 s"
    assert row[3] == "60 solved in closed form" and row[-4:-1] == ["–"] * 3
    (before,), (after,) = (
        re.findall(r"([\d,]+)steps of training", text) for text in (trained.text, page.text)
    )
    assert before == after


def test_the_plot_of_losses_says_what_each_stage_was_trained_for(make_run: MakeRun) -> None:
    folder = make_run()
    # A run of which no settings are known is not said to have had any objective.
    assert "ross-entropy" not in Page(write_report(folder)).text
    config = json.loads((folder / "config.json").read_text())
    contrast = {"name": "info_nce", "hard_negatives": False}
    for stage in config["stages"].values():
        stage["objective"] = contrast
    (folder / "config.json").write_text(json.dumps(config))
    found = Page(write_report(folder)).text
    assert "LossCross-entropy of finding a text's partner among the batch. Stages follow" in found
    config["stages"]["topical"]["objective"] = {"name": "distillation", "similarity_weight": 0.0}
    config["stages"]["nli"]["objective"] = {"name": "cosent", "scale": 20}
    (folder / "config.json").write_text(json.dumps(config))
    found = Page(write_report(folder)).text
    assert "partner among the batch: visual_characters, visual_words. One minus the" in found
    assert "teacher's: topical. How far the cosines of graded pairs" in found
    assert "(CoSENT): nli. Stages follow" in found


@pytest.mark.parametrize(
    ("objective", "text"),
    [
        ({"name": "info_nce", "hard_negatives": True}, "among the batch and hard negatives"),
        ({"name": "distillation", "similarity_weight": 0.3}, "likeness to the batch's vectors"),
        ({"name": "masked_autoencoder", "word_buckets": 0}, "pixels of hidden patches"),
        ({"name": "masked_autoencoder", "word_buckets": 64}, "hidden patches, and the cross-ent"),
        ({"name": "one's own"}, "one's own"),
        ({}, ""),
    ],
)
def test_an_objective_is_described_as_it_is_set(objective: dict[str, Any], text: str) -> None:
    assert text in describe_objective({"objective": objective})


def test_every_objective_has_its_description() -> None:
    assert set(OBJECTIVES) == set(registry.OBJECTIVES)


def test_a_stage_is_described_by_all_that_changes_its_pictures() -> None:
    stage = {
        "perturb": {"shuffle_words": {"rate": 0.5, "window": 2}},
        "styles": {"size": {"strength": 1.0}, "family": {"strength": 0.5, "families": ["mono"]}},
        "augment": {"mask_spans": {"strength": 0.2}},
    }
    text = "shuffle words (0.5, window 2); style: size (1.0), family (0.5, families ['mono'])"
    assert describe_perturbations(stage) == text + "; pixels: mask spans (0.2)"
    # A run of an earlier version has no styles in its settings.
    assert describe_perturbations({"perturb": {}}) == describe_perturbations({}) == ""


@pytest.mark.usefixtures("no_plots")
def test_reconstructions_are_shown_by_stage(make_run: MakeRun) -> None:
    folder = make_run()
    assert "reconstructions" not in Page(write_report(folder)).ids
    config = json.loads((folder / "config.json").read_text())
    objective = {"name": "masked_autoencoder", "mask_ratio": 0.25, "normalise_pixels": True}
    config["stages"]["topical"]["objective"] = objective
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "reconstructions").mkdir()
    path = folder / "reconstructions" / "topical.png"
    Image.new("L", (40, 20), 255).save(path)
    page = Page(write_report(folder))
    assert "reconstructions" in page.ids
    pictures = [u.partition(",")[2] for u in page.urls if u.startswith("data:")]
    assert [base64.b64decode(picture) for picture in pictures] == [path.read_bytes()]
    assert "25 % of each text hidden from the encoder" in page.text


def test_a_stage_that_masks_is_described() -> None:
    masks = {"mask_ratio": 0.3, "decoder_mask_ratio": 0.5, "normalise_pixels": False}
    text = (
        "30 % of each text hidden from the encoder; shown is what is hidden from the decoder, 50 %"
    )
    assert describe_masks({"objective": masks}).startswith(text)
    assert "contrast" not in describe_masks({"objective": masks})
    assert "contrast" in describe_masks({"objective": {**masks, "normalise_pixels": True}})
    # A stage of another objective, and one of which only a picture is left.
    assert describe_masks({"objective": {"name": "contrastive"}}) == describe_masks({}) == ""


@pytest.mark.usefixtures("no_plots")
def test_negative_scores_have_a_true_minus(make_run: MakeRun) -> None:
    folder = make_run()
    scores = scores_of(folder)
    scores["rows"][-1]["scores"]["sts-en"] = {"spearman": -0.25}
    (folder / "scores.json").write_text(json.dumps(scores))
    _, text, value = Page(write_report(folder)).tables["scores"][-1][1]
    assert text.startswith("−0.250") and value == -0.25


def test_nothing_is_fetched_and_all_links_lead_somewhere(make_run: MakeRun) -> None:
    folder = make_run()
    (folder / "pairs").mkdir()
    Image.new("L", (40, 20), 255).save(folder / "pairs" / "nli.png")
    path = write_report(folder)
    page = Page(path)
    assert page.urls
    for url in page.urls:
        assert url.startswith("data:image/png;base64,") or url.removeprefix("#") in page.ids
    rest = re.sub(r"base64,[\w+/=]+", "", path.read_text().lower())
    assert not re.search(r"https?:|//\w|@import|<script|url\(", rest)


def test_plots_are_pictures_with_curves_in_both_themes(make_run: MakeRun) -> None:
    folder = make_run()
    page = Page(write_report(folder))
    names = {path.stem for path in (folder / "plots").glob("*.png")}
    assert names == {
        "loss", "accuracy", "geometry", "optimizer", "speed",
        "during-spearman", "scores-spearman", "scores-accuracy",
    }  # fmt: skip
    images = [url for url in page.urls if url.startswith("data:")]
    assert len(images) == 2 * len(names)
    for dark, light in zip(images[::2], images[1::2], strict=True):
        means = []
        for url in (dark, light):
            png = base64.b64decode(url.partition(",")[2], validate=True)
            pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
            assert pixels.std() > 3
            means.append(pixels.mean())
        assert means[0] < 100 < 200 < means[1]
    files = {path.read_bytes() for path in (folder / "plots").glob("*.png")}
    embedded = {base64.b64decode(url.partition(",")[2]) for url in images[1::2]}
    assert files == embedded


@pytest.mark.parametrize("without", [
    ("scores.json", "models"),
    ("metrics.jsonl", "scores.json", "models"),
    ("config.json",),
    ("config.json", "scores.json"),
    ("config.json", "metrics.jsonl"),
])  # fmt: skip
def test_a_run_in_the_middle_has_a_report(make_run: MakeRun, without: tuple[str, ...]) -> None:
    folder = make_run(*without)
    page = Page(write_report(folder))
    plots = {path.stem for path in (folder / "plots").glob("*.png")}
    assert ({"loss", "during-spearman"} <= plots) == ("metrics.jsonl" not in without)
    assert ({"scores-spearman", "scores-accuracy"} <= plots) == ("scores.json" not in without)
    assert ("scores" in page.tables) == ("scores.json" not in without)
    assert ("No model has been scored yet" in page.text) == ("scores.json" in without)


def test_broken_lines_and_missing_values_are_borne(make_run: MakeRun) -> None:
    folder = make_run()
    broken = [
        '{"kind": "train", "stage": "nli", "st',
        "[1, 2]",
        '{"kind": "train", "step": 3}',
        "\x00\x00",
    ]
    odd = [
        {"kind": "train", "stage": "nli", "step": 500, "loss": math.nan, "accuracy": None},
        {"kind": "train", "stage": "nli", "step": 520, "loss": math.inf, "seconds": "long"},
        {"kind": "evaluation", "stage": "nli", "step": 520, "scores": {"sts-en": None}},
    ]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("\n".join([*broken, *map(json.dumps, odd)]) + "\n")
    scores = scores_of(folder)
    scores["rows"][-1]["scores"] = {"sts-en": {"spearman": math.nan}, "sts-vel": {}}
    (folder / "scores.json").write_text(json.dumps(scores))
    page = Page(write_report(folder))
    assert "4 lines of metrics.jsonl could not be read" in page.text
    assert [text for _, text, _ in page.tables["scores"][-1][1:]] == ["–"] * 4
    assert "nan" not in page.text.lower().split()


@pytest.mark.usefixtures("no_plots")
def test_a_step_logged_twice_counts_once(make_run: MakeRun) -> None:
    folder = make_run()
    record = {"kind": "train", "stage": "nli", "step": 400, "loss": 7.125}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    row = Page(write_report(folder)).tables["stages"][-1]
    loss, accuracy, _ = [text for _, text, _ in row][-3:]
    assert (loss, accuracy) == ("7.125", "–")


def test_names_cannot_break_the_page(make_run: MakeRun) -> None:
    folder = make_run()
    name = '<script>$x_1$ & "й" \' _'
    for file in ("config.json", "metrics.jsonl", "scores.json"):
        text = (folder / file).read_text()
        quoted = json.dumps(name)
        (folder / file).write_text(text.replace('"nli"', quoted).replace('"sts-vel"', quoted))
    page = Page(write_report(folder))
    assert name in page.tables["scores"][1][1][1]
    assert page.tables["stages"][-1][0][1].startswith(name)


@pytest.mark.usefixtures("no_plots")
def test_versions_are_shown_if_the_run_left_them(make_run: MakeRun) -> None:
    folder = make_run()
    assert "Versions of libraries" not in Page(write_report(folder)).text
    (folder / "versions.json").write_text('{"jax": "0.10.2"}')
    assert "jax0.10.2" in Page(write_report(folder)).text


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no run's folder.*config\.json"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(SystemExit, match=r"error: .*no run's folder"):
        main(["report", str(tmp_path)])
    (tmp_path / "scores.json").write_text("{")
    with pytest.raises(ValueError, match=r"scores\.json is not JSON"):
        write_report(tmp_path)


@pytest.mark.usefixtures("no_plots")
def test_the_command_names_the_page(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run()
    main(["report", str(folder)])
    assert capsys.readouterr().out == f"report: {folder / 'report.html'}\n"
