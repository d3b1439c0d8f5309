"""Lines are found on pages: clean, worn, tilted, in columns and panels."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pixel_linguist.render.fonts import family, installed
from pixel_linguist.render.ink import separate
from pixel_linguist.render.lines import find_lines

LINES = ["Small jumping fires", "were put out by the", "quick, young pilots"]


def draw(lines: list[str], size: int = 24, pitch: float = 1.3, margin: int = 12) -> np.ndarray:
    """Draw lines of text as ink, uint8 [H, W]."""
    font = ImageFont.truetype(str(installed(family("noto").fonts[0].font)), size)
    width = max(int(font.getlength(line)) for line in lines) + 2 * margin
    page = Image.new("L", (width, int(size * (pitch * len(lines) + 0.4)) + 2 * margin))
    for number, line in enumerate(lines):
        place = margin, margin + size + round(number * pitch * size)
        ImageDraw.Draw(page).text(place, line, font=font, fill=255, anchor="ls")
    return np.asarray(page)


def paper(ink: np.ndarray) -> np.ndarray:
    return (255 - ink).astype(np.float32) / np.float32(255)


def jpeg(ink: np.ndarray) -> np.ndarray:
    stream = BytesIO()
    Image.fromarray(255 - ink).save(stream, "JPEG", quality=30)
    return np.asarray(Image.open(stream)).astype(np.float32) / np.float32(255)


def blur(ink: np.ndarray) -> np.ndarray:
    return paper(np.asarray(Image.fromarray(ink).filter(ImageFilter.GaussianBlur(1.2))))


def noise(ink: np.ndarray) -> np.ndarray:
    spread = np.random.default_rng(0).normal(0, 0.08, ink.shape).astype(np.float32)
    return np.clip(0.9 - 0.7 * (1 - paper(ink)) + spread, 0, 1)


def shade(ink: np.ndarray) -> np.ndarray:
    return (1 - 0.4 * (1 - paper(ink))) * np.linspace(0.5, 1, ink.shape[1], dtype=np.float32)


def faint(ink: np.ndarray) -> np.ndarray:
    return np.round((0.7 - 0.1 * (1 - paper(ink))) * 255).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("pitch", [1.0, 1.3])
@pytest.mark.parametrize("wear", [paper, jpeg, blur, noise, shade, faint])
def test_lines_of_worn_pages_are_found(wear, pitch: float) -> None:  # type: ignore[no-untyped-def]
    for page in (wear(draw(LINES, pitch=pitch)), 1 - wear(draw(LINES, pitch=pitch))):
        lines = find_lines(page)
        assert len(lines) == 3
        assert all(line.ink.dtype == np.uint8 and line.ink.any() for line in lines)


def test_ink_of_a_clean_page_is_not_changed() -> None:
    page = draw(LINES)
    lines = find_lines(paper(page))
    assert [line.left for line in lines] == [0, 0, 0]
    np.testing.assert_array_equal(np.concatenate([line.ink for line in lines]), page)


@pytest.mark.parametrize("angle", [-4.0, -1.5, 3.0])
def test_tilted_pages_are_levelled(angle: float) -> None:
    turned = Image.fromarray(draw(LINES, 30)).rotate(angle, Image.Resampling.BICUBIC, expand=True)
    lines = find_lines(paper(np.asarray(turned)))
    assert len(lines) == 3
    # Rows of a level line end as sharply as they were drawn.
    rows = [np.flatnonzero(line.ink.max(axis=1) > 128) for line in lines]
    assert all(np.ptp(inked) < 1.2 * 30 for inked in rows)


def test_columns_are_read_one_after_the_other() -> None:
    left, right = draw(LINES, 20), draw(["one two", "six four", "ten eight"], 20)
    page = np.concatenate([left, np.zeros((len(left), 30), np.uint8), right], axis=1)
    heading = np.zeros((50, page.shape[1]), np.uint8)
    title = draw(["A heading stands above two columns"], 20, 1, 4)
    heading[:35, : title.shape[1]] = title[:35, : page.shape[1]]
    lines = find_lines(paper(np.concatenate([heading, page])))
    assert [line.left > 100 for line in lines] == [False] * 4 + [True] * 3
    assert np.diff([line.top for line in lines[1:4]]).min() > 15


def test_light_text_on_a_dark_panel_is_read_with_the_page() -> None:
    header, text = paper(draw(LINES[:1])), paper(draw(LINES[1:]))
    width = max(header.shape[1], text.shape[1])
    parts = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=1.0)
             for part in (header, text)]  # fmt: skip
    page = np.concatenate([1 - parts[0], parts[1]])
    lines = find_lines(page.astype(np.float32))
    assert len(lines) == 3
    np.testing.assert_array_equal(separate(page)[0][4 : len(header) - 4, 4:-4],
                                  np.round(255 * (1 - parts[0]))[4:-4, 4:-4])  # fmt: skip


def test_rules_and_frames_are_no_text() -> None:
    page = draw(LINES).copy()
    page[[2, -3]] = page[:, [2, -3]] = 255
    framed = find_lines(paper(np.pad(page, 5)))
    assert len(framed) == 3
    assert all((np.flatnonzero(line.ink.max(axis=0)) > 12).all() for line in framed)


def salted(ink: np.ndarray) -> np.ndarray:
    """Turn 3 % of the pixels to black or white."""
    rng = np.random.default_rng(0)
    drawn = np.where(rng.random(ink.shape) < 0.03, rng.choice([0, 255], ink.shape), ink)
    return paper(drawn.astype(np.uint8))


def shaded(ink: np.ndarray) -> np.ndarray:
    """Darken the left half to 0.6, with an edge of a few pixels."""
    columns = np.arange(ink.shape[1]) - ink.shape[1] / 2
    return (paper(ink) * (1 - 0.4 / (1 + np.exp(columns / 3)))).astype(np.float32)


@pytest.mark.parametrize("wear", [salted, shaded])
def test_specks_and_shadows_are_no_letters(wear: Callable[[np.ndarray], np.ndarray]) -> None:
    ink = draw(LINES)
    found = separate(wear(ink))[1]
    letters = ink > 128
    assert found[letters].mean() > 0.7
    # Beside the letters themselves and their edges there is next to nothing.
    near = np.asarray(Image.fromarray(letters).filter(ImageFilter.MaxFilter(5)))
    assert found[near == 0].mean() < 0.005
    assert len(find_lines(wear(ink))) == len(LINES)


def test_the_thin_strokes_of_small_letters_are_no_specks() -> None:
    # Diagonals of one pixel's width, whose pixels stand alone in their rows and columns.
    page = np.zeros((40, 400), np.uint8)
    for left in range(10, 380, 12):
        for step in range(9):
            page[15 + step, [left + step, left + 9 - step]] = 255
    np.testing.assert_array_equal(separate(paper(page))[0], page)
