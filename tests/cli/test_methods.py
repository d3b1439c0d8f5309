"""The table of methods: one for the verb, the documentation and the README."""

import re
from pathlib import Path

import pytest

from pixel_linguist.cli.main import main

ROOT = Path(__file__).parents[2]


def test_the_table_is_the_same_everywhere_and_its_recipes_are_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["methods"])
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 2 + 22
    for page in ("docs/methods.md", "README.md"):
        assert table in (ROOT / page).read_text(), f"{page} has another table than the verb prints"
    recipes = re.findall(r"`(experiments/\S+)`", table)
    assert recipes and all((ROOT / recipe).is_file() for recipe in recipes)
