"""Pictures that come from elsewhere, cut into patches as the renderer cuts its own."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.render import Renderer
from pixel_linguist.render.images import image_patches, pictures_patches, read_grey

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


def tiff(levels: np.ndarray, bits: int, white_is_zero: bool = False) -> bytes:
    """Write a TIFF of one strip; 12 bits are packed, signed levels have their sign."""
    packed = levels.tobytes()
    if bits == 12:
        a, b = levels.reshape(-1, 2).T.astype(np.uint16)
        packed = np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], 1).astype(np.uint8).tobytes()
    height, width = levels.shape
    fields = {256: width, 257: height, 258: bits, 259: 1, 262: int(not white_is_zero), 273: 8,
              277: 1, 278: height, 279: len(packed),
              339: {"u": 1, "i": 2, "f": 3}[levels.dtype.kind]}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(packed)) + packed
    return head + struct.pack("<H", len(fields)) + entries + bytes(4)


def test_deep_pictures_are_those_of_8_bits(strip: np.ndarray) -> None:
    page = paper(strip)
    fine, light = page.astype(np.uint16) * 257, 1 - page / np.float32(255)
    graymap = b"P5 %d %d 4095\n" % page.shape[::-1]
    deep: list[Any] = [
        tiff(fine, 16),
        tiff(65535 - fine, 16, white_is_zero=True),
        tiff((fine // 2).astype(np.int16), 16),
        tiff(fine // 16, 12),
        tiff(page.astype(np.uint32) * 0x1010101, 32),
        tiff(light, 32),
        tiff(page.astype(np.float32), 32),
        graymap + (fine // 16).astype(">u2").tobytes(),
        fine.astype(">u2"),
    ]
    for number, picture in enumerate(deep):
        found = image_patches(picture, PATCH, 64).astype(int)
        np.testing.assert_allclose(found, strip, atol=1, err_msg=str(number))
    with pytest.raises(ValueError, match="finite"):
        read_grey(tiff(np.full((16, 32), np.nan, np.float32), 32))


@pytest.mark.parametrize("form", ["jpeg", "gif", "tiff", "webp", "bmp", "ppm"])
def test_a_file_that_breaks_off_is_named_by_its_place(strip: np.ndarray, form: str) -> None:
    page, stream = paper(strip), BytesIO()
    Image.fromarray(page).save(stream, form)
    whole = stream.getvalue()
    with pytest.raises(ValueError, match="picture 3"):
        pictures_patches([page, whole, whole[: len(whole) * 2 // 3]], PATCH, 64, first=1)
    with pytest.raises(ValueError, match="picture 0"):
        pictures_patches([b""], PATCH, 64)
    with pytest.raises(TypeError, match="picture 1"):
        pictures_patches([whole, None], PATCH, 64)  # type: ignore[list-item]


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


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_grey_levels_of_every_mode_are_read(mode: str) -> None:
    levels = np.array([[0, 255, 255, 0], [255, 0, 0, 255]], np.uint8)
    if mode in ("I;16", "I"):
        image = Image.fromarray(levels.astype(np.uint16) * 257)
        image = image.convert("I") if mode == "I" else image
    else:
        image = Image.fromarray(levels).convert(mode)
    grey = read_grey(image)
    assert grey.dtype == np.float32
    np.testing.assert_allclose(grey, levels / 255.0, atol=1e-6)


def test_arrays_of_every_type_are_read() -> None:
    levels = np.arange(0, 256, 51, dtype=np.uint8).reshape(2, 3)
    for array in (levels, levels.astype(np.uint16) * 257, levels / 255.0, levels[..., None]):
        np.testing.assert_allclose(read_grey(array), levels / 255.0, atol=1e-6)
    assert read_grey(levels > 100).tolist() == (levels > 100).astype(float).tolist()


def test_photos_are_turned_and_light_ink_on_glass_lies_on_black(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    with (tmp_path / "turned.png").open("rb") as stream:
        assert read_grey(stream).tolist() == [[0.0], [1.0]]
    glass = np.full((4, 4, 4), 255, np.uint8)
    glass[1:, :, 3] = 0
    assert read_grey(glass)[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_text_that_differs_in_hue_alone_is_seen() -> None:
    page = np.full((20, 40, 3), (200, 60, 0), np.uint8)
    page[8:12, 10:30] = (0, 162, 0)
    grey = read_grey(page)
    assert abs(grey[10, 20] - grey[0, 0]) > 0.9


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(TypeError, match="list"):
        read_grey([[0, 1]])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="uint8"):
        read_grey(np.zeros((4, 4), np.int64))
    with pytest.raises(ValueError, match="empty"):
        read_grey(Image.new("L", (0, 4)))
