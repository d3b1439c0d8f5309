"""A run's folder: stages are claimed, metrics appended, scores kept."""

import json
from pathlib import Path

import pytest

from pixel_linguist.train.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def lines(run: RunFolder) -> list[tuple[str, int]]:
    text = (run.folder / "metrics.jsonl").read_text()
    return [(m["stage"], m["step"]) for m in map(json.loads, text.splitlines())]


def test_a_stage_is_finished_when_its_model_is_there(run: RunFolder) -> None:
    assert not run.finished("nli")
    run.model("nli").mkdir(parents=True)
    (run.model("nli") / "weights.safetensors").write_bytes(b"")
    assert not run.finished("nli")
    (run.model("nli") / "config.json").write_text("{}")
    assert run.finished("nli") and not run.finished("visual")


def test_a_stage_begun_with_other_settings_is_refused(run: RunFolder) -> None:
    settings = {"stage": {"steps": 10, "data": {"a": {"weight": 1.0}}}, "seed": 0}
    run.check({"nli": settings})
    run.begin_stage("nli", settings)
    fingerprint = run.fingerprint("nli")
    run.begin_stage("nli", settings)
    run.begin_stage("visual", {"stage": {"steps": 5}})
    changed = {"stage": {"steps": 20, "data": {"a": {"weight": 1.0}}}, "seed": 1}
    visual = {"stage": {"steps": 5}}
    with pytest.raises(ValueError, match="seed: 0 → 1"):
        run.check({"nli": changed, "visual": visual})
    run.check({"nli": settings, "visual": visual, "later": {}})
    assert run.fingerprint("nli") == fingerprint != run.fingerprint("visual")


def test_the_folder_of_another_recipe_is_refused(run: RunFolder) -> None:
    run.begin_stage("nli", {})
    with pytest.raises(ValueError, match="nli"):
        run.check({"visual": {}})


def test_a_folder_that_is_no_run_is_refused(run: RunFolder) -> None:
    (run.folder / "config.json").write_text('{"format": "pixel_linguist/1"}')
    with pytest.raises(ValueError, match="another folder"):
        run.check({"nli": {}})


def test_metrics_of_steps_that_will_come_again_are_forgotten(run: RunFolder) -> None:
    run.folder.mkdir(exist_ok=True)
    for stage, step in (("visual", 5), ("nli", 5), ("nli", 10), ("nli", 15)):
        run.log("train", stage, step, {"loss": 1.5})
    # The run was killed while it wrote.
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "sta')
    run.forget_after("nli", 10)
    assert lines(run) == [("visual", 5), ("nli", 5), ("nli", 10)]
    run.log("train", "nli", 15, {"loss": 1.0})
    run.forget_after("nli", 0)
    assert lines(run) == [("visual", 5)]


def test_a_row_of_scores_replaces_the_one_of_its_name(run: RunFolder) -> None:
    assert run.scores() == []
    tasks = {"sts": {"metric": "spearman"}}
    for model, score in (("a", 0.1), ("b", 0.2), ("a", 0.3)):
        run.add_scores(model, {"sts": {"spearman": score}}, tasks)
    assert [(row["model"], row["scores"]["sts"]["spearman"]) for row in run.scores()] == [
        ("b", 0.2),
        ("a", 0.3),
    ]
    assert json.loads((run.folder / "scores.json").read_text())["tasks"] == tasks
