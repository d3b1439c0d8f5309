"""Words are cut out of lines and pages."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pixel_linguist.render.fonts import family, installed
from pixel_linguist.render.word_pictures import (
    LETTERS,
    ROWS,
    WIDTH,
    letter_band,
    read_line,
    read_page,
)

TEXT = "A man with a hard hat is dancing."


def draw(text: str, size: float, margin: int = 8, name: str = "noto") -> np.ndarray:
    """Draw lines of text as ink, uint8 [H, W]."""
    font = ImageFont.truetype(str(installed(family(name).fonts[0].font)), size)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    extent = int(box[2]) + 2 * margin, int(box[3]) + 2 * margin
    page = Image.new("L", extent)
    ImageDraw.Draw(page).multiline_text((margin, margin), text, font=font, fill=255)
    return np.asarray(page)


def paper(ink: np.ndarray) -> np.ndarray:
    """Return dark ink on white paper, float32 from 0 to 1."""
    return (255 - ink).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("size", [12, 17, 40])
def test_a_line_is_cut_into_its_words(size: int) -> None:
    words = read_line(draw(TEXT, size))
    assert words.shape == (len(TEXT.split()), ROWS, WIDTH) and words.dtype == np.uint8
    assert (words.max(axis=(1, 2)) == 255).all()
    inked = words[3].any(axis=0)
    assert inked[2:10].any() and not inked[WIDTH - 8 :].any()


def test_a_word_has_the_same_size_whatever_its_line() -> None:
    small, large = (read_line(draw("hard hyphens", size))[1] > 100 for size in (16, 48))
    for axis in (0, 1):
        extents = [np.ptp(np.flatnonzero(word.any(axis=axis))) + 1 for word in (small, large)]
        assert abs(extents[0] - extents[1]) <= 3
    assert abs(np.ptp(np.flatnonzero(large.any(axis=1))) + 1 - LETTERS) <= 1


@pytest.mark.parametrize("text", [TEXT.upper(), "a MAN With A HARD Hat is dancing"])
def test_letters_have_one_height_whatever_their_case(text: str) -> None:
    bands = [letter_band(draw(t, 28).sum(axis=1)) for t in (TEXT, text)]
    heights = [last - first for first, last, _ in bands]
    np.testing.assert_allclose(heights[1], heights[0], rtol=0.2)


@pytest.mark.parametrize("size", [16, 30])
@pytest.mark.parametrize("margin", [0, 40])
def test_a_clean_page_of_one_line_equals_the_line(size: int, margin: int) -> None:
    line = draw(TEXT, size)
    page = read_page(paper(np.pad(line, margin)))
    np.testing.assert_array_equal(page, read_line(line))
    np.testing.assert_array_equal(read_page(1 - paper(line)), page)


def test_words_of_a_page_stand_in_reading_order() -> None:
    lines = ("one two three", "four five", "six")
    words = read_page(paper(draw("\n".join(lines), 24)))
    alone = np.concatenate([read_line(draw(line, 24)) for line in lines])
    assert words.shape == alone.shape
    # Lines of a page are scaled by their own letters: the pictures are nearly equal.
    alike = [[np.corrcoef(word.ravel(), other.ravel())[0, 1] for other in alone] for word in words]
    assert np.argmax(alike, axis=1).tolist() == list(range(6))


def test_wide_words_are_squeezed_or_cut() -> None:
    squeezed = read_line(draw("internationalisations", 20))
    assert len(squeezed) == 1 and not squeezed[0, :, WIDTH - 8 :].any()
    pieces = read_line(draw("W" * 60, 20))
    assert len(pieces) >= 5 and not pieces[:, :, WIDTH - 4 :].any()


def test_blank_pages_have_no_words() -> None:
    noise = np.random.default_rng(0).normal(0.8, 0.03, (60, 200)).clip(0, 1).astype(np.float32)
    for grey in (np.ones((30, 90)), np.zeros((1, 1)), noise):
        words = read_page(grey.astype(np.float32))
        assert words.shape == (0, ROWS, WIDTH)
    assert len(read_line(np.zeros((20, 90), np.uint8))) == 0
