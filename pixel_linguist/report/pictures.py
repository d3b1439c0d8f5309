"""Pictures of texts as the model sees them: pairs, nearest neighbours, what was reconstructed.

Captions are drawn by the renderer's own fonts, so that they can be in any script. An image here is
uint8 [height, width, 3].
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pixel_linguist.data.pairs import Example
from pixel_linguist.files import write_whole
from pixel_linguist.render import Renderer
from pixel_linguist.text.graphemes import split_clusters

# A pixel of a patch is drawn SCALE pixels wide and high, and so are lines: at half its size the
# picture is still exact, and on fine screens it is sharp.
SCALE = 2
# Texts are broken into lines of about this many pixels of their patches.
LINE = 720
CAPTION_LINES = 3
MARGIN = 16

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
    """Write a PNG of examples: each clean text, and below it what the model sees, in patches.

    Args:
        renderer: of the captions' letters.
        pairs: (clean, perturbed); a hard negative is shown where the clean example has one.
        seen: view → patches uint8 [count, H, W] of each pair; other views are not shown.
        path: of the PNG.
    """
    captions = caption_renderer(renderer)
    views = {"anchor": "anchor", "positive": "positive", "negative": "hard negative"}
    blocks = []
    for number, (clean, _) in enumerate(pairs):
        rows = []
        for view, name in views.items():
            text = getattr(clean, view)
            if view not in seen or (view == "negative" and not text):
                continue
            strip = draw_patches(seen[view][number])
            rows.append((name, _stack([draw_caption(captions, text), strip], gap=4)))
        blocks.append(rows)
    save_blocks(captions, blocks, path)


def save_neighbours(
    renderer: Renderer, queries: Sequence[tuple[str, Sequence[tuple[str, float]]]], path: Path
) -> None:
    """Write a PNG of queries, each with the texts nearest to it and their cosine similarity.

    Args:
        renderer: of the model.
        queries: (text, its neighbours as (text, cosine in [-1, 1]), the nearest first).
        path: of the PNG.
    """
    blocks = []
    for query, neighbours in queries:
        rows = [("query", draw_strip(renderer, query))]
        rows += [
            (f"{cosine:.2f}".replace("-", "−"), draw_strip(renderer, text))
            for text, cosine in neighbours
        ]
        blocks.append(rows)
    save_blocks(caption_renderer(renderer), blocks, path)


def save_moved(
    renderer: Renderer, pairs: Sequence[tuple[str, str, float, float]], path: Path
) -> None:
    """Write a PNG of pairs (first, second, cosine before, cosine after)."""
    blocks = []
    for first, second, before, after in pairs:
        change = f"{before:.2f} → {after:.2f}".replace("-", "−")
        blocks.append([(change, draw_strip(renderer, first)), (" ", draw_strip(renderer, second))])
    save_blocks(caption_renderer(renderer), blocks, path)


def save_patch_similarity(
    renderer: Renderer, first: str, second: str, similarity: np.ndarray, path: Path
) -> None:
    """Write a PNG of a matrix between patches, with the patches of two texts along its sides.

    Args:
        renderer: of the model.
        first: the text at the left.
        second: the text above.
        similarity: float [S, T], of each patch of the first with each of the second; it is shown
            from its least (paper) to its greatest value (full colour).
        path: of the PNG.
    """
    rows, columns = _patches(renderer, first), _patches(renderer, second)
    height, width = rows.shape[1:]
    low = similarity.min()
    shares = (similarity - low) / max(similarity.max() - low, 1e-6)
    cells = np.pad(shares, ((1, 0), (1, 0)))[:, :, None, None, None]
    sheet = np.array(PAPER) + cells * (np.array(LABEL) - np.array(PAPER))
    sheet = np.broadcast_to(sheet, (len(rows) + 1, len(columns) + 1, height, width, 3)).copy()
    sheet[:, :, 0] = sheet[:, :, :, 0] = GRID
    base = np.rint(sheet).astype(np.uint8)
    for place, patch in enumerate(rows, start=1):
        base[place, 0] = _blend(base[place, 0], patch, INK)
    for place, patch in enumerate(columns, start=1):
        base[0, place] = _blend(base[0, place], patch, INK)
    joined = base.transpose(0, 2, 1, 3, 4).reshape(-1, (len(columns) + 1) * width, 3)
    _write(joined.repeat(SCALE, axis=0).repeat(SCALE, axis=1), path)


def caption_renderer(renderer: Renderer) -> Renderer:
    """Return a renderer for captions: the same fonts, running on across patches."""
    return Renderer(**{**renderer.settings(), "strategy": "continuous", "max_patches": 4096})


def draw_strip(renderer: Renderer, text: str) -> np.ndarray:
    """Draw a text as the model sees it: its patches, broken into lines, with their grid."""
    return draw_patches(_patches(renderer, text))


def draw_patches(patches: np.ndarray) -> np.ndarray:
    """Draw patches uint8 [N, H, W], broken into lines, with their grid."""
    return draw_lines(break_lines(patches, patches_per_line(patches)))


def patches_per_line(patches: np.ndarray) -> int:
    """Return how many patches [N, H, W] fit into a line."""
    return max(LINE // patches.shape[2], 1)


def draw_lines(broken: Sequence[np.ndarray]) -> np.ndarray:
    """Draw lines of patches, each uint8 [N, H, W], below each other, with their grid."""
    height, width = broken[0].shape[1:]
    lines = []
    for line in broken:
        ink = np.concatenate(list(line), axis=1).repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        # One line more on the right and below closes the grid.
        ink = np.pad(ink, ((0, SCALE), (0, SCALE)))
        base = np.full((*ink.shape, 3), PAPER, np.uint8)
        base[np.arange(len(base)) // SCALE % height == 0] = GRID
        base[:, np.arange(base.shape[1]) // SCALE % width == 0] = GRID
        lines.append(_blend(base, ink, INK))
    return _stack(lines, gap=2 * SCALE)


def draw_caption(captions: Renderer, text: str, color: Color = CAPTION) -> np.ndarray:
    """Draw a text in lines, without a grid; what is longer than CAPTION_LINES ends in "…"."""
    lines = []
    for line in wrap(captions, text):
        patches = _patches(captions, line)
        ink = np.concatenate(list(patches), axis=1)
        ink = ink.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
        lines.append(_blend(np.full((*ink.shape, 3), PAPER, np.uint8), ink, color))
    return _stack(lines, gap=0)


def wrap(captions: Renderer, text: str) -> list[str]:
    """Break a text between words, or in a word that is longer than a line, into lines."""
    room = patches_per_line(_patches(captions, ""))
    lines = [""]
    for word in text.split():
        fits = captions.count_patches([word])[0] <= room
        for number, piece in enumerate([word] if fits else split_clusters(word)):
            space = " " if number == 0 and lines[-1] else ""
            longer = f"{lines[-1]}{space}{piece}"
            if lines[-1] and captions.count_patches([longer])[0] > room:
                lines.append(piece)
            else:
                lines[-1] = longer
            if len(lines) > CAPTION_LINES:
                return [*lines[: CAPTION_LINES - 1], f"{lines[CAPTION_LINES - 1]} …"]
    return lines


def break_lines(patches: np.ndarray, per_line: int) -> list[np.ndarray]:
    """Break patches uint8 [N, H, W] into lines of at most `per_line`.

    A line ends where no ink crosses to the next patch, if its second half has such a place.
    """
    lines, start = [], 0
    while len(patches) - start > per_line:
        end = start + per_line
        for place in range(end, end - per_line // 2, -1):
            if not patches[place - 1, :, -1].any() and not patches[place, :, 0].any():
                end = place
                break
        lines.append(patches[start:end])
        start = end
    return [*lines, patches[start:]]


def _patches(renderer: Renderer, text: str) -> np.ndarray:
    """Render one text: uint8 [count, H, W], without padding."""
    rendered = renderer([text])
    return rendered.patches[0, : rendered.count[0]]


def _blend(base: np.ndarray, ink: np.ndarray, color: Color) -> np.ndarray:
    """Lay ink uint8 [h, w] of a color over an image."""
    share = ink[..., None].astype(np.float32) / 255
    return np.rint(base * (1 - share) + np.array(color, np.float32) * share).astype(np.uint8)


def _stack(images: Sequence[np.ndarray], gap: int) -> np.ndarray:
    """Put images below each other, aligned at the left."""
    width = max(image.shape[1] for image in images)
    rows = []
    for number, image in enumerate(images):
        above = gap if number else 0
        sides = ((above, 0), (0, width - image.shape[1]), (0, 0))
        rows.append(np.pad(image, sides, constant_values=255))
    return np.concatenate(rows)


def save_blocks(
    captions: Renderer, blocks: Sequence[Sequence[tuple[str, np.ndarray]]], path: Path
) -> None:
    """Write a PNG of blocks of rows, each a label and an image, with a rule between the blocks."""
    names = dict.fromkeys(label for rows in blocks for label, _ in rows)
    labels = {name: draw_caption(captions, name, LABEL) for name in names}
    column = max(label.shape[1] for label in labels.values()) + MARGIN
    drawn = []
    for rows in blocks:
        lines = []
        for name, image in rows:
            label = labels[name]
            height = max(label.shape[0], image.shape[0])
            canvas = np.full((height, column + image.shape[1], 3), 255, np.uint8)
            canvas[: label.shape[0], : label.shape[1]] = label
            canvas[: image.shape[0], column:] = image
            lines.append(canvas)
        drawn.append(_stack(lines, gap=MARGIN // 2))
    width = max(image.shape[1] for image in drawn)
    rule = np.full((SCALE, width, 3), RULE, np.uint8)
    parts = [part for image in drawn for part in (rule, image)][1:]
    _write(_stack(parts, MARGIN), path)


def _write(image: np.ndarray, path: Path) -> None:
    """Write an image with a margin as PNG."""
    sides = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    sheet = np.pad(image, sides, constant_values=255)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="PNG", optimize=True)
    write_whole(path, buffer.getvalue())
