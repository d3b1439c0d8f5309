"""Plots: what is asked of matplotlib, and how its absence is told."""

import builtins
import importlib
import sys
from typing import Any

import pytest

from pixel_linguist.report.plots import compact


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (950, "950"), (1300, "1.3k"), (50_500, "50.5k"), (202_600, "203k"),
     (1_200_000, "1.2M")],
)  # fmt: skip
def test_compact_counts(count: int, text: str) -> None:
    assert compact(count) == text


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
