"""Plots show the figures that they are given, and can be read in light and dark."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pixel_linguist.report.plot_style import DARK, PAPER, save_plot
from pixel_linguist.report.run_record import RunRecord, Scored, read_run
from pixel_linguist.report.score_plots import (
    attack_figure,
    detail_plots,
    distance_figure,
    map_figure,
    score_figure,
)
from pixel_linguist.report.training_plots import training_plots

ATTACKED = {"attacked": 0.4, "clean": 0.8, "case@0.5": 0.7, "case@1": 0.6, "leet_speak@0.5": 0.3}
APART = {"effective_rank": 9.0, "distance/en/de": 0.4, "distance/en/fr": 0.2, "distance/de/fr": 0.3}
# Cuts of retrieval are no strengths of an attack.
RANKED = {"ndcg@10": 0.2, "recall@5": 0.1, "recall@10": 0.3}


def record(*models: str) -> RunRecord:
    """Return what an evaluation of some models found."""
    scores = {"attacks": ATTACKED, "geometry": APART, "cranfield": RANKED}
    metrics = {"attacks": "attacked", "geometry": "effective_rank", "cranfield": "ndcg@10"}
    return RunRecord("evaluation", [Scored(model, scores) for model in models], metrics)


def shown(figure: Figure) -> dict[str, Any]:
    return {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}


def test_curves_of_training_are_as_logged_side_by_side(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (axis,) = training_plots(read_run(folder))["loss"].axes
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    stages = dict.fromkeys(r["stage"] for r in records)
    end = 0.0
    for curve, stage in zip(axis.lines, stages, strict=True):
        logged = [r for r in records if r["stage"] == stage and r["kind"] == "train"]
        x, y = np.asarray(curve.get_xydata()).T
        np.testing.assert_allclose(y, [r["loss"] for r in logged])
        # Distances are in proportion to steps, and no stage reaches into the next.
        steps = np.array([r["step"] for r in logged])
        left = x[0] - (x[1] - x[0])
        np.testing.assert_allclose((x - left) / (x[-1] - left), steps / steps[-1])
        assert left >= end - 1e-9
        end = x[-1]


def test_curves_of_attacks_run_from_clean_to_full_strength() -> None:
    run = record("tfidf", "ours")
    assert set(detail_plots(run)) == {"attacks-attacks", "distances-geometry"}
    axes = shown(attack_figure(run, "attacks"))
    assert set(axes) == {"case", "leet speak"}
    for curve in axes["case"].lines:
        assert np.array(curve.get_xydata()).tolist() == [[0, 0.8], [0.5, 0.7], [1, 0.6]]
    assert [curve.get_label() for curve in axes["case"].lines] == ["TF-IDF", "ours"]


def test_labels_of_attacks_do_not_overlap() -> None:
    figure = attack_figure(record(*(f"a model of some name {n}" for n in range(6))), "attacks")
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    titles = [axis.title.get_window_extent() for axis in shown(figure).values()]
    below = next(text for text in figure.texts if "strength" in text.get_text())
    for box in (*titles, below.get_window_extent()):
        assert not legend.overlaps(box)


@pytest.mark.parametrize("dark", [False, True])
def test_distances_are_a_symmetric_matrix_that_can_be_read(dark: bool) -> None:
    axes = shown(distance_figure(record("first", "ours"), "geometry"))
    assert list(axes) == ["first", "ours"]
    axis = axes["ours"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["en", "de", "fr"]
    matrix = np.zeros((3, 3))
    squares = {
        tuple(p.get_center().astype(int)): p for p in axis.patches if isinstance(p, Rectangle)
    }
    theme = DARK if dark else {color: color for color in DARK}
    for text in axis.texts:
        column, row = map(int, text.get_position())
        matrix[row, column] = float(text.get_text())
        square = squares[column, row]
        alpha = square.get_alpha() or 0.0
        assert alpha == pytest.approx(matrix[row, column] / 0.4)
        color = to_rgb(theme[to_hex(square.get_facecolor())])
        ground = luminance(np.array(color) * alpha + np.array(to_rgb(theme[PAPER])) * (1 - alpha))
        ink = luminance(np.array(to_rgb(theme[text.get_color()])))
        # WCAG 2 asks for this contrast of large text.
        assert (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 3
    np.testing.assert_array_equal(matrix, [[0, 0.4, 0.2], [0.4, 0, 0.3], [0.2, 0.3, 0]])


def luminance(color: np.ndarray) -> float:
    """Return the relative luminance of sRGB in [0, 1], as WCAG 2 defines it."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_map_has_a_dot_a_sentence_and_no_two_groups_look_alike() -> None:
    points = np.random.default_rng(0).normal(size=(60, 2))
    groups = np.array([f"language {n}" for n in range(20)] * 3)
    (axis,) = map_figure(points, groups.tolist()).axes
    looks = set()
    for dots in axis.collections:
        chosen = points[groups == dots.get_label()]
        np.testing.assert_allclose(np.asarray(dots.get_offsets()), chosen)
        shape = np.asarray(dots.get_paths()[0].vertices).tobytes()
        looks.add((np.asarray(dots.get_facecolor()).tobytes(), shape))
    assert len(looks) == 20


def test_intervals_of_tasks_stand_beside_each_other() -> None:
    scores = {"spearman": 0.5, "spearman_low": 0.4, "spearman_high": 0.6}
    tasks = [f"sts-{n}" for n in range(9)]
    rows = [Scored(model, dict.fromkeys(tasks, scores)) for model in ("tfidf", "one", "two")]
    run = RunRecord("evaluation", rows, dict.fromkeys(tasks, "spearman"))
    (axis,) = score_figure(run, "spearman", tasks).axes
    drawn = [bars for bars in axis.collections if isinstance(bars, LineCollection)]
    bars = [np.asarray(segment) for bars in drawn for segment in bars.get_segments()]
    places = sorted(float(bar[0, 0]) for bar in bars)
    assert len(places) == 27 and min(np.diff(places)) > 0.02
    # All of a model are nearer to it than to the next.
    assert [round(place) for place in places] == [0] * 9 + [1] * 9 + [2] * 9
    assert {tuple(bar[:, 1]) for bar in bars} == {(0.4, 0.6)}
    # Nine tasks have eight colours; dashes tell the ninth from the first.
    looks = {(np.asarray(bars.get_color()).tobytes(), str(bars.get_linestyle())) for bars in drawn}
    assert len(looks) == 9


def test_every_colour_of_a_plot_has_a_dark_one(tmp_path: Path) -> None:
    run = record("tfidf", "ours")
    for name, figure in detail_plots(run).items():
        path = tmp_path / f"{name}.svg"
        save_plot(figure, path)
        text = path.read_text()
        rules, _, drawing = text.partition("</style>")
        used = set(re.findall(r"(?:fill|stroke): (#\w{6})", drawing))
        assert used and used <= set(DARK)
        for color in used:
            assert f'"fill: {color}"]{{fill:{DARK[color]}!important}}' in rules
        # Equal figures are equal files.
        save_plot(detail_plots(run)[name], path)
        assert path.read_text() == text
