"""What a run's folder tells, read leniently: a run may be half-way, or have been killed."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pixel_linguist.files import read_json

# Rows of the table of scores that no stage trained.
BASELINES = {"tfidf": "TF-IDF", "untrained": "untrained"}


@dataclasses.dataclass(frozen=True)
class Curve:
    """The metrics of one stage, logged as it went.

    Attributes:
        steps: int, ascending.
        values: metric → one float a step, NaN where it was not logged.
    """

    steps: list[int]
    values: dict[str, list[float]]

    def last(self, name: str) -> float:
        """Return the last value of a metric, or NaN."""
        return self.values[name][-1] if name in self.values else math.nan


@dataclasses.dataclass(frozen=True)
class Scored:
    """One row of the table: a model and task → metric → score."""

    model: str
    scores: Mapping[str, Mapping[str, float]]

    @property
    def trained(self) -> bool:
        """Tell whether a stage made it."""
        return self.model not in BASELINES

    def score(self, task: str, metric: str) -> float:
        """Return a score, or NaN if there is none."""
        return number(_mapping(_mapping(self.scores).get(task)).get(metric))


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What is known of a run.

    Attributes:
        name: the folder's.
        config: as run; empty if there is none.
        order: the stages, those that have not begun included.
        finished: the stages that have left their model.
        training: stage → its metrics, in `order`.
        solved: stage → seconds that it took to solve it in closed form.
        evaluations: stage → its scores as it went, each named "task/metric"; in `order`.
        rows: of the table of scores, in the order in which they were made.
        metrics: task → the metric that stands for it.
        pairs: stage → the picture of its first pairs.
        reconstructions: stage → the picture of what its masked autoencoder fills in.
        examples: name → picture of what the model makes of sentences.
        versions: library → version.
        skipped: lines of metrics.jsonl that could not be read.
    """

    name: str
    config: dict[str, Any]
    order: list[str]
    finished: set[str]
    training: dict[str, Curve]
    solved: dict[str, float]
    evaluations: dict[str, Curve]
    rows: list[Scored]
    metrics: dict[str, str]
    pairs: dict[str, Path]
    reconstructions: dict[str, Path]
    examples: dict[str, Path]
    versions: dict[str, str]
    skipped: int

    def stage(self, name: str) -> dict[str, Any]:
        """Return a stage's settings, or nothing if the config lacks them."""
        return _mapping(_mapping(self.config.get("stages")).get(name))

    def groups(self) -> dict[str, list[str]]:
        """Return metric → its tasks, in the order of the columns of the table."""
        return _by_metric(self.metrics)

    def watched(self) -> dict[str, list[str]]:
        """Return metric → the tasks that were scored inside the stages.

        Of a task that is not in the table, the metric that was logged first is taken.
        """
        metrics: dict[str, str] = {}
        for curve in self.evaluations.values():
            for task, metric in (key.rsplit("/", 1) for key in curve.values):
                metrics.setdefault(task, self.metrics.get(task, metric))
        return _by_metric(metrics)


def _by_metric(metrics: Mapping[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for task, metric in metrics.items():
        groups.setdefault(metric, []).append(task)
    return groups


def number(value: Any) -> float:
    """Return a value as a float, NaN for anything that is not a finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else math.nan


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def read_run(folder: Path) -> RunRecord:
    """Read a run's folder.

    Raises:
        FileNotFoundError: if it holds neither config.json, metrics.jsonl nor scores.json.
        ValueError: if config.json or scores.json is not JSON.
    """
    parts = ("config.json", "metrics.jsonl", "scores.json")
    if not any((folder / part).is_file() for part in parts):
        raise FileNotFoundError(f"{folder} is no run's folder: it has none of {', '.join(parts)}")
    config = _read_object(folder / "config.json")
    scores = _read_object(folder / "scores.json")
    versions = _read_object(folder / "versions.json")
    records, skipped = _read_lines(folder / "metrics.jsonl")
    seen = [record["stage"] for record in records]
    order = list(dict.fromkeys([*config.get("order", []), *seen]))
    training = {name: _curve(records, "train", name) for name in order}
    solving = {name: _curve(records, "solve", name) for name in order}
    evaluations = {name: _curve(records, "evaluation", name) for name in order}
    rows = [_mapping(row) for row in scores.get("rows", [])]
    tasks = {task: _mapping(about) for task, about in _mapping(scores.get("tasks")).items()}
    return RunRecord(
        name=folder.resolve().name,
        config=config,
        order=order,
        finished={n for n in order if (folder / "stages" / n / "model" / "config.json").is_file()},
        training={name: curve for name, curve in training.items() if curve.steps},
        solved={name: curve.last("seconds") for name, curve in solving.items() if curve.steps},
        evaluations={name: curve for name, curve in evaluations.items() if curve.steps},
        rows=[Scored(row["model"], _mapping(row.get("scores"))) for row in rows if "model" in row],
        metrics={task: about.get("metric", "score") for task, about in tasks.items()},
        pairs=_pictures(folder / "pairs", order),
        reconstructions=_pictures(folder / "reconstructions", order),
        examples={path.stem: path for path in (folder / "examples").glob("*.png")},
        versions={library: str(version) for library, version in versions.items()},
        skipped=skipped,
    )


def _pictures(folder: Path, order: Iterable[str]) -> dict[str, Path]:
    """Return stage → its picture in a folder, of those that have one."""
    return {name: path for name in order if (path := folder / f"{name}.png").is_file()}


def _read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; nothing if there is no such file."""
    return _mapping(read_json(path)) if path.is_file() else {}


def _read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Read metrics.jsonl: its records, and how many lines are none (a killed run leaves one)."""
    if not path.is_file():
        return [], 0
    records, skipped = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        known = isinstance(record, dict) and isinstance(record.get("stage"), str)
        if known and isinstance(record.get("step"), int):
            records.append(record)
        elif line.strip():
            skipped += 1
    return records, skipped


def _curve(records: Iterable[dict[str, Any]], kind: str, stage: str) -> Curve:
    """Gather what was logged of a stage; of a step that was logged twice, the later counts."""
    by_step: dict[int, dict[str, float]] = {}
    for record in records:
        if record.get("kind") == kind and record["stage"] == stage:
            by_step[record["step"]] = dict(_numbers(record))
    steps = sorted(by_step)
    names = dict.fromkeys(name for step in steps for name in by_step[step])
    values = {name: [by_step[step].get(name, math.nan) for step in steps] for name in names}
    return Curve(steps, values)


def _numbers(record: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    """Yield a record's metrics, or an evaluation's scores as "task/metric"."""
    if record["kind"] == "evaluation":
        for task, scores in _mapping(record.get("scores")).items():
            for metric, value in _mapping(scores).items():
                yield f"{task}/{metric}", number(value)
    else:
        for name in record.keys() - {"kind", "stage", "step"}:
            yield name, number(record[name])
