"""Pictures show the patches as they are, with captions in any script."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_linguist.data.pairs import Example
from pixel_linguist.render import Renderer
from pixel_linguist.report.pictures import (
    CAPTION,
    CAPTION_LINES,
    GRID,
    INK,
    LABEL,
    LINE,
    MARGIN,
    PAPER,
    RULE,
    SCALE,
    break_lines,
    caption_renderer,
    draw_caption,
    draw_lines,
    draw_patches,
    draw_strip,
    save_moved,
    save_neighbours,
    save_pairs,
    save_patch_similarity,
    wrap,
)
from pixel_linguist.report.reconstruction import HIDDEN, save_reconstructions

RENDERER = Renderer(max_patches=100)
CAPTIONS = caption_renderer(RENDERER)
TEXTS = {
    "Latin": "A quick brown fox, naïvely",
    "Cyrillic": "Кошка поймала мышь",
    "Devanagari": "नमस्ते दुनिया",
    "Arabic": "مرحبا بالعالم",
    "Thai": "สวัสดีชาวโลก",
}


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def seen(
    pairs: list[tuple[Example, Example]], length: int | None = None
) -> dict[str, list[np.ndarray]]:
    """Return view → patches of each pair as it is shown."""
    views = ("anchor", "positive", "negative")
    drawn = {v: RENDERER([getattr(shown, v) for _, shown in pairs], length) for v in views}
    return {v: [p[:n] for p, n in zip(d.patches, d.count, strict=True)] for v, d in drawn.items()}


def places(sheet: np.ndarray, part: np.ndarray) -> list[tuple[int, int]]:
    """Return every (top, left) at which an image stands in a larger one."""
    height, width = part.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width), axis=(0, 1))
    # Compare by one row of the part that has ink, then in full.
    row = int((part != 255).any(axis=2).sum(axis=1).argmax())
    likely = (windows[:, :, :, row, :] == part[row].T).all(axis=(2, 3))
    found = [(int(y), int(x)) for y, x in np.argwhere(likely)]
    return [(y, x) for y, x in found if (sheet[y : y + height, x : x + width] == part).all()]


def rules(sheet: np.ndarray) -> int:
    """Count the rules between examples."""
    lines = (sheet[:, MARGIN:-MARGIN] == RULE).all(axis=(1, 2)).sum()
    assert lines % SCALE == 0
    return int(lines) // SCALE


@pytest.mark.parametrize("script", TEXTS)
def test_a_strip_shows_every_pixel_of_the_patches(script: str) -> None:
    strip = draw_strip(RENDERER, TEXTS[script])
    rendered = RENDERER([TEXTS[script]])
    patches = rendered.patches[0, : rendered.count[0]]
    count, height, width = patches.shape
    assert strip.shape == ((height + 1) * SCALE, (count * width + 1) * SCALE, 3)
    assert (patches > 100).any()
    for number, patch in enumerate(patches):
        for y, x in np.ndindex(height, width):
            top, left = y * SCALE, (number * width + x) * SCALE
            share = patch[y, x] / 255
            for dy, dx in np.ndindex(SCALE, SCALE):
                on_grid = y == 0 or x == 0
                ground = np.array(GRID if on_grid else PAPER)
                expected = ground + (np.array(INK) - ground) * share
                assert np.abs(strip[top + dy, left + dx] - expected).max() <= 0.51
    assert (strip[-SCALE:] == GRID).all() and (strip[:, -SCALE:] == GRID).all()


def test_pairs_are_shown_as_they_are_seen_not_as_their_texts_are_drawn(tmp_path: Path) -> None:
    pairs = [(Example("A cat slept", "A cat dozed"), Example("A cat slept", "A cat dozed"))]
    given = seen(pairs, length=3)
    turned = given["anchor"][0][::-1, ::-1]
    save_pairs(RENDERER, pairs, {"anchor": [turned]}, tmp_path / "pairs.png")
    sheet = read(tmp_path / "pairs.png")
    assert places(sheet, draw_patches(turned))
    assert not places(sheet, draw_strip(RENDERER, "A cat slept"))
    # The other view is not encoded in that stage.
    assert not places(sheet, draw_caption(CAPTIONS, "positive", LABEL))


@pytest.mark.parametrize("script", TEXTS)
def test_captions_have_ink_in_every_script(script: str) -> None:
    caption = draw_caption(CAPTIONS, TEXTS[script])
    inked = (caption != PAPER).any(axis=2)
    # Letters stand along the whole caption but for the rest of its last patch.
    columns = np.flatnonzero(inked.any(axis=0))
    assert columns[-1] - columns[0] > 0.6 * caption.shape[1]
    assert (caption.reshape(-1, 3) >= np.array(CAPTION)).all()
    shorter = draw_caption(CAPTIONS, TEXTS[script].split()[0][:-1])
    assert shorter.shape != caption.shape or (shorter != caption).any()


def test_pairs_stand_below_each_other(tmp_path: Path) -> None:
    pairs = [
        (Example("A cat slept", "A cat dozed"), Example("A cta slept", "A cat dzed")),
        (
            Example(TEXTS["Cyrillic"], "The cat caught a mouse", "The cat caught no mouse"),
            Example(TEXTS["Cyrillic"], "Teh cat caught a mouse", "The cat cught no mouse"),
        ),
    ]
    path = tmp_path / "pairs" / "stage.png"
    save_pairs(RENDERER, pairs, seen(pairs), path)
    sheet = read(path)
    assert rules(sheet) == len(pairs) - 1
    tops = []
    for clean, perturbed in pairs:
        for clean_text, text in zip(clean[:3], perturbed[:3], strict=True):
            if clean_text:
                (strip,) = places(sheet, draw_strip(RENDERER, text))
                captions = places(sheet, draw_caption(CAPTIONS, clean_text))
                above = [top for top, left in captions if top < strip[0] and left == strip[1]]
                tops += [above[-1], strip[0]]
    assert len(tops) == 10 and tops == sorted(tops)
    for name, count in (("anchor", 2), ("positive", 2), ("hard negative", 1)):
        assert len(places(sheet, draw_caption(CAPTIONS, name, LABEL))) == count


def test_neighbours_stand_beside_their_cosine(tmp_path: Path) -> None:
    queries = [
        ("Teh cta slept", [("A cat slept", 0.934), (TEXTS["Devanagari"], -0.126)]),
        (TEXTS["Arabic"], [("hello world", 0.5)]),
    ]
    path = tmp_path / "neighbours.png"
    save_neighbours(RENDERER, queries, path)
    sheet = read(path)
    assert rules(sheet) == 1
    rows = [
        ("query", "Teh cta slept"),
        ("0.93", "A cat slept"),
        ("−0.13", TEXTS["Devanagari"]),
        ("0.50", "hello world"),
    ]
    for label, text in rows:
        (strip,) = places(sheet, draw_strip(RENDERER, text))
        labels = places(sheet, draw_caption(CAPTIONS, label, LABEL))
        assert (strip[0], MARGIN) in labels


def test_a_moved_pair_stands_beside_its_cosines(tmp_path: Path) -> None:
    path = tmp_path / "moved.png"
    save_moved(RENDERER, [("A cat slept", "A cat dozed", -0.2, 0.71)], path)
    sheet = read(path)
    (first,) = places(sheet, draw_strip(RENDERER, "A cat slept"))
    (second,) = places(sheet, draw_strip(RENDERER, "A cat dozed"))
    assert first[0] < second[0] and first[1] == second[1]
    assert (first[0], MARGIN) in places(sheet, draw_caption(CAPTIONS, "−0.20 → 0.71", LABEL))


def test_patches_stand_along_the_sides_of_their_similarity(tmp_path: Path) -> None:
    first, second = (RENDERER([text]) for text in ("A cat", "A cat dozed"))
    rows, columns = int(first.count[0]), int(second.count[0])
    similarity = np.zeros((rows, columns))
    similarity[0, 0], similarity[-1, 0] = 1.0, 0.5
    path = tmp_path / "patches.png"
    save_patch_similarity(RENDERER, "A cat", "A cat dozed", similarity, path)
    height, width = (SCALE * size for size in first.patches.shape[2:])
    cells = read(path)[MARGIN:-MARGIN, MARGIN:-MARGIN]
    assert cells.shape[:2] == ((rows + 1) * height, (columns + 1) * width)
    cells = cells.reshape(rows + 1, height, columns + 1, width, 3).transpose(0, 2, 1, 3, 4)
    for place, patch in enumerate(first.patches[0, :rows], start=1):
        # Ink is dark at the same pixels, away from the grid.
        dark = cells[place, 0, ::SCALE, ::SCALE, 0][1:, 1:] < 128
        assert (dark == (patch[1:, 1:] > 140)).mean() > 0.98
    assert (cells[1, 1, SCALE:, SCALE:] == LABEL).all()
    assert (cells[1, 2, SCALE:, SCALE:] == PAPER).all()


def test_a_reconstruction_stands_below_its_text_line_by_line(tmp_path: Path) -> None:
    # The second text takes two lines; where it is broken is seen in the text alone.
    texts = ["Snow fell", "A cat slept beside the door " * 5]
    rendered = RENDERER(texts)
    patches, count = rendered.patches, rendered.count
    masked = np.zeros(patches.shape[:2], bool)
    masked[:, 1::3] = True
    predicted = np.full(patches.shape, 0.5)
    predicted[:, :, :, ::2] = 1.7
    path = tmp_path / "reconstructions" / "pretrain.png"
    save_reconstructions(RENDERER, patches, count, masked, predicted, path)
    sheet = read(path)
    assert rules(sheet) == 1
    tops = []
    for text, own, hidden in zip(patches, count, masked, strict=True):
        lines = break_lines(text[:own], LINE // text.shape[2])
        ends = np.cumsum([len(line) for line in lines])[:-1]
        grey, drawn = text.copy(), text.copy()
        for place in np.flatnonzero(hidden):
            grey[place] = HIDDEN
            drawn[place] = 128
            drawn[place, :, ::2] = 255
        for view in (text, grey, drawn):
            (found,) = places(sheet, draw_lines(np.split(view[:own], ends)))
            tops.append(found[0])
    assert len(lines) == 2 and tops == sorted(tops)
    for name in ("input", "mask", "output"):
        labels = places(sheet, draw_caption(CAPTIONS, name, LABEL))
        assert len(labels) == 2 and {top for top, _ in labels} <= set(tops)


@pytest.mark.parametrize("text", ["", "  \n ", "\ud800", "x" * 10_000, "word " * 2_000])
def test_odd_texts_have_a_picture_of_bounded_size(tmp_path: Path, text: str) -> None:
    example = Example(text, text)
    pairs = [(example, example)]
    save_pairs(RENDERER, pairs, seen(pairs, length=60), tmp_path / "odd.png")
    height, width, _ = read(tmp_path / "odd.png").shape
    assert height < 700 and width < SCALE * LINE + 500


words = st.text(st.sampled_from("abcdefghijиклмनमस्ते"), min_size=1, max_size=200).filter(str.split)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, max_size=30))
def test_wrapped_lines_fit_and_keep_the_text(texts: list[str]) -> None:
    text = " ".join(texts)
    lines = wrap(CAPTIONS, text)
    width = CAPTIONS([""]).patches.shape[-1]
    assert 1 <= len(lines) <= CAPTION_LINES
    for line in lines:
        # The sign of a cut may need a patch or two of its own.
        assert CAPTIONS.count_patches([line])[0] <= LINE // width + 2 * line.endswith(" …")
    kept = "".join("".join(lines).split())
    whole = "".join(text.split())
    if lines[-1].endswith(" …"):
        assert whole.startswith(kept.removesuffix("…")) and len(kept) > LINE // width
    else:
        assert kept == whole


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 12))
def test_lines_of_patches_end_at_gaps(joined: list[bool], per_line: int) -> None:
    patches = np.zeros((len(joined), 2, 3), np.uint8)
    patches[:, :, 1] = np.arange(1, len(joined) + 1)[:, None]
    # Ink crosses to the next patch where `joined` says so.
    patches[joined, 0, -1] = 255
    lines = break_lines(patches, per_line)
    assert (np.concatenate(lines) == patches).all()
    ends = np.cumsum([len(line) for line in lines])
    for line, end in zip(lines[:-1], ends[:-1], strict=True):
        assert 1 <= len(line) <= per_line
        start = end - len(line)
        gaps = [
            e
            for e in range(start + per_line // 2 + per_line % 2 + 1, start + per_line + 1)
            if not joined[e - 1]
        ]
        assert end == (max(gaps) if gaps else start + per_line)
