"""The rehearsal of a run: what would fail later fails in it, and it leaves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from pixel_linguist.files import write_json
from pixel_linguist.train.context import make_context
from pixel_linguist.train.preemption import Preemption
from pixel_linguist.train.rehearsal import rehearse
from pixel_linguist.train.stage import stage_settings
from tests.train.tiny import change, recipe

Inject = Callable[[ConfigDict, Path], Any]


def missing_column(config: ConfigDict, folder: Path) -> None:
    (folder / "data.tsv").write_text("words\none\n")
    change(config, "stages.second.data.sentences.source", {"name": "tsv", "path": "data.tsv"})


def unreadable_start(config: ConfigDict, folder: Path) -> None:
    change(config, "stages.second.init_from", (str(folder / "start"),))
    write_json(folder / "start" / "config.json", {"format": "none"})


def folder_without_leave(config: ConfigDict, folder: Path) -> None:
    # Root may write anywhere: a file stands where the folder would be made.
    (folder / "run.rehearsal").write_text("")


def other_fonts(config: ConfigDict, folder: Path) -> None:
    """Leave a stage that was begun, with the settings of now but for a font."""
    context = make_context(config, folder / "run")
    settings = stage_settings(context, "first", {})
    settings["fonts"] |= dict.fromkeys(settings["fonts"], "0" * 64)
    context.folder.begin_stage("first", settings)


@pytest.mark.parametrize(
    ("inject", "word"),
    [
        (lambda c, f: change(c, "stages.second.data.sentences.source.name", "tfd"), "tfds"),
        (missing_column, "text"),
        (unreadable_start, "start"),
        (folder_without_leave, "run.rehearsal"),
        (lambda c, f: change(c, "stages.second.batch_size", 24), "16 devices"),
        (other_fonts, "fonts"),
    ],
)
def test_what_would_fail_fails_in_the_rehearsal(tmp_path: Path, inject: Inject, word: str) -> None:
    config = recipe("first", "second")
    for name in ("first", "second"):
        change(config, f"stages.{name}.batch_size", 32)
    change(config, "data_dir", str(tmp_path))
    inject(config, tmp_path)
    with pytest.raises((ValueError, OSError), match=word):
        rehearse(config, tmp_path / "run", Preemption(), devices=16)


@pytest.mark.slow
def test_a_rehearsal_resumes_and_leaves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = recipe("first", "second")
    change(config, "stages.first.start_required", True)
    change(config, "stages.second.steps", 1000)
    with caplog.at_level("INFO", "pixel_linguist"):
        context = rehearse(config, tmp_path / "run", Preemption())
    assert "stopped after step 2, which is saved; resumed" in caplog.text
    assert context.config.stages.second.steps == 1000
    assert not list(tmp_path.iterdir())
