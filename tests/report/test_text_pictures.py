"""Pictures show the patches as they are, with captions in any script."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_linguist.data.example import Example
from pixel_linguist.render import Renderer
from pixel_linguist.report.text_pictures import (
    CAPTION,
    CAPTION_LINES,
    GRID,
    INK,
    LABEL,
    LINE,
    MARGIN,
    PAPER,
    RULE,
    break_lines,
    caption_renderer,
    draw_caption,
    draw_patches,
    draw_strip,
    save_images,
    save_pairs,
    save_texts,
    wrap,
)

RENDERER = Renderer(max_patches=100)
CAPTIONS = caption_renderer(RENDERER)
TEXTS = {
    "Latin": "A quick brown fox, naïvely",
    "Cyrillic": "Кошка поймала мышь",
    "Devanagari": "नमस्ते दुनिया",
    "Arabic": "مرحبا بالعالم",
    "Thai": "สวัสดีชาวโลก",
}


def example(*texts: str) -> Example:
    return Example(dict(zip(("anchor", "positive", "negative"), texts, strict=False)))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def seen(*examples: Example, length: int | None = None) -> dict[str, list[np.ndarray]]:
    """Return view → patches of each example."""
    drawn = {}
    for view in ("anchor", "positive", "negative"):
        rendered = RENDERER([str(own.views.get(view, "")) for own in examples], length)
        drawn[view] = [p[:n] for p, n in zip(rendered.patches, rendered.count, strict=True)]
    return drawn


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
    return int((sheet[:, MARGIN:-MARGIN] == RULE).all(axis=(1, 2)).sum())


@pytest.mark.parametrize("script", TEXTS)
def test_a_strip_shows_every_pixel_and_a_caption_has_ink_in_every_script(script: str) -> None:
    strip = draw_strip(RENDERER, TEXTS[script])
    rendered = RENDERER([TEXTS[script]])
    patches = rendered.patches[0, : rendered.count[0]]
    count, height, width = patches.shape
    assert strip.shape == (height + 1, count * width + 1, 3)
    assert (patches > 100).any()
    for number, y, x in np.ndindex(patches.shape):
        ground = np.array(GRID if y == 0 or x == 0 else PAPER)
        expected = ground + (np.array(INK) - ground) * (patches[number, y, x] / 255)
        assert np.abs(strip[y, number * width + x] - expected).max() <= 0.51
    assert (strip[-1] == GRID).all() and (strip[:, -1] == GRID).all()
    caption = draw_caption(CAPTIONS, TEXTS[script])
    # Letters stand along the whole caption except for the rest of its last patch.
    columns = np.flatnonzero((caption != PAPER).any(axis=(0, 2)))
    assert columns[-1] - columns[0] > 0.6 * caption.shape[1]
    assert (caption.reshape(-1, 3) >= np.array(CAPTION)).all()


def save(examples: list[Example], views: dict[str, list[np.ndarray]], path: Path) -> np.ndarray:
    pairs = [(example, example) for example in examples]
    save_pairs(RENDERER, pairs, views, path)
    return read(path)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_shown_whole_beside_its_text(tmp_path: Path, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, channels), np.uint8)
    caption = example("A cat slept", "", "").views["anchor"]
    picture = Example({"anchor": pixels, "positive": caption})
    patches = [np.zeros((6, 16, 16, 3), np.uint8)]
    text = seen(example("A cat slept", "", ""))["anchor"]
    sheet = save([picture], {"anchor": patches, "positive": text}, tmp_path / "stage.png")
    assert len(places(sheet, 255 - np.broadcast_to(pixels, (32, 48, 3)))) == 1
    assert len(places(sheet, draw_patches(text[0]))) == 1


@pytest.mark.parametrize("text", ["", "A cat slept"])
def test_pictures_of_paths_are_shown_in_their_colours(tmp_path: Path, text: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    picture = Example({"anchor": tmp_path / "picture.png", "positive": text})
    views = {"anchor": [pixels], "positive": seen(example(text, "", ""))["anchor"]}
    sheet = save([picture], views, tmp_path / "stage.png")
    expected = 255 - pixels.swapaxes(0, 1).reshape(16, 96, 3)
    assert len(places(sheet, expected)) == 1


def test_pairs_stand_below_each_other(tmp_path: Path) -> None:
    examples = [
        example("A cat slept", "A cat dozed", ""),
        example(TEXTS["Cyrillic"], "The cat caught a mouse", "The cat caught no mouse"),
    ]
    perturbed = [
        example("A cta slept", "A cat dzed", ""),
        example(TEXTS["Cyrillic"], "Teh cat caught a mouse", "The cat cught no mouse"),
    ]
    sheet = save(examples, seen(*perturbed), tmp_path / "pairs" / "stage.png")
    assert rules(sheet) == len(examples) - 1
    tops = []
    for original, changed in zip(examples, perturbed, strict=True):
        for view, text in original.views.items():
            if text:
                (strip,) = places(sheet, draw_strip(RENDERER, str(changed.views[view])))
                captions = places(sheet, draw_caption(CAPTIONS, str(text)))
                above = [top for top, left in captions if top < strip[0] and left == strip[1]]
                tops += [above[-1], strip[0]]
    assert len(tops) == 10 and tops == sorted(tops)
    for name, count in (("anchor", 2), ("positive", 2), ("negative", 1)):
        assert len(places(sheet, draw_caption(CAPTIONS, name, LABEL))) == count
    # A view that is not encoded in that stage is not shown.
    sheet = save(examples, {"anchor": seen(*perturbed)["anchor"]}, tmp_path / "anchors.png")
    assert not places(sheet, draw_caption(CAPTIONS, "positive", LABEL))


@pytest.mark.parametrize("text", ["", "  \n ", "\ud800", "x" * 10_000, "word " * 2_000])
def test_odd_texts_have_a_picture_of_bounded_size(tmp_path: Path, text: str) -> None:
    made = example(text, text)
    height, width, _ = save([made], seen(made, length=60), tmp_path / "odd.png").shape
    assert height < 350 and width < LINE + 250


def test_texts_stand_beside_their_labels(tmp_path: Path) -> None:
    blocks = [
        [("query", "Teh cta slept"), ("0.93", "A cat slept"), ("-0.13", TEXTS["Devanagari"])],
        [("-0.20 → 0.71", TEXTS["Arabic"]), (" ", "hello world")],
    ]
    save_texts(RENDERER, blocks, tmp_path / "texts.png")
    sheet = read(tmp_path / "texts.png")
    assert rules(sheet) == 1
    tops = []
    for label, text in (row for rows in blocks for row in rows):
        (strip,) = places(sheet, draw_strip(RENDERER, text))
        tops.append(strip[0])
        name = draw_caption(CAPTIONS, label.replace("-", "−"), LABEL)
        assert label == " " or (strip[0], MARGIN) in places(sheet, name)
    assert tops == sorted(tops)


def test_images_of_an_objective_stand_below_their_text_line_by_line(tmp_path: Path) -> None:
    # The second text takes two lines; its gaps are in the input alone.
    rendered = RENDERER(["Snow fell", "A cat slept beside the door " * 5])
    texts = [own[:count] for own, count in zip(rendered.patches, rendered.count, strict=True)]
    images: dict[str, list[np.ndarray]] = {"input": texts, "mask": [], "output": []}
    for text in texts:
        grey, drawn = text.copy(), text.copy()
        grey[1::3] = 77
        drawn[1::3] = 128
        drawn[1::3, :, ::2] = 255
        images["mask"].append(grey)
        images["output"].append(drawn)
    path = tmp_path / "images" / "pretrain.png"
    save_images(RENDERER, images, path)
    sheet = read(path)
    assert rules(sheet) == 1
    tops = []
    for number, text in enumerate(texts):
        for rows in images.values():
            (found,) = places(sheet, draw_patches(rows[number], text))
            tops.append(found[0])
    assert len(break_lines(text, LINE // text.shape[2])) == 2 and tops == sorted(tops)
    for name in ("input", "mask", "output"):
        labels = places(sheet, draw_caption(CAPTIONS, name, LABEL))
        assert len(labels) == 2 and {top for top, _ in labels} <= set(tops)


words = st.text(st.sampled_from("abcdefghijиклмनमस्ते"), min_size=1, max_size=200).filter(str.split)


@settings(max_examples=20, deadline=None)
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
    # Ink crosses to the next patch where `joined` says so.
    patches[joined, 0, -1] = 255
    lines = break_lines(patches, per_line)
    assert [place for line in lines for place in range(*line)] == list(range(len(joined)))
    for start, end in lines[:-1]:
        assert 1 <= end - start <= per_line
        latest = range(start + per_line - per_line // 2 + 1, start + per_line + 1)
        gaps = [place for place in latest if not joined[place - 1]]
        assert end == (max(gaps) if gaps else start + per_line)
