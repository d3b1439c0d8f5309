"""Pictures of texts as the model sees them: pairs, nearest neighbours, reconstructions.

A pixel of a patch is one pixel of the picture. Captions are drawn in the renderer's own fonts, so
that they can be in any script. An image here is uint8 [height, width, 3].
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pixel_linguist.data.example import Example
from pixel_linguist.files import write_whole
from pixel_linguist.render import Renderer
from pixel_linguist.text.graphemes import split_clusters

# Texts are broken into lines of at most this many pixels.
LINE = 720
CAPTION_LINES = 3
MARGIN = 10
# Ink of a masked patch, of 255.
MASKED = 90

PAPER = (255, 255, 255)
INK = (22, 25, 29)
GRID = (206, 222, 243)
RULE = (223, 227, 232)
CAPTION = (106, 115, 125)
LABEL = (31, 111, 209)

Color = tuple[int, int, int]


def save_pairs(
    renderer: Renderer,
    pairs: Sequence[tuple[Example, Example]],
    seen: Mapping[str, Sequence[np.ndarray]],
    path: Path,
) -> None:
    """Write a PNG of examples: each original text, and below it the patches that the model sees.

    Args:
        pairs: (original, perturbed) examples.
        seen: view → patches uint8 [count, H, W] of each pair, or [count, H, W, 3] of pictures; a
            view is shown where the original has a text or picture for it; a picture whole, that of
            a path as its patches.
    """
    captions = caption_renderer(renderer)
    blocks = []
    for number, (original, _) in enumerate(pairs):
        texts = {view: _view_text(original, view) for view in seen}
        rows = []
        # An example whose texts are all empty is shown whole.
        for view in [view for view in seen if texts[view] or _is_picture(original, view)] or seen:
            content = original.views.get(view)
            if isinstance(content, np.ndarray):
                rows.append((view, 255 - np.broadcast_to(content, (*content.shape[:2], 3))))
                continue
            strip = draw_patches(seen[view][number])
            rows.append((view, _join([draw_caption(captions, texts[view]), strip], 0, 4)))
        blocks.append(rows)
    _save_blocks(renderer, blocks, path)


def _is_picture(example: Example, view: str) -> bool:
    """Return whether a view is a picture, or the path of one."""
    return isinstance(example.views.get(view), np.ndarray | Path)


def _view_text(example: Example, view: str) -> str:
    """Return the text of an example's view; of a document its sentences; of a picture nothing."""
    content = example.views.get(view, "")
    if isinstance(content, tuple):
        return " ".join(content)
    return content if isinstance(content, str) else ""


def save_images(renderer: Renderer, images: Mapping[str, Sequence[np.ndarray]], path: Path) -> None:
    """Write a PNG with a row for each picture of a text or of a page.

    Args:
        images: caption → uint8 [count, H, W] of each text; the first is that of the input. Those
            of its shape are broken into lines as it is.
    """
    originals = next(iter(images.values()))
    blocks = []
    for i, original in enumerate(originals):
        shown = [(caption, rows[i]) for caption, rows in images.items()]
        blocks.append(
            [(c, draw_patches(x, original if x.shape == original.shape else x)) for c, x in shown]
        )
    _save_blocks(renderer, blocks, path)


def save_texts(renderer: Renderer, blocks: Sequence[Sequence[tuple[str, str]]], path: Path) -> None:
    """Write a PNG of blocks of rows (label, text); texts are drawn as the model sees them."""
    drawn = [[(label, draw_strip(renderer, text)) for label, text in rows] for rows in blocks]
    _save_blocks(renderer, drawn, path)


def draw_strip(renderer: Renderer, text: str) -> np.ndarray:
    """Draw a text as the model sees it: its patches, broken into lines, with their grid."""
    return draw_patches(_patches(renderer, text))


def draw_patches(patches: np.ndarray, original: np.ndarray | None = None) -> np.ndarray:
    """Draw patches uint8 [N, H, W], broken into lines at the gaps of the original, with a grid.

    Patches of pictures, [N, H, W, 3], are drawn in a row, in their colours.
    """
    if patches.ndim == 4:
        return 255 - np.concatenate(list(patches), axis=1)
    height, width = patches.shape[1:]
    lines = []
    for start, end in break_lines(patches if original is None else original, LINE // width):
        # One more pixel on the right and below closes the grid.
        ink = np.pad(np.concatenate(list(patches[start:end]), axis=1), ((0, 1), (0, 1)))
        base = np.full((*ink.shape, 3), PAPER, np.uint8)
        base[::height] = base[:, ::width] = GRID
        lines.append(_blend(base, ink, INK))
    return _join(lines, 0, 2)


def break_lines(patches: np.ndarray, per_line: int) -> list[tuple[int, int]]:
    """Break patches uint8 [N, H, W] into lines (start, end) of at most `per_line`.

    A line ends where no ink crosses to the next patch, if there is such a place in its second half.
    """
    spans, start = [], 0
    while len(patches) - start > per_line:
        places = range(start + per_line, start + per_line - per_line // 2, -1)
        gaps = (p for p in places if not (patches[p - 1, :, -1].any() or patches[p, :, 0].any()))
        end = next(gaps, start + per_line)
        spans.append((start, end))
        start = end
    return [*spans, (start, len(patches))]


def caption_renderer(renderer: Renderer) -> Renderer:
    """Return a renderer for captions: the same fonts, continuous across patches."""
    return Renderer(**{**renderer.settings(), "strategy": "continuous", "max_patches": 4096})


def draw_caption(captions: Renderer, text: str, color: Color = CAPTION) -> np.ndarray:
    """Draw a text in at most CAPTION_LINES lines, without a grid; a cut text ends in "…"."""
    lines = []
    for line in wrap(captions, text):
        ink = np.concatenate(list(_patches(captions, line)), axis=1)
        lines.append(_blend(np.full((*ink.shape, 3), PAPER), ink, color))
    return _join(lines, 0, 0)


def wrap(captions: Renderer, text: str) -> list[str]:
    """Break a text into lines between words; a word longer than a line is broken too."""
    room = LINE // _patches(captions, "").shape[2]
    lines = [""]
    # A letter is at least a pixel wide.
    for word in text[: CAPTION_LINES * LINE].split():
        fits = captions.count_patches([word])[0] <= room
        for piece in (" ", *([word] if fits else split_clusters(word))):
            longer = f"{lines[-1]}{piece}".lstrip()
            if captions.count_patches([longer])[0] <= room:
                lines[-1] = longer
            elif piece != " ":
                lines.append(piece)
    if len(lines) > CAPTION_LINES:
        lines = [*lines[: CAPTION_LINES - 1], f"{lines[CAPTION_LINES - 1]} …"]
    return lines


def _patches(renderer: Renderer, text: str) -> np.ndarray:
    """Render one text: uint8 [count, H, W], without padding."""
    rendered = renderer([text])
    return rendered.patches[0, : rendered.count[0]]


def _blend(base: np.ndarray, ink: np.ndarray, color: Color) -> np.ndarray:
    """Lay ink uint8 [h, w] of a color over an image."""
    share = ink[..., None] / 255
    return np.rint(base * (1 - share) + np.array(color) * share).astype(np.uint8)


def _join(images: Sequence[np.ndarray], axis: int, gap: int) -> np.ndarray:
    """Put images on paper below each other (axis 0) or beside each other (1)."""
    size = max(image.shape[1 - axis] for image in images)
    parts: list[np.ndarray] = []
    for image in images:
        sides = [(0, size - image.shape[0]), (0, size - image.shape[1]), (0, 0)]
        sides[axis] = (gap if parts else 0, 0)
        parts.append(np.pad(image, sides, constant_values=255))
    return np.concatenate(parts, axis)


def _save_blocks(
    renderer: Renderer, blocks: Sequence[Sequence[tuple[str, np.ndarray]]], path: Path
) -> None:
    """Write a PNG of blocks of rows, each a label and an image, with a rule between the blocks."""
    captions = caption_renderer(renderer)
    names = dict.fromkeys(label for rows in blocks for label, _ in rows)
    labels = {name: draw_caption(captions, name.replace("-", "−"), LABEL) for name in names}
    widest = max(label.shape[1] for label in labels.values())
    for name, label in labels.items():
        sides = ((0, 0), (0, widest - label.shape[1]), (0, 0))
        labels[name] = np.pad(label, sides, constant_values=255)
    width = widest + MARGIN + max(image.shape[1] for rows in blocks for _, image in rows)
    rule = np.full((1, width, 3), RULE, np.uint8)
    drawn = [
        _join([_join([labels[name], image], 1, MARGIN) for name, image in rows], 0, 4)
        for rows in blocks
    ]
    sheet = _join([part for image in drawn for part in (rule, image)][1:], 0, MARGIN)
    buffer = io.BytesIO()
    sides = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    framed = np.pad(sheet, sides, constant_values=255)
    Image.fromarray(framed).save(buffer, format="PNG", optimize=True)
    write_whole(path, buffer.getvalue())
