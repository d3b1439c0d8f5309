"""Boxes of letters that no font has: each code point has a picture of its own."""

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.boxes import box_size, draw_box

# Private use, unassigned, and of scripts that few fonts have.
CODES = [*range(0xE000, 0xE100), *range(0x10FF00, 0x10FFFF, 3), *range(0x1F8D0, 0x1F8F0)]
PICTURE = """
###########
#.........#
#..#..###.#
#.##....#.#
#..#..###.#
#..#..#...#
#.###.###.#
#.........#
#..#..###.#
#.#.#.#...#
#.###.##..#
#.#.#.#...#
#.#.#.#...#
#.........#
###########
"""


@pytest.mark.parametrize("scale", [1, 2])
def test_a_box_shows_the_digits_of_its_code_point(scale: int) -> None:
    expected = np.array([[c == "#" for c in line] for line in PICTURE.split()], np.uint8) * 255
    enlarged = expected.repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_array_equal(draw_box(0x12AF, 15 * scale + 1), enlarged)


@pytest.mark.parametrize("height", [2, 4, 6, 7, 8, 11, 14, 15])
def test_boxes_of_any_height_differ_in_every_digit(height: int) -> None:
    codes = [digit << 4 * place for place in range(6) for digit in range(16)]
    codes += [*range(0x110000)[::997]]
    boxes = {code: draw_box(code, height) for code in codes if code < 0x110000}
    assert all(box.shape == box_size(code, height) for code, box in boxes.items())
    assert len({(box.shape, box.tobytes()) for box in boxes.values()}) == len(boxes)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"strategy": "continuous", "family": "mono"},
        {"strategy": "mono"},
        {"strategy": "bigrams", "patch": 8},
        {"patch": 32, "font_size": 9, "slant": 10},
    ],
)
def test_different_unreadable_texts_differ(settings: dict[str, object]) -> None:
    renderer = Renderer(**settings)  # type: ignore[arg-type]
    texts = [chr(code) for code in CODES]
    single = [renderer([text], 4) for text in texts]
    assert all(drawn.stats.missing == 1 for drawn in single)
    assert len({drawn.patches.tobytes() for drawn in single}) == len(texts)
    words = ["a\ue000\ue001 b", "a\ue001\ue000 b", "a\ue000\ue001 b"]
    first, second, again = renderer(words, 12).patches
    assert (first != second).any() and (first == again).all()


def test_boxes_stay_in_the_patch_that_their_letter_starts() -> None:
    patches = Renderer()(["\ue000", "\ue001"]).patches
    assert patches.shape[1] == 1 and (patches[:, 0, :, -2:] == 0).all()


def test_a_cluster_has_a_box_for_each_code_point_and_counts_once() -> None:
    renderer = Renderer()
    texts = ["\ue000\u0301", "\ue000\u0302", "\ue000\u0301 \ue001"]
    drawn = renderer(texts, 4)
    assert drawn.stats.missing == 4
    assert (drawn.patches[0] != drawn.patches[1]).any()
    assert renderer(["a\u0301"]).stats.missing == 0
