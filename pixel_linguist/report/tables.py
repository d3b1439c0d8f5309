"""The contents of the page's tables: scores by model and task, and the settings of each stage."""

import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pixel_linguist.objective.objectives import OBJECTIVES
from pixel_linguist.report.run_record import RunRecord, Scored

MISSING = "–"
# Scores are shown with this many decimals; models that differ by less are tied.
DECIMALS = 3


class Cell(NamedTuple):
    """One score as it is shown; texts are empty for what is not known."""

    exact: float
    text: str
    gain: str  # over `start_row`
    trend: str  # "up" or "down", or "" if the rounded gain is 0
    interval: str  # the ends of its bootstrap interval
    best: bool  # of the trained models, after rounding


def score_cells(run: RunRecord, row: Scored) -> list[Cell]:
    """Return a model's scores, a cell a task, tasks grouped by metric."""
    start = start_row(run, row)
    cells = []
    for metric, tasks in run.groups(run.metrics).items():
        for task in tasks:
            score, low, high = (row.score(task, f"{metric}{end}") for end in ("", "_low", "_high"))
            gain = round(score - start.score(task, metric), DECIMALS) if start else math.nan
            rivals = [other.score(task, metric) for other in run.rows if other.trained]
            top = max((round(s, DECIMALS) for s in rivals if math.isfinite(s)), default=math.nan)
            cells.append(
                Cell(
                    score,
                    show(score),
                    show(gain, f"+.{DECIMALS}f") if math.isfinite(gain) else "",
                    "up" if gain > 0 else "down" if gain < 0 else "",
                    f"{show(low)} to {show(high)}" if math.isfinite(low + high) else "",
                    row.trained and math.isfinite(score) and round(score, DECIMALS) == top,
                )
            )
    return cells


def start_row(run: RunRecord, row: Scored) -> Scored | None:
    """Return the row from which a trained model's gain is counted, if there is one.

    It is the row of the stage that it started from, the untrained encoder for a start from
    scratch, or else the row before.
    """
    if not row.trained:
        return None
    starts = run.stage(row.model).get("init_from")
    if starts is not None and len(starts) <= 1:
        name = starts[0] if starts else "untrained"
        if known := [other for other in run.rows if other.model == name]:
            return known[-1]
    place = run.rows.index(row)
    before = run.rows[place - 1] if place else None
    return before if before and before.model != "tfidf" else None


def score_note(run: RunRecord, row: Scored) -> str:
    """Return a few words about a row's model."""
    notes = {"tfidf": "character 2- to 4-grams", "untrained": "before any training"}
    return notes.get(row.model) or describe_start(run, row.model)


def stage_numbers(run: RunRecord, name: str) -> list[str]:
    """Return a stage's steps, batch size, patches, peak rate, last loss and accuracy, and time."""
    stage, curve = run.stage(name), run.training.get(name)
    if not (stage.get("steps") or curve):
        return [MISSING] * 7
    peak = stage.get("schedule", {}).get("peak")
    return [
        *(str(stage.get(key, MISSING)) for key in ("steps", "batch_size", "length")),
        MISSING if peak is None else f"{peak:g}",
        *(show(curve.last(metric) if curve else math.nan) for metric in ("loss", "accuracy")),
        duration(seconds_of(run, name)),
    ]


def stage_state(run: RunRecord, name: str) -> str:
    """Say how far a stage has come."""
    if name in run.finished:
        return "finished"
    if name not in run.training:
        return "not started"
    wanted = run.stage(name).get("steps")
    return f"at step {run.training[name].steps[-1]}" + (f" of {wanted}" if wanted else "")


def seconds_of(run: RunRecord, name: str) -> float:
    """Return the seconds of training in a stage; NaN if none were logged."""
    times = run.training[name].finite("seconds") if name in run.training else []
    return sum(times) if times else math.nan


def duration(seconds: float) -> str:
    """Write a time as 48 s, 6 min 12 s or 3 h 05 min."""
    if not math.isfinite(seconds):
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def show(value: float, form: str = f".{DECIMALS}f") -> str:
    """Write a number with a true minus sign, or a dash for one that is missing."""
    return format(value, form).replace("-", "−") if math.isfinite(value) else MISSING


def describe_start(run: RunRecord, name: str) -> str:
    """Say where a stage starts from; nothing if its settings do not tell."""
    starts = run.stage(name).get("init_from")
    if starts is None:
        return ""
    if len(starts) > 1:
        return f"average of {', '.join(starts)}"
    return f"from {starts[0]}" if starts else "from scratch"


def describe_pairs(stage: Mapping[str, Any]) -> str:
    """Name a stage's data, the pair maker of each part, and whether there are hard negatives."""
    parts = stage.get("data", {}).items()
    text = ", ".join(
        f"{name} → {part.get('pairs', {}).get('name', MISSING)}" for name, part in parts
    )
    hard = stage.get("objective", {}).get("hard_negatives")
    return text + (" with hard negatives" if text and hard else "")


def describe_perturbations(stage: Mapping[str, Any]) -> str:
    """Name a stage's perturbations, aspects of style and augmentations, each with its settings."""
    kinds = {"perturb": "", "styles": "style: ", "augment": "pixels: "}
    named = {about: describe_named(stage.get(key, {})) for key, about in kinds.items()}
    return "; ".join(about + names for about, names in named.items() if names)


def describe_named(specification: Mapping[str, Any]) -> str:
    """Write name → keyword arguments as "shuffle words (0.5, window 2), ..."."""
    texts = []
    for name, given in specification.items():
        shown = ", ".join(
            str(value) if key in ("rate", "strength") else f"{key.replace('_', ' ')} {value}"
            for key, value in given.items()
        )
        texts.append(name.replace("_", " ") + (f" ({shown})" if shown else ""))
    return ", ".join(texts)


def describe_objective(stage: Mapping[str, Any]) -> str:
    """Name a stage's objective with its settings, and the first sentence of its docstring."""
    settings = {k: v for k, v in stage.get("objective", {}).items() if not isinstance(v, dict)}
    name = settings.pop("name", "")
    about = inspect.getdoc(OBJECTIVES[name]) if name in OBJECTIVES else ""
    sentence = (about or "").partition("\n\n")[0].replace("\n", " ")
    return ": ".join(filter(None, (describe_named({name: settings}) if name else "", sentence)))


def describe_objectives(run: RunRecord) -> dict[str, list[str]]:
    """Return the description of each objective that has logged a loss → its stages."""
    found: dict[str, list[str]] = {}
    for name, curve in run.training.items():
        if "loss" in curve.values and (text := describe_objective(run.stage(name))):
            found.setdefault(text, []).append(name)
    return found
