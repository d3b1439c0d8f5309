"""Recipes as configuration: loading, overriding, comparing."""

from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from pixel_linguist import config as configs


@pytest.fixture
def config() -> ConfigDict:
    stages = {"nli": {"steps": 10, "peak": 1e-3, "init_from": (), "decay": "cosine"}}
    return ConfigDict(
        {
            "stages": stages,
            "order": ["nli"],
            "sizes": (8, 16),
            "font_size": None,
            "remat": False,
            "flags": (False,),
            "parts": ({"a": 1},),
            "data_dir": "",
        }
    ).lock()


@pytest.mark.parametrize(
    ("assignment", "read", "expected"),
    [
        ("--config.stages.nli.steps=25", lambda c: c.stages.nli.steps, 25),
        ("stages.nli.steps=-1", lambda c: c.stages.nli.steps, -1),
        ("--config.stages.nli.peak=3e-5", lambda c: c.stages.nli.peak, 3e-5),
        ("--config.stages.nli.decay=linear", lambda c: c.stages.nli.decay, "linear"),
        ("--config.stages.nli.init_from=a,b", lambda c: c.stages.nli.init_from, ("a", "b")),
        ('--config.stages.nli.init_from=["a,b"]', lambda c: c.stages.nli.init_from, ("a,b",)),
        ("--config.order=a", lambda c: c.order, ["a"]),
        ("--config.sizes=1,2,3", lambda c: c.sizes, (1, 2, 3)),
        ("--config.font_size=16", lambda c: c.font_size, 16),
        ("--config.font_size=null", lambda c: c.font_size, None),
        ("--config.font_size=None", lambda c: c.font_size, None),
        ("--config.font_size=.5", lambda c: c.font_size, 0.5),
        ("--config.font_size=True", lambda c: c.font_size, True),
        ("--config.font_size=(1, 'b')", lambda c: c.font_size, (1, "b")),
        ("--config.sizes=()", lambda c: c.sizes, ()),
        ("--config.order=['a', 'b']", lambda c: c.order, ["a", "b"]),
        ("--config.order=('a')", lambda c: c.order, ["a"]),
        ("--config.order='a', 'b'", lambda c: c.order, ["a", "b"]),
        ("--config.order=a, b", lambda c: c.order, ["a", "b"]),
        ("--config.order=None", lambda c: c.order, []),
        ("--config.flags=(True,)", lambda c: c.flags, (True,)),
        ("--config.font_size=big", lambda c: c.font_size, "big"),
        ("--config.flags=true,false", lambda c: c.flags, (True, False)),
        ('--config.parts=[{"a": 2}]', lambda c: c.parts, ({"a": 2},)),
        ("--config.remat=False", lambda c: c.remat, False),
        ("--config.data_dir=/a=b c", lambda c: c.data_dir, "/a=b c"),
        ("--config.data_dir=", lambda c: c.data_dir, ""),
    ],
)
def test_a_value_is_read_as_the_type_of_the_old_one(
    config: ConfigDict, assignment: str, read: Any, expected: Any
) -> None:
    configs.override(config, [assignment])
    assert read(config) == expected
    assert type(read(config)) is type(expected)


@pytest.mark.parametrize(
    ("assignment", "word"),
    [
        ("--config.stages.nli.step=5", "'steps'"),
        ("--config.stagse.nli.steps=5", "'stages'"),
        ("--config.stages.nil.steps=5", "'nli'"),
        ("--config.remat.deep=5", "'deep'"),
        ("--config.stages.nli=5", "group"),
        ("--config.stages.nli.steps", "key=value"),
        ("--config.stages.nli.steps=1.5", "'1.5'"),
        ("--config.stages.nli.steps=many", "'many'"),
        ("--config.stages.nli.peak=high", "'high'"),
        ("--config.remat=1", "bool"),
        ("--config.sizes=1,two", "two"),
        ('--config.order=["a"', "list"),
        ("--config.order=('a',", "list"),
        ("--config.sizes=(1, 'two')", "two"),
        ("steps=5", "known: data_dir, flags, font_size, order, parts, remat, sizes, stages"),
    ],
)
def test_mistakes_are_named_and_change_nothing(
    config: ConfigDict, assignment: str, word: str
) -> None:
    before = configs.plain(config)
    with pytest.raises(ValueError, match=word):
        configs.override(config, [assignment])
    assert configs.plain(config) == before


def test_files_that_are_no_recipes_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="config file"):
        configs.load(tmp_path / "no.py")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "weights.bin").touch()
    for name in ("empty.py", "weights.bin"):
        with pytest.raises(ValueError, match="get_config"):
            configs.load(tmp_path / name)


def test_a_recipe_may_lie_anywhere_and_use_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from pixel_linguist.recipe import get_config as defaults\n"
        "def get_config():\n    config = defaults()\n    config.seed = 5\n    return config\n"
    )
    assert configs.load(tmp_path / "mine.py").seed == 5


def test_plain_is_what_json_gives_back(config: ConfigDict) -> None:
    plain = configs.plain(config)
    assert plain["sizes"] == [8, 16] and type(plain["stages"]["nli"]) is dict
    assert configs.plain(plain) == plain


def test_differences_name_each_key() -> None:
    old = {"a": 1, "b": {"c": 2, "d": [1], "e": 5}, "same": {"x": None}}
    new = {"a": 1.5, "b": {"c": 2, "d": [1, 2], "f": True}, "same": {"x": None}}
    assert configs.differences(old, new) == [
        "a: 1 → 1.5",
        "b.d: [1] → [1, 2]",
        "b.e: 5 → None",
        "b.f: None → True",
    ]
    assert configs.differences(old, old) == []
    assert configs.differences({"b": {"c": 1}}, {"b": 2}) == ["b: {'c': 1} → 2"]
