"""Stages from start to end: run again, stopped, given up early, resumed to the same bytes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.config import plain
from pixel_linguist.files import read_json
from pixel_linguist.model.store import OBJECTIVE, load_model
from pixel_linguist.train import scores as scores_module
from pixel_linguist.train.pictures import Report
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.rehearsal import StopsAfter
from pixel_linguist.train.results import Result
from pixel_linguist.train.run import next_batch, run_recipe, train_stage
from pixel_linguist.train.scores import Scorer
from pixel_linguist.train.stage import stage_settings
from pixel_linguist.train.stage_logger import StageLogger
from tests.train.tiny import begun, change, recipe


def metrics(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == kind]


@pytest.mark.slow
def test_a_deleted_stage_runs_again_with_those_that_start_from_it(tmp_path: Path) -> None:
    config = recipe("both", "other")
    # A learnt temperature is a parameter of the objective.
    for name in ("both", "other"):
        change(config, f"stages.{name}.objective.learnable_temperature", True)
    run_recipe(config, tmp_path, Preemption())
    assert (tmp_path / "stages" / "average" / "model" / OBJECTIVE).is_file()
    assert not (tmp_path / "model" / OBJECTIVE).exists()
    assert load_model(tmp_path / "model").encoder.config.width == 16
    shutil.rmtree(tmp_path / "stages" / "both")
    change(config, "stages.both.schedule.peak", 0.05)
    with pytest.raises(ValueError, match=r"starts\.both"):
        run_recipe(config, tmp_path, Preemption())
    rows = read_json(tmp_path / "scores.json")["rows"]
    shutil.rmtree(tmp_path / "stages" / "average")
    run_recipe(config, tmp_path, Preemption())
    again = read_json(tmp_path / "scores.json")["rows"]
    assert sorted(row["model"] for row in again) == sorted(row["model"] for row in rows)
    assert again[-1]["model"] == "average" and again[-1] not in rows


def test_changed_settings_and_data_of_a_stage_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "mine" / "data.arrow"
    data.parent.mkdir()
    data.write_bytes(b"one")
    config = recipe("both")
    source: dict[str, Any] = {
        "name": "huggingface",
        "dataset": "mine",
        "config": None,
        "split": "train",
    }
    source["columns"] = ("text",)
    context, _, _ = begun(config, "both", tmp_path / "run")
    change(config, "stages.both.data.sentences.source", source)
    change(config, "data_dir", str(tmp_path))
    with pytest.raises(ValueError, match="source"):
        context.folder.check({"both": stage_settings(context, "both", {})})
    (tmp_path / "run" / "stages" / "both" / "stage.json").unlink()
    context.folder.begin_stage("both", stage_settings(context, "both", {}))
    context.folder.check({"both": plain(stage_settings(context, "both", {}))})
    data.write_bytes(b"two")
    with pytest.raises(ValueError, match=r"sha256\.mine"):
        context.folder.check({"both": stage_settings(context, "both", {})})


LOOK = {
    "styles": {"size": {"strength": 1.0}, "weight": {"strength": 0.5}},
    "augment": {"shift": {"strength": 1.0}, "contrast": {"strength": 0.5}},
    "window": 2,
}


@pytest.mark.slow
def test_a_styled_and_augmented_stage_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    config = recipe("both")
    for key, value in LOOK.items():
        change(config, f"stages.both.{key}", value)

    def finished(name: str, *stops: int) -> dict[str, Any]:
        folder = tmp_path / name
        for step in stops:
            with pytest.raises(Preempted):
                run_recipe(config, folder, StopsAfter(step))
        run_recipe(config, folder, Preemption())
        losses = {line["step"]: line["loss"] for line in metrics(folder, "train")}
        model = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
        return {"losses": losses, "model": model}

    whole = finished("whole")
    assert finished("stopped", 1, 2) == whole
    change(config, "stages.both.augment", {})
    assert finished("as drawn")["model"] != whole["model"]


@pytest.fixture
def worse(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every evaluation in a stage score less than the one before; return the calls."""
    calls: list[int] = []

    def score(self: Scorer, params: Any, names: Any) -> dict[str, dict[str, float]]:
        calls.append(len(calls))
        return {"sts-en": {"spearman": -float(len(calls))}}

    monkeypatch.setattr(scores_module.Scorer, "score", score)
    return calls


@pytest.mark.slow
def test_patience_ends_a_stage_also_after_a_resume(tmp_path: Path, worse: list[int]) -> None:
    config = recipe("both")
    for key, value in {"steps": 12, "evaluate_every": 1, "patience": 4}.items():
        change(config, f"stages.both.{key}", value)
    change(config, "stages.both.evaluate_tasks", ("sts-en",))
    change(config, "stages.both.best_metric", "sts-en/spearman")
    _, stage, scorer = begun(config, "both", tmp_path)
    start = Result(stage.context.encoder.init(0), {})
    with pytest.raises(Preempted):
        train_stage(stage, start, scorer, StopsAfter(3), Report())
    train_stage(stage, start, scorer, Preemption(), Report())
    # The first is the best, and four more are waited for.
    assert [line["step"] for line in metrics(tmp_path, "evaluation")] == [1, 2, 3, 4, 5]
    assert len(worse) == 5
    assert read_json(stage.folder / "best" / "score.json")["step"] == 1


class Fails:
    """An iterator of batches that fails."""

    def __init__(self, error: RuntimeError):
        self.error = error

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RuntimeError("no worker can process a picture of 3 x 3 pixels"), RuntimeError),
        (RuntimeError("Worker process was terminated unexpectedly"), ChildProcessError),
    ],
)
def test_errors_of_data_are_raised_as_they_are_but_for_dead_workers(
    tmp_path: Path, error: RuntimeError, raised: type[Exception]
) -> None:
    _, stage, _ = begun(recipe("both"), "both", tmp_path)
    with StageLogger(stage, 0) as log, pytest.raises(raised) as found:
        next_batch(Fails(error), log, "pmap", lambda batch: batch)
    assert type(found.value) is raised
    assert (found.value is error) == (raised is RuntimeError)
