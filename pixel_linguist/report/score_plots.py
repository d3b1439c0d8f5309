"""Plots of scores: by model, under attack, distances of languages, a map of embeddings."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pixel_linguist.report.plot_style import INK, LINES, PAPER, WIDTH, line_style, plot_style
from pixel_linguist.report.run_record import RunRecord, Scored
from pixel_linguist.report.training_plots import add_legend

PANELS_A_ROW = 5
NAMES_A_ROW = 4
# Names of models with more letters than this in total are drawn at an angle.
LETTERS = 70
# Of the dots of a map, after the last colour.
SHAPES = ("o", "^", "s", "D")


def score_plots(run: RunRecord) -> dict[str, Figure]:
    """Draw the scores of the run's models so far, "scores-METRIC", where they are more than two."""
    plots = {}
    for metric, tasks in run.groups(run.metrics).items():
        scored = [t for t in tasks if any(math.isfinite(row.score(t, metric)) for row in run.rows)]
        if scored and (run.order or len(scored) * len(run.rows) > 2):
            plots[f"scores-{metric}"] = score_figure(run, metric, scored)
    return plots


def detail_plots(run: RunRecord) -> dict[str, Figure]:
    """Draw "attacks-TASK" and "distances-TASK", where tasks measured these."""
    tasks = {task: [row for row in run.rows if task in row.scores] for task in run.metrics}
    plots = {
        f"attacks-{task}": attack_figure(run, task)
        for task, rows in tasks.items()
        if len({s for row in rows for curve in _curves(row, task).values() for s in curve}) > 2
    }
    return plots | {
        f"distances-{task}": distance_figure(run, task)
        for task, rows in tasks.items()
        if any(_distances(row, task) for row in rows)
    }


@plot_style
def score_figure(run: RunRecord, metric: str, tasks: Sequence[str]) -> Figure:
    """Draw one mark a model and task, joined by task where the models are stages of one run.

    TF-IDF stands apart. Bars are intervals, where scores have them; tasks are drawn a little
    beside each other, so that each bar can be seen.
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axis = figure.subplots()
    heights = {}
    for number, task in enumerate(tasks):
        heights[task] = math.nan
        look = line_style(number)
        aside = (number - (len(tasks) - 1) / 2) * min(0.08, 0.45 / len(tasks))
        for apart, marker in ((True, "D"), (False, "o")):
            places = [x for x, row in enumerate(run.rows) if (row.model == "tfidf") == apart]
            scores, low, high = (
                [run.rows[x].score(task, f"{metric}{end}") for x in places]
                for end in ("", "_low", "_high")
            )
            at = [x + aside for x in places]
            joined = look if run.order else look | {"linestyle": "none"}
            axis.plot(at, scores, marker=marker, markersize=4, **joined)
            bars = {"colors": look["color"], "linestyles": look["linestyle"]}
            axis.vlines(at, low, high, alpha=0.5, linewidth=3, **bars)
            heights[task] = next(filter(math.isfinite, reversed(scores)), heights[task])
    names = [row.label for row in run.rows]
    axis.set_xticks(range(len(names)), names)
    if sum(map(len, names)) > LETTERS:
        for label in axis.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    axis.set_ylabel(metric)
    axis.margins(x=0.03)
    add_legend(axis, heights)
    return figure


@plot_style
def attack_figure(run: RunRecord, task: str) -> Figure:
    """Draw one panel an attack: the score against its strength, a line a model."""
    attacks = list(dict.fromkeys(name for row in run.rows for name in _curves(row, task)))
    columns = min(len(attacks), PANELS_A_ROW)
    count = math.ceil(len(attacks) / columns)
    names = math.ceil(len(run.rows) / NAMES_A_ROW)
    figure = Figure(figsize=(WIDTH, 0.4 + 1.9 * count + 0.2 * names), layout="constrained")
    axes = list(figure.subplots(count, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axis, attack in zip(axes, attacks, strict=False):
        axis.set_title(attack.replace("_", " "), fontsize=9)
        for number, row in enumerate(run.rows):
            if curve := _curves(row, task).get(attack):
                look = line_style(number)
                axis.plot(list(curve), list(curve.values()), label=row.label, **look)
    for axis in axes[len(attacks) :]:
        axis.set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=NAMES_A_ROW, fontsize=8)
    figure.supxlabel("strength of the attack", fontsize=9)
    return figure


@plot_style
def distance_figure(run: RunRecord, task: str) -> Figure:
    """Draw the matrix of distances between languages, one for each of the last three models."""
    rows = [row for row in run.rows if _distances(row, task)][-3:]
    figure = Figure(figsize=(WIDTH * len(rows) / 3, 3.9), layout="constrained")
    greatest = max(value for row in rows for value in _distances(row, task).values())
    for axis, row in zip(figure.subplots(1, len(rows), squeeze=False)[0], rows, strict=True):
        found = _distances(row, task)
        names = list(dict.fromkeys(name for pair in found for name in pair))
        for (first, second), value in found.items():
            share = value / greatest if greatest > 0 else 0.0
            # On a full colour the paper's colour is readable, on a faint one that of ink.
            color, size = PAPER if share > 0.6 else INK, 8 if len(names) < 7 else 6
            i, j = names.index(first), names.index(second)
            for x, y in ((i, j), (j, i)):
                square = Rectangle((x - 0.5, y - 0.5), 1, 1, color=LINES[0], linewidth=0)
                square.set_alpha(min(max(share, 0), 1))
                axis.add_patch(square)
                look = {"color": color, "fontsize": size, "ha": "center", "va": "center"}
                axis.text(x, y, f"{value:.2f}", **look)
        axis.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
        axis.grid(visible=False)
        axis.set_xticks(range(len(names)), names, fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.set_title(row.label, fontsize=9)
    return figure


@plot_style
def map_figure(points: np.ndarray, groups: Sequence[str]) -> Figure:
    """Draw float [N, 2] as dots in the colour of the group of each; then come other shapes."""
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    axis = figure.subplots()
    for number, group in enumerate(dict.fromkeys(groups)):
        chosen = points[[name == group for name in groups]]
        shape = SHAPES[number // len(LINES) % len(SHAPES)]
        look: Any = {"color": LINES[number % len(LINES)], "marker": shape, "linewidths": 0}
        axis.scatter(chosen[:, 0], chosen[:, 1], 11, label=group, alpha=0.8, **look)
    axis.grid(visible=False)
    axis.set(xticks=[], yticks=[])
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=8, markerscale=2)
    return figure


def _curves(row: Scored, task: str) -> dict[str, dict[float, float]]:
    """Return attack → strength → score, from scores named "ATTACK@STRENGTH" and "clean" (0).

    Retrieval's cuts ("recall@5") are no strengths: these tasks have no score "clean".
    """
    curves: dict[str, dict[float, float]] = {}
    scores = row.scores.get(task, {})
    for name in scores if "clean" in scores else ():
        attack, at, strength = name.partition("@")
        if at and strength.replace(".", "", 1).isdigit():
            start = {0.0: row.score(task, "clean")}
            curves.setdefault(attack, start)[float(strength)] = row.score(task, name)
    return {attack: dict(sorted(curve.items())) for attack, curve in curves.items()}


def _distances(row: Scored, task: str) -> dict[tuple[str, str], float]:
    """Return (language, language) → distance, from scores named "distance/A/B"."""
    names = [name.split("/") for name in row.scores.get(task, {})]
    return {
        (name[1], name[2]): row.score(task, "/".join(name))
        for name in names
        if name[0] == "distance" and len(name) == 3
    }
