"""Figures of what tasks found beside their metric: curves under attack, distances of languages."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pixel_linguist.report.drawing import WIDTH, Figure, LinearSegmentedColormap, Theme, line
from pixel_linguist.report.record import BASELINES, RunRecord, Scored

PANELS_A_ROW = 5
NAMES_A_ROW = 4
# Of the dots of a map, once the colours are used up.
SHAPES = ("o", "^", "s", "D")


def robustness_tasks(run: RunRecord) -> list[str]:
    """Return the tasks that were scored under attacks at several strengths."""
    return [task for task in run.metrics if len(_strengths(run.rows, task)) > 1]


def robustness_figure(run: RunRecord, task: str, theme: Theme) -> Figure:
    """Draw one panel an attack: the score against its strength, a line a model."""
    attacks = list(dict.fromkeys(name for row in run.rows for name in _curves(row, task)))
    columns = min(len(attacks), PANELS_A_ROW)
    count = math.ceil(len(attacks) / columns)
    names = math.ceil(len(run.rows) / NAMES_A_ROW)
    figure = Figure(figsize=(WIDTH, 0.4 + 1.9 * count + 0.2 * names), layout="constrained")
    grid = figure.subplots(count, columns, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for axis, attack in zip(axes, attacks, strict=False):
        axis.set_title(attack.replace("_", " "), fontsize=9)
        for number, row in enumerate(run.rows):
            curve = {0.0: row.score(task, "clean")} | _curves(row, task).get(attack, {})
            if len(curve) > 1:
                label = BASELINES.get(row.model, row.model)
                axis.plot(list(curve), list(curve.values()), label=label, **line(number, theme))
    for axis in axes[len(attacks) :]:
        axis.set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=NAMES_A_ROW, fontsize=8)
    figure.supxlabel("strength of the attack", fontsize=9)
    return figure


def distance_tasks(run: RunRecord) -> list[str]:
    """Return the tasks that measured distances between languages."""
    return [task for task in run.metrics if any(_distances(row, task) for row in run.rows)]


def distance_figure(run: RunRecord, task: str, theme: Theme) -> Figure:
    """Draw the matrix of distances between languages, one for each of the last three models."""
    rows = [row for row in run.rows if _distances(row, task)][-3:]
    figure = Figure(figsize=(WIDTH * len(rows) / 3, 3.9), layout="constrained")
    shades = LinearSegmentedColormap.from_list("distance", [theme.background, theme.lines[0]])
    greatest = max(value for row in rows for value in _distances(row, task).values())
    axes = figure.subplots(1, len(rows), squeeze=False)[0]
    for axis, row in zip(axes, rows, strict=True):
        found = _distances(row, task)
        names = list(dict.fromkeys(name for pair in found for name in pair))
        matrix = np.zeros((len(names), len(names)))
        for (a, b), value in found.items():
            i, j = names.index(a), names.index(b)
            matrix[i, j] = matrix[j, i] = value
        axis.imshow(matrix, cmap=shades, vmin=0, vmax=greatest)
        axis.grid(visible=False)
        axis.set_xticks(range(len(names)), names, fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        for i, j in np.ndindex(matrix.shape):
            if i != j:
                # On a full colour the background is what can be read.
                ink = theme.background if matrix[i, j] > 0.6 * greatest else theme.ink
                look = {"color": ink, "fontsize": 8 if len(names) < 7 else 6}
                axis.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", **look)
        axis.set_title(BASELINES.get(row.model, row.model), fontsize=9)
    return figure


def map_figure(points: np.ndarray, groups: Sequence[str], theme: Theme) -> Figure:
    """Draw float [N, 2] as dots, coloured by the group of each; other shapes follow the colours."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axis = figure.subplots()
    for number, group in enumerate(dict.fromkeys(groups)):
        chosen = np.array([name == group for name in groups])
        axis.scatter(
            points[chosen, 0],
            points[chosen, 1],
            s=11,
            color=line(number, theme)["color"],
            marker=SHAPES[number // len(theme.lines) % len(SHAPES)],
            label=group,
            alpha=0.8,
            linewidths=0,
        )
    axis.grid(visible=False)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, markerscale=2)
    return figure


def _curves(row: Scored, task: str) -> dict[str, dict[float, float]]:
    """Return attack → strength → score, from scores named "ATTACK@STRENGTH"."""
    curves: dict[str, dict[float, float]] = {}
    for name in row.scores.get(task, {}):
        attack, at, strength = name.partition("@")
        if at and _is_number(strength):
            curves.setdefault(attack, {})[float(strength)] = row.score(task, name)
    return {attack: dict(sorted(curve.items())) for attack, curve in curves.items()}


def _strengths(rows: Sequence[Scored], task: str) -> set[float]:
    """Return the strengths at which a task was scored; retrieval's cuts ("recall@5") are none."""
    return {
        strength
        for row in rows
        if "clean" in row.scores.get(task, {})
        for curve in _curves(row, task).values()
        for strength in curve
    }


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _distances(row: Scored, task: str) -> Mapping[tuple[str, str], float]:
    """Return (language, language) → distance, from scores named "distance/A/B"."""
    found = {}
    for name in row.scores.get(task, {}):
        kind, *pair = name.split("/")
        if kind == "distance" and len(pair) == 2:
            found[pair[0], pair[1]] = row.score(task, name)
    return found
