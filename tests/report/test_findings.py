"""Curves, distances and comparisons show the scores they are given."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pixel_linguist.cli.main import main
from pixel_linguist.report.compare import read_comparison
from pixel_linguist.report.drawing import DARK, LIGHT, Theme, in_theme
from pixel_linguist.report.findings import (
    distance_figure,
    distance_tasks,
    map_figure,
    robustness_figure,
    robustness_tasks,
)
from pixel_linguist.report.html import write_report
from pixel_linguist.report.record import read_run

ATTACKED = {"attacked": 0.4, "clean": 0.8, "case@0.5": 0.7, "case@1": 0.6, "leet_speak@0.5": 0.3}
APART = {"effective_rank": 9.0, "distance/en/de": 0.4, "distance/en/fr": 0.2, "distance/de/fr": 0.3}
TASKS = {
    "sts": {"metric": "spearman"},
    "attacks": {"metric": "attacked"},
    "geometry": {"metric": "effective_rank"},
    "cranfield": {"metric": "ndcg@10"},
}


def write_scores(folder: Path, models: list[str]) -> Path:
    """Write what `pixel-linguist evaluate --out` leaves."""
    rows: list[dict[str, Any]] = []
    for number, model in enumerate(models):
        sts = {"spearman": 0.5 + number / 10, "spearman_low": 0.41, "spearman_high": 0.91}
        ranked = {"ndcg@10": 0.2, "recall@5": 0.1, "recall@10": 0.3}
        scores = {"sts": sts, "attacks": ATTACKED, "geometry": APART, "cranfield": ranked}
        rows.append({"model": model, "scores": scores})
    folder.mkdir()
    (folder / "scores.json").write_text(json.dumps({"rows": rows, "tasks": TASKS}))
    return folder


def test_curves_run_from_clean_to_full_strength(tmp_path: Path) -> None:
    run = read_run(write_scores(tmp_path / "a", ["tfidf", "ours"]))
    # Cuts of retrieval are no strengths.
    assert robustness_tasks(run) == ["attacks"]
    with in_theme(LIGHT):
        figure = robustness_figure(run, "attacks", LIGHT)
    shown = {axis.get_title(): axis for axis in figure.axes if axis.get_visible()}
    assert set(shown) == {"case", "leet speak"}
    for curve in shown["case"].lines:
        assert np.array(curve.get_xydata()).tolist() == [[0, 0.8], [0.5, 0.7], [1, 0.6]]
    assert [curve.get_label() for curve in shown["case"].lines] == ["TF-IDF", "ours"]


def test_labels_of_the_curves_do_not_overlap(tmp_path: Path) -> None:
    run = read_run(write_scores(tmp_path / "a", [f"a model of some name {n}" for n in range(6)]))
    figure = robustness_figure(run, "attacks", LIGHT)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    titles = [axis.title.get_window_extent() for axis in figure.axes if axis.get_visible()]
    below = next(text for text in figure.texts if "strength" in text.get_text())
    for box in (*titles, below.get_window_extent()):
        assert not legend.overlaps(box)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_figures_can_be_read_on_their_colour(tmp_path: Path, theme: Theme) -> None:
    run = read_run(write_scores(tmp_path / "a", ["ours"]))
    (axis,) = distance_figure(run, "geometry", theme).axes
    (image,) = axis.images
    for text in axis.texts:
        column, row = map(int, text.get_position())
        ground = luminance(image.to_rgba(np.asarray(image.get_array()))[row, column, :3])
        ink = luminance(np.array(to_rgb(text.get_color())))
        contrast = (max(ground, ink) + 0.05) / (min(ground, ink) + 0.05)
        # What WCAG 2 asks of large text.
        assert contrast >= 3


def luminance(color: np.ndarray) -> float:
    """Return the relative luminance of sRGB in [0, 1], as WCAG 2 defines it."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_distances_are_a_symmetric_matrix(tmp_path: Path) -> None:
    run = read_run(write_scores(tmp_path / "a", ["first", "ours"]))
    assert distance_tasks(run) == ["geometry"]
    figure = distance_figure(run, "geometry", LIGHT)
    visible = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_title() for axis in visible] == ["first", "ours"]
    matrix = np.asarray(visible[0].images[0].get_array())
    np.testing.assert_array_equal(matrix, [[0, 0.4, 0.2], [0.4, 0, 0.3], [0.2, 0.3, 0]])
    assert [label.get_text() for label in visible[0].get_xticklabels()] == ["en", "de", "fr"]


def test_the_map_has_a_dot_a_sentence() -> None:
    points = np.random.default_rng(0).normal(size=(7, 2))
    groups = ["en", "de", "en", "fr", "de", "en", "fr"]
    (axis,) = map_figure(points, groups, LIGHT).axes
    drawn = {dots.get_label(): np.asarray(dots.get_offsets()) for dots in axis.collections}
    for group in ("en", "de", "fr"):
        chosen = [g == group for g in groups]
        np.testing.assert_allclose(drawn[group], points[chosen])


def test_no_two_groups_of_a_map_look_alike() -> None:
    groups = [f"language {n}" for n in range(20)]
    (axis,) = map_figure(np.zeros((20, 2)), groups, LIGHT).axes
    looks = {
        (
            np.asarray(dots.get_facecolor()).tobytes(),
            np.asarray(dots.get_paths()[0].vertices).tobytes(),
        )
        for dots in axis.collections
    }
    assert len(looks) == 20


def test_the_page_shows_intervals_and_findings(tmp_path: Path) -> None:
    page = write_report(write_scores(tmp_path / "a", ["ours"])).read_text()
    assert "0.410 to 0.910" in page
    assert "Under attack: attacks" in page
    assert "Distances between languages: geometry" in page
    # A run is told of as one, an evaluation is not.
    assert "stages of this run" not in page and "in the order of the recipe" not in page


def test_a_comparison_has_the_last_model_of_each(tmp_path: Path) -> None:
    folders = [write_scores(tmp_path / "a", ["tfidf", "early", "late"])]
    folders.append(write_scores(tmp_path / "b", ["tfidf", "other"]))
    # With an order it is a run, of which the last model alone counts.
    (folders[0] / "config.json").write_text(json.dumps({"order": ["early", "late"]}))
    rows = read_comparison(folders).rows
    assert [row.model for row in rows] == ["tfidf", "a: late", "other"]
    assert [row.score("sts", "spearman") for row in rows] == [0.5, 0.7, 0.6]
    main(["report", *map(str, folders), "--out", str(tmp_path / "both")])
    page = (tmp_path / "both/report.html").read_text()
    assert "a: late" in page and "other" in page and "early" not in page


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    scored = write_scores(tmp_path / "a", ["ours"])
    (tmp_path / "b").mkdir()
    (tmp_path / "b/scores.json").write_text("{}")
    with pytest.raises(SystemExit, match="b has no scores"):
        main(["report", str(scored), str(tmp_path / "b"), "--out", str(tmp_path / "c")])
    rows = [{"model": "x", "scores": {"else": {"spearman": 1.0}}}]
    text = json.dumps({"rows": rows, "tasks": {"else": {"metric": "spearman"}}})
    (tmp_path / "b/scores.json").write_text(text)
    with pytest.raises(SystemExit, match="no task in common"):
        main(["report", str(scored), str(tmp_path / "b"), "--out", str(tmp_path / "c")])
    with pytest.raises(SystemExit):
        main(["report", str(scored), str(scored)])
