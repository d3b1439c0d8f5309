"""Every block of docs/using.md runs and prints what it says."""

import ast
import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "using.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
# They bring PyTorch or start processes.
SLOW = ("sentence_transformers", "__main__", "GridSearchCV")


def name(block: str) -> str:
    """Return the heading above a block."""
    before = PAGE.read_text().partition(block)[0]
    return re.findall(r"^## (.*)", before, re.MULTILINE)[-1]


def cases() -> list[Any]:
    return [
        pytest.param(
            block,
            id=name(block),
            marks=[pytest.mark.slow] if any(word in block for word in SLOW) else [],
        )
        for block in BLOCKS
    ]


def needed(block: str) -> set[str]:
    """Return the modules that a block imports."""
    nodes = [*ast.walk(ast.parse(block))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return names | {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", cases())
def test_a_block_prints_what_it_says(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in sorted(needed(block)):
        if not module.startswith("pixel_linguist.sentence"):
            pytest.importorskip(module.partition(".")[0], reason=f"{module} is in an extra")
    monkeypatch.chdir(tmp_path)
    if "__main__" in block:
        Path("block.py").write_text(block)
        monkeypatch.setenv("PYTHONPATH", str(PAGE.parents[1]))
        printed = subprocess.check_output([sys.executable, "block.py"], text=True)
    else:
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(block, str(PAGE), "exec"), {"__name__": "block"})
        printed = stream.getvalue()
    expected = re.findall(r"print\(.*\)  # (.*)", block)
    assert expected
    assert printed.splitlines() == expected
