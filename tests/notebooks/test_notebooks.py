"""Each notebook runs from top to bottom, on a small model and few texts, outside the clone."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixel_linguist.model.store import Model, save_model

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

pytestmark = pytest.mark.slow


def run_notebook(name: str, settings: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Run the code of a notebook, its first cell followed by other settings.

    Returns:
        What it has defined, and how many cells end with a picture.
    """
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space: dict[str, Any] = {}
    pictures = 0
    for number, code in enumerate(codes):
        tree = ast.parse(code)
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{name}, cell {number}", "exec"), space)
        if number == 0:
            assert set(settings) <= set(space)
            space |= settings
        if isinstance(shown, ast.Expr):
            value = eval(compile(ast.Expression(shown.value), "cell", "eval"), space)
            pictures += hasattr(value, "_repr_png_") or hasattr(value, "_repr_html_")
    return space, pictures


@pytest.fixture
def model(tmp_path: Path, tiny_model: Callable[..., Model]) -> str:
    """Save an untrained model."""
    folder = tmp_path / "model"
    save_model(folder, tiny_model())
    return str(folder)


def test_train_in_five_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "run"
    settings = {"WORKDIR": str(work), "STEPS": {"words": 2, "nli": 2}, "SENTENCES": 20}
    space, pictures = run_notebook("train_in_five_minutes", settings)
    assert pictures == 1
    assert (work / "model/config.json").is_file() and (work / "report.html").is_file()
    rows = json.loads((work / "scores.json").read_text())["rows"]
    assert [row["model"] for row in rows] == ["tfidf", "untrained", "words", "nli"]
    assert space["encoder"].dimension == 128


@pytest.mark.parametrize("data", ["shared", "none"])
def test_across_languages(
    data: str, model: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(request.getfixturevalue("shared") / "data") if data == "shared" else data
    monkeypatch.chdir(Path(model).parent)
    settings = {"MODEL": model, "DATA": folder, "LANGUAGES": ("de",)}
    space, pictures = run_notebook("cross_lingual", settings)
    assert pictures == 2
    codes = ("de",) if data == "shared" else ("ald", "vel", "nar", "ash")
    names = {"stsb-en", *(f"stsb-{x}" for x in codes), *(f"stsb-en-{x}" for x in codes)}
    assert {frozenset(found) for found in space["rows"].values()} == {frozenset(names)}


def test_robustness(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(model).parent)
    settings = {"MODEL": model, "PAIRS": 20}
    space, pictures = run_notebook("robustness", settings)
    assert pictures == 2
    assert 0 < space["scores"]["tfidf"]["clean"] <= 1


def test_look_at_texts(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(model).parent)
    _, pictures = run_notebook("look_at_texts", {"MODEL": model})
    assert pictures == 5


def test_methods(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(model).parent)
    settings = {"MODEL": model, "STORIES": 60, "BATCH": 40, "SIZES": (8, 32)}
    space, pictures = run_notebook("methods", settings)
    assert pictures == 3
    assert {*space["cosines"].shape} == {len(space["posts"])}


def test_no_notebook_needs_the_clone() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert "../" not in text and "experiments" not in text, path


def test_search_screenshots(tmp_path: Path, reading_model: Model) -> None:
    save_model(tmp_path, reading_model)
    with pytest.warns(UserWarning, match="words"):
        space, pictures = run_notebook("search_screenshots", {"MODEL": str(tmp_path)})
    assert pictures == 2
    assert [len(names) for names in space["found"].values()] == [3] * 5
