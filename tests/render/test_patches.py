"""Patches of texts and of pictures: who is where, and which patches belong together."""

import numpy as np
import pytest

from pixel_linguist.render.patches import one_text_a_row, packed, picture_patches


def test_texts_of_rows_of_their_own() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 8, 6), np.uint8)
    patches = one_text_a_row(pixels, np.array([4, 1, 0], np.int32))
    np.testing.assert_array_equal(patches.pixels[..., 0], pixels)
    assert patches.position.shape == (3, 4, 2) and not patches.position[..., 0].any()
    assert patches.position[..., 1].tolist() == [[0, 1, 2, 3]] * 3
    assert patches.segment.tolist() == [[0] * 4, [0, -1, -1, -1], [-1] * 4]
    assert np.array_equal(patches.unit, patches.segment)
    assert patches.owner.tolist() == [[0], [1], [2]]
    assert {x.dtype for x in patches[1:]} == {np.dtype(np.int32)}
    embedded = np.zeros((3, 4, 5), np.float32)
    assert one_text_a_row(embedded, np.ones(3, np.int32)).pixels is embedded


def test_positions_restart_with_each_packed_text() -> None:
    count = np.array([[2, 0, 3, 0], [1, 1, 1, 4], [0, 0, 0, 0]], np.int32)
    owner = np.array([[5, -1, 2, -1], [0, 1, 3, 4], [-1] * 4], np.int32)
    patches = packed(np.zeros((3, 7, 8, 8), np.uint8), count, owner)
    for row in range(3):
        expected = [(text, place) for text, n in enumerate(count[row]) for place in range(n)]
        for column, (text, place) in enumerate(expected):
            assert patches.segment[row, column] == patches.unit[row, column] == text
            assert patches.position[row, column].tolist() == [0, place]
        assert (patches.segment[row, len(expected) :] == -1).all()
    assert np.array_equal(patches.owner, owner)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_a_grid_of_patches(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (2, 12, 20, channels), np.uint8)
    patches = picture_patches(picture, (6, 4))
    assert patches.pixels.shape == (2, 10, 6, 4, channels)
    for number in range(10):
        row, column = divmod(number, 5)
        assert patches.position[:, number].tolist() == [[row, column]] * 2
        part = picture[:, 6 * row : 6 * row + 6, 4 * column : 4 * column + 4]
        np.testing.assert_array_equal(patches.pixels[:, number], part)
    # All patches of a picture attend to one another and are pooled together.
    assert not patches.segment.any() and not patches.unit.any()
    assert patches.owner.tolist() == [[0], [1]]


@pytest.mark.parametrize(("height", "width"), [(13, 20), (12, 18)])
def test_pictures_that_patches_do_not_divide_are_refused(height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{height} x {width}"):
        picture_patches(np.zeros((1, height, width, 1), np.uint8), (6, 4))
