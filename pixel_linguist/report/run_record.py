"""What a run's folder holds, read leniently: a run may be half-way, or have been killed."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixel_linguist.files import read_json

# Rows of the table of scores that no stage trained, and their labels.
BASELINES = {"tfidf": "TF-IDF", "untrained": "untrained"}


class Curve:
    """The logged metrics of one stage.

    Attributes:
        steps: int, ascending; of a step that was logged twice, the later record counts.
        values: metric → one float a step, NaN where it was not logged.
    """

    def __init__(self, records: Iterable[tuple[int, Mapping[str, float]]]):
        by_step = dict(sorted(dict(records).items()))
        self.steps = list(by_step)
        names = dict.fromkeys(name for values in by_step.values() for name in values)
        self.values = {
            name: [values.get(name, math.nan) for values in by_step.values()] for name in names
        }

    def last(self, name: str) -> float:
        """Return the last value of a metric, or NaN."""
        return self.values[name][-1] if name in self.values else math.nan

    def finite(self, name: str) -> list[float]:
        """Return the finite values of a metric, in order."""
        return [value for value in self.values.get(name, ()) if math.isfinite(value)]


@dataclasses.dataclass(frozen=True)
class Scored:
    """One row of the table: a model and task → metric → score, NaN for what is no number."""

    model: str
    scores: Mapping[str, Mapping[str, float]]

    @property
    def trained(self) -> bool:
        """Tell whether a stage made it."""
        return self.model not in BASELINES

    @property
    def label(self) -> str:
        """Return its name for readers."""
        return BASELINES.get(self.model, self.model)

    def score(self, task: str, metric: str) -> float:
        """Return a score, or NaN if there is none."""
        return self.scores.get(task, {}).get(metric, math.nan)


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run as its folder describes it, or several that are compared.

    Attributes:
        name: of the folder.
        rows: of the table of scores, in the order in which they were made.
        metrics: task → its main metric.
        config: as run; empty if there is none.
        order: the stages, including those that have not started; empty if nothing was trained.
        finished: the stages that have left their model.
        training: stage → its metrics, in `order`.
        evaluations: stage → its scores while it ran, each named "task/metric", in `order`.
        pictures: folder (pairs, images, examples) → name → path.
        versions: library → version.
        skipped: lines of metrics.jsonl that could not be read.
    """

    name: str
    rows: Sequence[Scored]
    metrics: Mapping[str, str]
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    order: Sequence[str] = ()
    finished: frozenset[str] = frozenset()
    training: Mapping[str, Curve] = dataclasses.field(default_factory=dict)
    evaluations: Mapping[str, Curve] = dataclasses.field(default_factory=dict)
    pictures: Mapping[str, Mapping[str, Path]] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    skipped: int = 0

    def stage(self, name: str) -> dict[str, Any]:
        """Return a stage's settings, or nothing if the config lacks them."""
        found: dict[str, Any] = self.config.get("stages", {}).get(name, {})
        return found

    def groups(self, metrics: Mapping[str, str]) -> dict[str, list[str]]:
        """Return metric → its tasks, from task → metric."""
        return {m: [t for t in metrics if metrics[t] == m] for m in dict.fromkeys(metrics.values())}

    def logged_metrics(self) -> dict[str, str]:
        """Return task → metric of the scores inside stages: the main one, or the first logged."""
        metrics: dict[str, str] = {}
        for curve in self.evaluations.values():
            for task, metric in (key.rsplit("/", 1) for key in curve.values):
                metrics.setdefault(task, self.metrics.get(task, metric))
        return metrics


def number(value: Any) -> float:
    """Return a value as a float, NaN for anything that is not a finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else math.nan


def read_run(folder: Path) -> RunRecord:
    """Read a run's folder.

    Raises:
        FileNotFoundError: if it holds neither config.json, metrics.jsonl nor scores.json.
        ValueError: if config.json or scores.json is not JSON.
    """
    parts = ("config.json", "metrics.jsonl", "scores.json")
    if not any((folder / part).is_file() for part in parts):
        raise FileNotFoundError(f"{folder} is not a run: it has none of {', '.join(parts)}")
    config, scores = (_read_object(folder / f"{part}.json") for part in ("config", "scores"))
    records, skipped = _read_lines(folder / "metrics.jsonl")
    order = list(dict.fromkeys([*config.get("order", []), *(r["stage"] for r in records)]))
    return RunRecord(
        name=folder.resolve().name,
        rows=[Scored(row["model"], _scores(row["scores"])) for row in scores.get("rows", [])],
        metrics={task: about["metric"] for task, about in scores.get("tasks", {}).items()},
        config=config,
        order=order,
        finished=frozenset(
            name for name in order if (folder / "stages" / name / "model/config.json").is_file()
        ),
        training=_curves(records, "train", order),
        evaluations=_curves(records, "evaluation", order),
        pictures={
            kind: {path.stem: path for path in sorted((folder / kind).glob("*.*g"))}
            for kind in ("pairs", "images", "examples")
        },
        versions=_read_object(folder / "versions.json"),
        skipped=skipped,
    )


def read_comparison(folders: Sequence[Path]) -> RunRecord:
    """Read the scores of several folders side by side.

    Args:
        folders: of runs, which give the row of their last model, or of evaluations, which give
            all. TF-IDF and the untrained encoder are taken from the first that has them.

    Raises:
        FileNotFoundError: if a folder is not a run's.
        ValueError: if one has no scores, or no task is scored in two of them.
    """
    runs = [read_run(folder) for folder in folders]
    rows: dict[str, Scored] = {}
    for run in runs:
        if not run.rows:
            raise ValueError(f"{run.name} has no scores to compare")
        own = [row for row in run.rows if not (run.order and row.trained)]
        if run.order and run.rows[-1].trained:
            last = run.rows[-1]
            own.append(Scored(f"{run.name}: {last.model}", last.scores))
        for row in own:
            rows.setdefault(row.model, row)
    tasks = [task for run in runs for task in run.metrics]
    shared = {
        task: metric
        for run in runs
        for task, metric in run.metrics.items()
        if tasks.count(task) > 1
    }
    name = " and ".join(run.name for run in runs)
    if not shared:
        raise ValueError(f"{name} have no task in common")
    return RunRecord(name, sorted(rows.values(), key=lambda row: row.trained), shared)


def _read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; nothing if there is no such file."""
    return read_json(path) if path.is_file() else {}


def _read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Read metrics.jsonl: its records, and the number of broken lines (a killed run leaves one)."""
    if not path.is_file():
        return [], 0
    records, skipped = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and {"kind", "stage", "step"} <= record.keys():
            records.append(record)
        elif line.strip():
            skipped += 1
    return records, skipped


def _curves(records: Sequence[dict[str, Any]], kind: str, order: Sequence[str]) -> dict[str, Curve]:
    """Return stage → what was logged of it in records of a kind, of those that have any."""
    found: dict[str, list[tuple[int, dict[str, float]]]] = {name: [] for name in order}
    for record in records:
        if record["kind"] == kind:
            found[record["stage"]].append((record["step"], _values(record)))
    return {name: Curve(values) for name, values in found.items() if values}


def _values(record: Mapping[str, Any]) -> dict[str, float]:
    """Return a record's metrics, or an evaluation's scores as "task/metric"."""
    if record["kind"] == "evaluation":
        scores = _scores(record["scores"])
        return {f"{task}/{name}": v for task, found in scores.items() for name, v in found.items()}
    return {name: number(record[name]) for name in record.keys() - {"kind", "stage", "step"}}


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return task → metric → score, from JSON."""
    return {task: {name: number(x) for name, x in found.items()} for task, found in scores.items()}
