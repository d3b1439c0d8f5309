"""Plots of training: metrics and scores over all stages, side by side in the order they ran."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from pixel_linguist.report.plot_style import BAND, WIDTH, line_style, plot_style
from pixel_linguist.report.run_record import Curve, RunRecord

# The least share of the x axis that a stage gets, so that short stages can be seen.
NARROWEST = 0.04

# Plot → the metrics of its panels.
PLOTS = {
    "loss": ("loss",),
    "accuracy": ("accuracy",),
    "geometry": ("alignment", "uniformity"),
    "optimizer": ("learning_rate", "gradient_norm"),
    "speed": ("examples_per_second", "waiting_share"),
}
SHARES = ("accuracy", "waiting_share")


@plot_style
def training_plots(run: RunRecord) -> dict[str, Figure]:
    """Draw the metrics that the run logged: those of PLOTS, and "during-METRIC" (its scores)."""
    plots = {}
    for name, metrics in PLOTS.items():
        if shown := [metric for metric in metrics if _has_values(run.training, metric)]:
            plots[name] = _training_figure(run, shown)
    for metric, tasks in run.groups(run.logged_metrics()).items():
        keys = {f"{task}/{metric}": task for task in tasks}
        keys = {key: task for key, task in keys.items() if _has_values(run.evaluations, key)}
        if keys:
            plots[f"during-{metric}"] = _scores_figure(run, metric, keys)
    return plots


def _has_values(curves: Mapping[str, Curve], metric: str) -> bool:
    return any(math.isfinite(v) for c in curves.values() for v in c.values.get(metric, ()))


class _StageAxes:
    """Panels above each other whose x axis is the stages, each as wide as it has steps."""

    def __init__(self, run: RunRecord, panels: int, height: float):
        self.figure = Figure(figsize=(WIDTH, height), layout="constrained")
        self.axes = list(self.figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])
        self.last: dict[str, int] = {}
        for name in run.order:
            if curves := [c[name] for c in (run.training, run.evaluations) if name in c]:
                self.last[name] = max(1, *(curve.steps[-1] for curve in curves))
        total, left = sum(self.last.values()), 0.0
        self.spans: dict[str, tuple[float, float]] = {}
        for number, (name, count) in enumerate(self.last.items()):
            width = max(count / total, NARROWEST)
            self.spans[name] = (left, width)
            if number % 2 == 0:
                for axis in self.axes:
                    axis.axvspan(left, left + width, color=BAND, linewidth=0, zorder=0)
            above = self.axes[0].get_xaxis_transform()
            look: Any = {"rotation": 35, "rotation_mode": "anchor", "fontsize": 8}
            self.axes[0].text(left + width / 2, 1.03, name, transform=above, **look)
            left += width
        ends = [start + width for start, width in self.spans.values()]
        counts = map(EngFormatter(sep=""), self.last.values())
        self.axes[-1].set_xticks(ends, list(counts), fontsize=8)
        self.axes[-1].set_xlabel("steps of each stage")
        self.axes[-1].set_xlim(0, left or 1)

    def draw(self, axis: Any, curves: Mapping[str, Curve], metric: str, number: int) -> None:
        """Draw the curve of each stage in its place."""
        for name, curve in curves.items():
            if metric in curve.values:
                left, width = self.spans[name]
                x = [left + width * step / self.last[name] for step in curve.steps]
                marker = "o" if len(x) < 8 else ""
                look = line_style(number) | {"marker": marker, "markersize": 3, "clip_on": False}
                axis.plot(x, curve.values[metric], **look)


def _training_figure(run: RunRecord, metrics: Sequence[str]) -> Figure:
    stages = _StageAxes(run, len(metrics), 1.2 + 2.0 * len(metrics))
    for axis, metric in zip(stages.axes, metrics, strict=True):
        stages.draw(axis, run.training, metric, 0)
        axis.set_ylabel(metric.replace("_", " "))
        axis.yaxis.set_major_locator(MaxNLocator(5))
        if metric in SHARES:
            axis.set_ylim(0, 1.02)
            axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        elif metric == "examples_per_second":
            axis.set_ylim(bottom=0)
    stages.figure.align_ylabels(stages.axes)
    return stages.figure


def _scores_figure(run: RunRecord, metric: str, keys: Mapping[str, str]) -> Figure:
    """Draw scores that were taken inside the stages; keys: "task/metric" → task."""
    stages = _StageAxes(run, 1, 3.6)
    heights: dict[str, float] = {}
    for number, (key, task) in enumerate(keys.items()):
        stages.draw(stages.axes[0], run.evaluations, key, number)
        ends = [curve.last(key) for curve in run.evaluations.values() if key in curve.values]
        heights[task] = ends[-1]
    stages.axes[0].set_ylabel(metric)
    add_legend(stages.axes[0], heights)
    return stages.figure


def add_legend(axis: Any, heights: Mapping[str, float]) -> None:
    """Name the lines beside a plot, the one that ends highest first.

    Args:
        heights: label → last value; the n-th line has the n-th style.
    """
    looks = {label: line_style(number) for number, label in enumerate(heights)}
    finite = {label: y if math.isfinite(y) else -math.inf for label, y in heights.items()}
    labels = sorted(finite, key=finite.__getitem__, reverse=True)
    handles = [Line2D([], [], **looks[label]) for label in labels]
    axis.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8)
