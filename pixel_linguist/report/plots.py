"""The curves of a run as pictures, drawn with matplotlib, each in a light and a dark theme."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pixel_linguist.report.drawing import (
    WIDTH,
    Figure,
    FuncFormatter,
    Line2D,
    MaxNLocator,
    Theme,
    in_theme,
    line,
    png,
)
from pixel_linguist.report.findings import (
    distance_figure,
    distance_tasks,
    robustness_figure,
    robustness_tasks,
)
from pixel_linguist.report.record import BASELINES, Curve, RunRecord, Scored

# However short a stage, it gets this share of the x axis, so that it can be seen.
NARROWEST = 0.04
# Names of models that have more letters than these stand aslant below a plot.
LETTERS = 70


@dataclasses.dataclass(frozen=True)
class Panel:
    """One metric over all stages: how it is named in the log and on the axis."""

    metric: str
    label: str
    percent: bool = False
    from_zero: bool = False


TRAINING_PLOTS: dict[str, tuple[Panel, ...]] = {
    "loss": (Panel("loss", "loss"),),
    "accuracy": (Panel("accuracy", "in-batch accuracy", percent=True),),
    "geometry": (Panel("alignment", "alignment"), Panel("uniformity", "uniformity")),
    "optimizer": (
        Panel("learning_rate", "learning rate"),
        Panel("gradient_norm", "gradient norm"),
    ),
    "speed": (
        Panel("examples_per_second", "examples a second", from_zero=True),
        Panel("waiting_share", "waiting for data", percent=True),
    ),
}


def draw_plots(run: RunRecord, theme: Theme) -> dict[str, bytes]:
    """Draw whatever the run has figures for.

    Returns:
        Name → PNG: those of TRAINING_PLOTS, "during-METRIC" (scores inside the stages),
        "scores-METRIC" (scores by model), "attacks-TASK" and "distances-TASK".
    """
    plots = {}
    with in_theme(theme):
        for name, panels in TRAINING_PLOTS.items():
            if shown := [p for p in panels if _has_values(run.training, p.metric)]:
                plots[name] = png(_training_figure(run, shown, theme))
        for metric, tasks in run.watched().items():
            keys = {f"{task}/{metric}": task for task in tasks}
            keys = {k: task for k, task in keys.items() if _has_values(run.evaluations, k)}
            if keys:
                plots[f"during-{metric}"] = png(_during_figure(run, metric, keys, theme))
        plots |= draw_scores(run, theme)
        for task in robustness_tasks(run):
            plots[f"attacks-{task}"] = png(robustness_figure(run, task, theme))
        for task in distance_tasks(run):
            plots[f"distances-{task}"] = png(distance_figure(run, task, theme))
    return plots


def draw_scores(run: RunRecord, theme: Theme) -> dict[str, bytes]:
    """Draw the scores of the run's models so far: "scores-METRIC" → PNG."""
    plots = {}
    with in_theme(theme):
        for metric, tasks in run.groups().items():
            scored = [task for task in tasks if _has_scores(run.rows, task, metric)]
            # Two figures alone are read faster in the table.
            if scored and (run.order or len(scored) * len(run.rows) > 2):
                plots[f"scores-{metric}"] = png(
                    scores_figure(run.rows, metric, scored, theme, joined=bool(run.order))
                )
    return plots


def _has_values(curves: Mapping[str, Curve], metric: str) -> bool:
    """Tell whether there is anything to draw."""
    return any(math.isfinite(v) for c in curves.values() for v in c.values.get(metric, ()))


def _has_scores(rows: Sequence[Scored], task: str, metric: str) -> bool:
    return any(math.isfinite(row.score(task, metric)) for row in rows)


def _spans(run: RunRecord) -> dict[str, tuple[float, float, int]]:
    """Lay the stages out side by side: stage → (left, width, last step).

    Widths are in proportion to steps, but for the shortest stages.
    """
    steps = {
        name: max(
            curve.steps[-1]
            for curve in (run.training.get(name), run.evaluations.get(name))
            if curve
        )
        for name in run.order
        if name in run.training or name in run.evaluations
    }
    total = sum(steps.values())
    spans, left = {}, 0.0
    for name, count in steps.items():
        width = max(count / total if total else 0.0, NARROWEST)
        spans[name] = (left, width, max(count, 1))
        left += width
    return spans


def _stage_axes(figure: Figure, count: int, run: RunRecord, theme: Theme) -> list[Any]:
    """Make panels one above the other whose x axis is the stages one after the other."""
    axes = list(figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0])
    spans = _spans(run)
    for number, (name, (left, width, _)) in enumerate(spans.items()):
        for axis in axes:
            if number % 2 == 0:
                axis.axvspan(left, left + width, color=theme.band, linewidth=0, zorder=0)
        axes[0].text(
            left + width / 2,
            1.03,
            name,
            transform=axes[0].get_xaxis_transform(),
            rotation=35,
            rotation_mode="anchor",
            fontsize=8,
        )
    ends = [left + width for left, width, _ in spans.values()]
    axes[-1].set_xticks(ends, [compact(count) for _, _, count in spans.values()], fontsize=8)
    axes[-1].set_xlabel("steps of each stage")
    axes[-1].set_xlim(0, ends[-1] if ends else 1)
    return axes


def _draw_curve(
    axis: Any, curve: Curve, metric: str, span: tuple[float, float, int], **look: Any
) -> None:
    """Draw one stage's curve in its place."""
    values = curve.values.get(metric)
    if values is None:
        return
    left, width, last = span
    x = [left + width * step / last for step in curve.steps]
    axis.plot(x, values, clip_on=False, **look, marker="o" if len(x) < 8 else "", markersize=3)


def _training_figure(run: RunRecord, panels: Sequence[Panel], theme: Theme) -> Figure:
    """Draw metrics of the loop over all stages."""
    figure = Figure(figsize=(WIDTH, 1.2 + 2.0 * len(panels)), layout="constrained")
    axes = _stage_axes(figure, len(panels), run, theme)
    spans = _spans(run)
    for axis, panel in zip(axes, panels, strict=True):
        for name, curve in run.training.items():
            _draw_curve(axis, curve, panel.metric, spans[name], **line(0, theme))
        axis.set_ylabel(panel.label)
        if panel.percent:
            axis.set_ylim(0, 1.02)
            axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
        elif panel.from_zero:
            axis.set_ylim(bottom=0)
        axis.yaxis.set_major_locator(MaxNLocator(5))
    figure.align_ylabels(axes)
    return figure


def _legend(axis: Any, heights: Mapping[str, float], looks: Mapping[str, dict[str, Any]]) -> None:
    """Name the lines beside the plot, in the order in which they end, the highest first."""
    key = {task: -y if math.isfinite(y) else math.inf for task, y in heights.items()}
    tasks = sorted(heights, key=key.__getitem__)
    handles = [Line2D([], [], **looks[task]) for task in tasks]
    axis.legend(handles, tasks, loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8)


def _during_figure(run: RunRecord, metric: str, keys: Mapping[str, str], theme: Theme) -> Figure:
    """Draw scores that were taken inside the stages; keys: "task/metric" → task."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    (axis,) = _stage_axes(figure, 1, run, theme)
    spans = _spans(run)
    heights: dict[str, float] = {}
    looks = {task: line(number, theme) for number, task in enumerate(keys.values())}
    for key, task in keys.items():
        for name, curve in run.evaluations.items():
            _draw_curve(axis, curve, key, spans[name], **looks[task])
            heights[task] = curve.last(key) if key in curve.values else heights.get(task, math.nan)
    axis.set_ylabel(metric)
    _legend(axis, heights, looks)
    return figure


def scores_figure(
    rows: Sequence[Scored], metric: str, tasks: Sequence[str], theme: Theme, *, joined: bool
) -> Figure:
    """Draw one mark a model and task, joined by task where the models are stages; TF-IDF apart.

    Bars are the intervals of those scores that have one; tasks stand a little beside each other,
    so that each bar can be seen.
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axis = figure.subplots()
    looks = {task: line(number, theme) for number, task in enumerate(tasks)}
    heights = {}
    for number, task in enumerate(tasks):
        heights[task] = math.nan
        aside = (number - (len(tasks) - 1) / 2) * min(0.08, 0.45 / len(tasks))
        for apart, marker in ((True, "D"), (False, "o")):
            places = [x for x, row in enumerate(rows) if (row.model == "tfidf") == apart]
            scores = [rows[x].score(task, metric) for x in places]
            look = looks[task] if joined else looks[task] | {"linestyle": "none"}
            at = [x + aside for x in places]
            axis.plot(at, scores, marker=marker, markersize=4, **look)
            low, high = (
                [rows[x].score(task, f"{metric}_{end}") for x in places] for end in ("low", "high")
            )
            bars = {"colors": looks[task]["color"], "linestyles": looks[task]["linestyle"]}
            axis.vlines(at, low, high, alpha=0.5, linewidth=3, **bars)
            heights[task] = next(filter(math.isfinite, reversed(scores)), heights[task])
    names = [BASELINES.get(row.model, row.model) for row in rows]
    axis.set_xticks(range(len(rows)), names)
    if sum(map(len, names)) > LETTERS:
        for label in axis.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    axis.set_ylabel(metric)
    axis.margins(x=0.03)
    _legend(axis, heights, looks)
    return figure


def compact(count: int) -> str:
    """Write a count of steps in few characters: 950, 1.3k, 203k, 1.2M."""
    for size, letter in ((10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)
