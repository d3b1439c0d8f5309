"""Pictures that come from elsewhere, cut into patches as the renderer cuts its own."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.render import Renderer
from pixel_linguist.render.images import image_patches, pictures_patches

PATCH = (16, 16)


@pytest.fixture(scope="module")
def strip() -> np.ndarray:
    """Return patches of a text, uint8 [S, 16, 16]."""
    renderer = Renderer(strategy="continuous")
    rendered = renderer(["Letters that stand on paper"])
    return rendered.patches[0, : rendered.count[0]]


def paper(patches: np.ndarray) -> np.ndarray:
    """Put patches together as dark text on white paper, uint8 [16, width]."""
    return 255 - patches.swapaxes(0, 1).reshape(16, -1)


def test_the_renderers_own_pictures_come_back(strip: np.ndarray) -> None:
    page = paper(strip)
    wide = np.pad(page, ((0, 0), (0, 500)), constant_values=255)
    for picture in (page, wide, Image.fromarray(page), np.stack([page] * 3, -1), 255 - page):
        np.testing.assert_array_equal(image_patches(picture, PATCH, 64), strip)
    np.testing.assert_allclose(image_patches(page / 255.0, PATCH, 64).astype(int), strip, atol=1)


def test_files_and_their_contents_are_read(strip: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.fromarray(paper(strip)).save(path)
    for picture in (path, str(path), path.read_bytes()):
        np.testing.assert_array_equal(image_patches(picture, PATCH, 64), strip)


def test_wide_pictures_are_cut_with_one_warning_at_the_callers_line(strip: np.ndarray) -> None:
    page, name = paper(strip), Path(__file__).name
    with pytest.warns(UserWarning, match=f"5 patches .* {len(strip)}") as warned:
        cut = pictures_patches([page[:, :40], page, page], PATCH, 5)
        image_patches(page, PATCH, 5)
    np.testing.assert_array_equal(cut[1], strip[:5])
    assert [Path(warning.filename).name for warning in warned] == [name, name]
    assert "2 of 3" in str(warned[0].message)


def test_pictures_of_16_bits_are_read_as_those_of_8(strip: np.ndarray) -> None:
    page = paper(strip)
    fine = Image.fromarray(page.astype(np.uint16) * 257)
    np.testing.assert_array_equal(image_patches(fine, PATCH, 64), strip)


def test_what_is_transparent_is_paper(strip: np.ndarray) -> None:
    ink = strip.swapaxes(0, 1).reshape(16, -1)
    pixels = np.stack([np.zeros_like(ink)] * 3 + [ink], -1)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    np.testing.assert_allclose(
        image_patches(stream.getvalue(), PATCH, 64).astype(int), strip, atol=1
    )


def test_a_larger_picture_is_resized(strip: np.ndarray) -> None:
    large = paper(strip).repeat(3, 0).repeat(3, 1)
    patches = image_patches(large, PATCH, 64).astype(int)
    assert patches.shape == strip.shape
    assert np.abs(patches - strip).mean() < 8


def test_blank_paper_is_one_blank_patch() -> None:
    for level in (0, 255):
        patches = image_patches(np.full((20, 300), level, np.uint8), PATCH, 64)
        assert patches.shape == (1, 16, 16) and not patches.any()


@pytest.mark.parametrize(
    ("picture", "word"),
    [
        (np.zeros((300, 100), np.uint8), "300"),
        (np.zeros((5, 100), np.uint8), "6"),
        (np.zeros((16, 0), np.uint8), "shape"),
        (np.zeros(16, np.uint8), "shape"),
        (np.zeros((16, 16, 2), np.uint8), "shape"),
        (np.full((16, 32), 300), "300"),
        (np.full((16, 32), np.nan), "nan"),
        (b"GIF, but not quite", "bytes"),
    ],
)
def test_pictures_that_are_no_line_of_text_are_refused(
    picture: np.ndarray | bytes, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        image_patches(picture, PATCH, 64)


def test_a_damaged_file_and_a_missing_one_are_named(strip: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.fromarray(paper(strip)).save(path)
    path.write_bytes(path.read_bytes()[:-60])
    for damaged in (path, tmp_path):
        with pytest.raises(ValueError, match=str(damaged)):
            image_patches(damaged, PATCH, 64)
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        image_patches(tmp_path / "none.png", PATCH, 64)
