"""The notebook runs from top to bottom, and shows a picture wherever it shows one."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "inspect_rendering.ipynb"


@pytest.mark.slow
def test_every_cell_runs_and_shows_what_is_kept_in_the_notebook() -> None:
    cells = [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]
    space: dict[str, Any] = {}
    pictures = 0
    for cell in cells:
        tree = ast.parse("".join(cell["source"]))
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), space)
        value = None
        if isinstance(shown, ast.Expr):
            value = eval(compile(ast.Expression(shown.value), "cell", "eval"), space)
        kept = any("image/png" in output.get("data", {}) for output in cell["outputs"])
        assert kept == hasattr(value, "_repr_png_"), "".join(cell["source"])
        pictures += kept
    assert pictures >= 7
