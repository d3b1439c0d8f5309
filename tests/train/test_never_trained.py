"""Languages that no source may bring: what names them is refused, and cards list them."""

from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from pixel_linguist import config as configs
from pixel_linguist.train.never_trained import check_never_trained
from pixel_linguist.train.run import prepare
from tests.train.tiny import EXPERIMENTS, change, recipe


def bitext(source: dict[str, Any], columns: tuple[str, ...] = ("a", "b")) -> ConfigDict:
    """Return a recipe whose stage has one source, with Swedish and Ukrainian kept out."""
    pairs = {"name": "columns", "anchor": columns[0], "positive": columns[1]}
    part = {"source": source, "pairs": pairs}
    stages = {"one": {"data": {"texts": part}}}
    known = {"never_trained": ("swe", "uk"), "languages": ("en-Latn",)}
    return ConfigDict({"order": ("one",), "stages": stages, **known})


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ({"name": "tsv", "path": "bitext/tatoeba/swe-eng.tsv"}, ("eng", "text")),
        ({"name": "tsv", "path": "sts/stsb/sv/train.tsv"}, ("a", "b")),
        ({"name": "tsv", "path": "bible.tsv"}, ("eng", "ukr")),
        ({"name": "aligned", "paths": {"en": "a.tsv", "uk": "b.tsv"}}, ("a", "b")),
        ({"name": "texts", "source": {"name": "sentences", "columns": ["sv-SE"]}}, ("a", "b")),
        ({"name": "emoji", "languages": ("de", "uk")}, ("a", "b")),
    ],
)
def test_sources_that_name_them_are_refused(
    source: dict[str, Any], columns: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="never_trained"):
        check_never_trained(bitext(source, columns))


def test_others_are_not() -> None:
    # Words that begin like a code, Swiss German, and a script.
    source = {"name": "tsv", "path": "svenska/ukulele-swg-Cyrl.tsv"}
    check_never_trained(bitext(source, ("sweden", "eng")))


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [("languages", ("en-Latn", "uk-Cyrl"), "languages"), ("never_trained", ("Swedish",), "ISO")],
)
def test_lists_that_make_no_sense_are_refused(key: str, value: Any, word: str) -> None:
    config = bitext({"name": "tsv", "path": "a.tsv"})
    config[key] = value
    with pytest.raises(ValueError, match=word):
        check_never_trained(config)


def test_a_run_refuses_before_it_starts_and_its_model_lists_them(tmp_path: Path) -> None:
    config = recipe("one")
    change(config, "never_trained", ("swe",))
    context, _ = prepare(config, tmp_path / "run")
    assert context.model(context.encoder.init(0)).never_trained == ("swe",)
    change(config, "stages.one.data.sentences.source.split", "sv")
    with pytest.raises(ValueError, match="never_trained"):
        prepare(config, tmp_path / "other")


def test_the_recipe_on_real_text_keeps_its_list() -> None:
    config = configs.load(EXPERIMENTS / "small.py")
    check_never_trained(config)
    assert set(config.never_trained) <= {name.partition("-")[0] for name in config.tasks}
    with config.unlocked():
        config.never_trained = ("nld",)
    with pytest.raises(ValueError, match="'nl"):
        check_never_trained(config)
