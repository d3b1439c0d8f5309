"""Plots: what is asked of matplotlib, and how its absence is told."""

import builtins
import importlib
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from pixel_linguist.report.drawing import LIGHT
from pixel_linguist.report.plots import compact, scores_figure
from pixel_linguist.report.record import Scored


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (950, "950"), (1300, "1.3k"), (50_500, "50.5k"), (202_600, "203k"),
     (1_200_000, "1.2M")],
)  # fmt: skip
def test_compact_counts(count: int, text: str) -> None:
    assert compact(count) == text


def test_intervals_of_tasks_stand_beside_each_other() -> None:
    scores = {"spearman": 0.5, "spearman_low": 0.4, "spearman_high": 0.6}
    tasks = [f"sts-{n}" for n in range(9)]
    rows = [Scored(model, dict.fromkeys(tasks, scores)) for model in ("tfidf", "one", "two")]
    (axis,) = scores_figure(rows, "spearman", tasks, LIGHT, joined=False).axes
    drawn = [bars for bars in axis.collections if isinstance(bars, LineCollection)]
    bars = [np.asarray(segment) for bars in drawn for segment in bars.get_segments()]
    places = sorted(float(bar[0, 0]) for bar in bars)
    assert len(places) == 27
    assert min(np.diff(places)) > 0.02
    # All of a model are nearer to it than to the next.
    assert [round(place) for place in places] == [0] * 9 + [1] * 9 + [2] * 9
    assert {tuple(bar[:, 1]) for bar in bars} == {(0.4, 0.6)}
    # Nine tasks have eight colours; dashes tell the ninth from the first.
    looks = {(np.asarray(bars.get_color()).tobytes(), str(bars.get_linestyle())) for bars in drawn}
    assert len(looks) == 9


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    really_import = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return really_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "pixel_linguist.report.drawing")
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pixel-linguist\[report\]'"):
        importlib.import_module("pixel_linguist.report.drawing")
