"""Letters in wide cells are brought together; all others stay where they are."""

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.spaced_letters import bring_together
from pixel_linguist.render.word_pictures import read_line
from pixel_linguist.text.perturb import PERTURBATIONS
from pixel_linguist.word_embedder import draw_lines, line_renderer

TEXTS = [
    "A man is cutting onions.",
    "Men are playing cricket.",
    "A woman is slicing something.",
    "Stocks fell on Monday",
    "the dog runs through fresh snow",
]
WIDTHS = np.array([8, 3, 10, 7, 5, 9, 2, 8])
# Cells of 17 pixels; after the third and the sixth letter there is a space of 5.
LEFT = np.arange(8) * 17 + np.array([0, 0, 0, 5, 5, 5, 10, 10]) + (17 - WIDTHS) // 2


def boxes(left: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Draw letters as boxes: uint8 [16, w]."""
    ink = np.zeros((16, int(left[-1] + widths[-1])), np.uint8)
    for start, width in zip(left, widths, strict=True):
        ink[:, start : start + width] = 255
    return ink[:, left[0] :]


def closer(left: np.ndarray, widths: np.ndarray) -> np.ndarray | None:
    """Bring boxes together, whose letters are 16 pixels high; None if they stay."""
    start, end = left - left[0], left - left[0] + widths
    inked = np.concatenate([np.arange(a, b) for a, b in zip(start, end, strict=True)])
    gaps = start[1:] - end[:-1]
    ink = boxes(left, widths)
    kept = bring_together(ink.shape[1], inked, end[:-1] + gaps // 2, gaps, 1.0)
    return ink[:, kept] if len(kept) < ink.shape[1] else None


def test_boxes_in_cells_have_usual_distances_and_spaces_stay() -> None:
    found = closer(LEFT, WIDTHS)
    assert found is not None
    edges = np.flatnonzero(np.diff(np.pad(found[0] > 0, 1)))
    start, end = edges[::2], edges[1::2]
    np.testing.assert_array_equal(end - start, WIDTHS)
    distances = start[1:] - end[:-1]
    assert set(distances[[0, 1, 3, 4, 6]]) == {2} and (distances[[2, 5]] >= 5).all()


@pytest.mark.parametrize(
    ("left", "widths"),
    [
        # Of like widths at usual distances, in narrower cells (digits), and wide words.
        (np.arange(8) * 10, np.full(8, 8)),
        (np.arange(8) * 13, np.full(8, 7)),
        (np.arange(8) * 40, np.full(8, 32)),
        # Far apart, but not in cells.
        (np.array([0, 15, 36, 48, 75, 90]), np.array([8, 9, 7, 10, 6, 8])),
    ],
)
def test_others_stay(left: np.ndarray, widths: np.ndarray) -> None:
    assert closer(left, widths) is None


def test_full_width_words_look_like_words() -> None:
    renderer = line_renderer(Renderer(patch=(20, 160), font_size=16))
    rng = np.random.default_rng(0)
    wide = [PERTURBATIONS["full_width"](text, rng, rate=1.0) for text in TEXTS]
    right = 0
    for text, line in zip(TEXTS, draw_lines(renderer, wide), strict=True):
        words = read_line(line)
        right += len(words) == len(text.split())
        # As wide as usual: letters are at most 0.8 times as wide as high.
        ends = (words > 0).any(axis=1) @ np.eye(160)[:, ::-1].cumsum(axis=1)[:, ::-1]
        assert (ends > 0).sum(axis=1).max() <= 0.8 * 16 * max(map(len, text.split()))
    assert right >= 4
    usual = [read_line(line) for line in draw_lines(renderer, TEXTS)]
    assert [len(words) for words in usual] == [len(text.split()) for text in TEXTS]
