"""The command line, notebook pictures, fonts by path and what is said about missing ones."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.render import Renderer, fonts
from pixel_linguist.render import __main__ as cli
from pixel_linguist.render.coverage import SAMPLES, coverage


def test_draws_each_text_in_each_family_and_strategy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    where = ["--family", "noto", "mono", "--strategy", "words", "mono", "--out", str(out)]
    cli.main([*where, "one two three four", "--length=3", "--scale=2", "--perturb=shuffle_words"])
    said = capsys.readouterr().out
    assert said.count("of ") == 8 and "mono, words, shuffle_words: 3 of" in said
    picture = np.asarray(Image.open(out))
    # Captions and numbers are 24 rows, a line of patches is 34; a red bar marks each as cut.
    assert picture.shape[0] == 8 * (24 + 34) + 7 * 4
    assert (picture == (200, 30, 30)).all(-1).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--family=nosuch"], "no font family 'nosuch'"),
        (["--patch", "2"], "patch is 2 by 2 pixels"),
        (["--length=0"], "length is 0"),
        (["--out=/nowhere/x.png"], "/nowhere/x.png"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=f"^error: .*{message}"):
        cli.main(["a text", *arguments])


def test_a_file_that_is_no_font_is_refused() -> None:
    with pytest.raises(ValueError, match="it has no characters"):
        Renderer(__file__)


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "--perturb keyboard_neighbours" in capsys.readouterr().out


def test_noto_covers_every_script_it_promises(capsys: pytest.CaptureFixture[str]) -> None:
    chain = fonts.Chain(fonts.family("noto"), 16)
    if chain.absent:
        pytest.skip(f"not installed: {', '.join(chain.absent)}")
    assert {script for script, _, missing in coverage("noto") if not missing} == set(SAMPLES)
    cli.main(["--coverage", "noto"])
    assert "Tibetan             NotoSerifTibetan" in capsys.readouterr().out


def test_a_batch_shows_itself_as_a_picture() -> None:
    rendered = Renderer()(["a", "two words"])
    png = Image.open(io.BytesIO(rendered._repr_png_()))
    assert png.width == 3 * 16 * rendered.patches.shape[1]


def test_a_font_of_the_users_own_by_file_or_folder(tmp_path: Path) -> None:
    found = fonts.find("RobotoMono")
    assert found is not None
    copy = tmp_path / "own.ttf"
    shutil.copyfile(found[0], copy)
    by_file, by_folder = Renderer(str(copy)), Renderer(str(tmp_path))
    drawn = by_file(["own font, नमस्ते"]).patches
    np.testing.assert_array_equal(drawn, by_folder(["own font, नमस्ते"]).patches)
    assert drawn.tobytes() != Renderer()(["own font, नमस्ते"]).patches.tobytes()
    assert by_file.font_hashes()["own.ttf"] == found[1]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no font in"):
        Renderer(str(tmp_path / "empty"))


def test_another_file_in_place_of_a_font_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = fonts.manifest()["fonts"]["Unifont"]
    (tmp_path / Path(entry["places"][0]["path"]).name).write_bytes(b"another release")
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    fonts.find.cache_clear()
    try:
        with pytest.raises(ValueError, match="Unifont is not the one of the manifest"):
            Renderer("unifont")
    finally:
        fonts.find.cache_clear()


def test_a_family_that_is_not_installed_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "find", lambda name: None)
    with pytest.raises(FileNotFoundError, match="--install-fonts noto installs it"):
        Renderer("noto")


def test_importing_is_quick_and_brings_no_jax() -> None:
    code = (
        "import sys, time; start = time.process_time(); import pixel_linguist.render;"
        "print(time.process_time() - start, 'jax' in sys.modules, 'PIL' in sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert printed[1:] == ["False", "False"]
    # 0.1 s where nothing else runs.
    assert float(printed[0]) < 1.0
