"""Pictures that Pillow draws and wears: what they show, in numbers that are known beforehand."""

import numpy as np
import pytest

from pixel_linguist.render.page_pictures import Margins, draw_page, installed_fonts
from pixel_linguist.render.wear import WEAR

BLANK = Margins(0, 0, 0, 0)
SIZE = 24
TEXT = "A man is playing a large flute."
PICTURE = draw_page([TEXT], "lora", SIZE, 1.0, Margins(10, 10, 10, 10))


def text_rows(picture: np.ndarray) -> int:
    """Count runs of rows with ink, between rows without."""
    inked = (picture < 128).any(axis=1)
    return int((np.diff(inked.astype(int), prepend=0) == 1).sum())


def test_lines_stand_at_the_line_height_within_their_margins() -> None:
    page = draw_page(["Hamburg", "lie"] * 2, "lora", SIZE, 1.5, Margins(7, 5, 9, 11))
    one = draw_page(["Hamburg"], "lora", SIZE, 1.5, BLANK)
    assert page.dtype == np.uint8 and text_rows(page) == 4
    assert page.shape == (one.shape[0] + 3 * 36 + 5 + 11, one.shape[1] + 7 + 9)
    np.testing.assert_array_equal(page[5 : 5 + 30, 7:-9], one[:30])
    np.testing.assert_array_equal(page[5 + 72 : 5 + 72 + 30, 7:-9], one[:30])
    assert (page[:, :7] == 255).all() and (page[:5] == 255).all()


def test_letters_that_a_family_lacks_come_from_the_next_font() -> None:
    # Fixed widths tell who drew: a full-width letter of Noto CJK is one em wide.
    latin = draw_page(["abc"], "plex-mono", 40, 1.0, BLANK).shape[1]
    assert draw_page(["abc漢字"], "plex-mono", 40, 1.0, BLANK).shape[1] == latin + 80
    shown = [draw_page([text], "lora", 40, 1.0, BLANK) for text in ("سلام", "سلا", "漢")]
    assert all((picture < 128).any() for picture in shown)
    assert draw_page([""], "lora", 40, 1.0, Margins(1, 0, 1, 0)).min() == 255


def test_a_file_is_a_family_and_an_unknown_one_is_refused() -> None:
    from pixel_linguist.render.fonts import installed

    path = str(installed("Lora"))
    np.testing.assert_array_equal(
        draw_page([TEXT], path, SIZE, 1.0, BLANK), draw_page([TEXT], "lora", SIZE, 1.0, BLANK)
    )
    with pytest.raises(ValueError, match="lorra"):
        installed_fonts("lorra")


@pytest.mark.parametrize("kind", WEAR)
def test_wear_repeats_by_its_generator_and_grows_with_its_strength(kind: str) -> None:
    def worn(strength: float, picture: np.ndarray = PICTURE) -> np.ndarray:
        return WEAR[kind](picture, SIZE, strength, np.random.default_rng(1))

    weak, strong = worn(0.3), worn(1.0)
    np.testing.assert_array_equal(strong, worn(1.0))
    assert weak.dtype == strong.dtype == np.uint8 and weak.ndim == 2
    if kind in ("tilt", "shift"):
        assert PICTURE.shape < weak.shape < strong.shape
    else:
        away = [np.abs(x.astype(int) - PICTURE).mean() for x in (weak, strong)]
        assert weak.shape == PICTURE.shape and 0 < away[0] < away[1]
    # Of a single pixel there is nothing to read, but nothing fails.
    assert worn(1.0, PICTURE[:1, :1]).size
