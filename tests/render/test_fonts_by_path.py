"""Fonts by path, missing fonts, pictures in notebooks, and the time of an import."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.render import Renderer, fallback, fonts


@pytest.mark.parametrize(
    ("kept", "start", "word"),
    [
        (20_000, None, "cut off"),
        (-3_000, None, "cut off"),
        (100, None, "font"),
        (None, b"wOF2", "WOFF2"),
        (None, b"wOFF", "WOFF"),
    ],
)
def test_a_file_that_is_no_font_is_refused(
    kept: int | None, start: bytes | None, word: str, tmp_path: Path
) -> None:
    """Fonts that are cut have characters, but nothing to draw for them."""
    content = fonts.installed("Lora").read_bytes()[:kept]
    path = tmp_path / "own.ttf"
    path.write_bytes((start or content[:4]) + content[4:])
    with pytest.raises(ValueError, match=word) as error:
        Renderer(str(path))
    assert str(path) in str(error.value)


def test_a_font_whose_outlines_are_overwritten_in_part_is_refused(tmp_path: Path) -> None:
    content = bytearray(fonts.installed("Lora").read_bytes())
    entry = content.index(b"glyf")
    offset, length = (int.from_bytes(content[entry + at :][:4], "big") for at in (8, 12))
    content[offset + length // 4 : offset + length // 2] = bytes(length // 2 - length // 4)
    path = tmp_path / "own.ttf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.ttf"):
        Renderer(str(path))


def test_letters_without_outlines_are_drawn_by_the_next_font() -> None:
    """Mukta has an empty glyph for the sign of negation."""
    path = str(fonts.installed("Mukta"))
    assert ord("¬") in fonts.characters("Mukta") - fonts.characters(path)
    drawn = Renderer(path)(["¬"])
    assert drawn.patches.any() and drawn.stats.missing == 0


def test_fonts_of_one_name_keep_their_hashes(tmp_path: Path) -> None:
    name = fonts.installed("NotoSans").name
    shutil.copyfile(fonts.installed("RobotoMono"), tmp_path / name)
    found = Renderer(str(tmp_path / name)).font_hashes()
    assert found[name] == fonts.hashes(["RobotoMono"]).popitem()[1]
    assert fonts.hashes(["NotoSans"])[name] in found.values()


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


@pytest.mark.parametrize("weight", [400, 800])
def test_full_width_letters_look_alike_without_the_fonts_for_han(
    weight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fonts.find("NotoSansCJK") is None:
        pytest.skip("NotoSansCJK is not installed")
    texts = ["".join(map(chr, range(first, first + 10))) for first in range(0xFF01, 0xFF55, 10)]
    texts.append("ａ\u3000ｂ")
    expected = Renderer(strategy="continuous", weight=weight)(texts)
    absent = ("NotoSansCJK", "Unifont", "UnifontUpper")
    monkeypatch.setattr(fallback, "find", lambda n: None if n in absent else fonts.find(n))
    drawn = Renderer(strategy="continuous", weight=weight)(texts)
    assert drawn.stats.missing == 0
    np.testing.assert_array_equal(drawn.patches, expected.patches)


def test_another_file_in_place_of_a_font_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = fonts.manifest()["fonts"]["Unifont"]
    (tmp_path / Path(entry["places"][0]["path"]).name).write_bytes(b"another release")
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    fonts.find.cache_clear()
    try:
        with pytest.raises(ValueError, match="Unifont"):
            Renderer("unifont")
    finally:
        fonts.find.cache_clear()


def test_a_family_that_is_not_installed_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "find", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install-fonts"):
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
