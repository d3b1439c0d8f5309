"""The layout of the package: imports point one way, and a name stands for one thing."""

import ast
import collections
from pathlib import Path

import pytest

PACKAGE = Path("pixel_linguist")
# From the ground up: a room imports those before it alone.
ROOMS = (
    "seeds",
    "caller",
    "forked",
    "registry",
    "files",
    "bucket",
    "config",
    "text",
    "render",
    "data",
    "model",
    "objective",
    "recipe",
    "packing",
    "inference",
    "word_embedder",
    "convert",
    "pretrained",
    "hub",
    "evaluate",
    "train",
    "report",
    "search",
    "api",
    "mteb_encoder",
    "sentence_transformer",
    "sklearn_encoder",
    "encode",
    "cli",
)
MODULES = sorted(PACKAGE.rglob("*.py"))
# Libraries of extras, which a core install lacks.
EXTRAS = {
    "matplotlib", "sklearn", "jinja2", "torch", "mteb", "sentence_transformers", "faiss",
    "tesserocr", "model2vec", "symspellpy", "fasttext",
}  # fmt: skip


def imported(path: Path, *, top_level: bool = False) -> set[str]:
    """Return the modules that a file imports, anywhere or at its top level."""
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "pixel_linguist":
            names |= {f"pixel_linguist.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    own = room(path)
    if own in ("__init__", "__main__"):
        return
    rooms = {name.split(".")[1] for name in imported(path) if name.startswith("pixel_linguist.")}
    upward = [name for name in rooms - {own} if ROOMS.index(name) > ROOMS.index(own)]
    assert not upward, f"{path} imports {upward}"


def test_no_file_name_stands_twice() -> None:
    counts = collections.Counter(path.name for path in MODULES if path.name != "__init__.py")
    verbs = {path.name for path in (PACKAGE / "cli").glob("*.py")}
    assert not [name for name, count in counts.items() if count > 1 and name not in verbs]


@pytest.mark.parametrize("name", ["train", "inference", "api", "evaluate", "data", "render"])
def test_a_core_install_needs_no_extra_at_import(name: str) -> None:
    paths = [path for path in MODULES if room(path) == name]
    assert paths
    for path in paths:
        roots = {module.split(".")[0] for module in imported(path, top_level=True)}
        assert not roots & EXTRAS, path


def test_training_imports_no_report() -> None:
    for path in MODULES:
        if room(path) == "train":
            assert not {name for name in imported(path) if name.startswith("pixel_linguist.report")}
