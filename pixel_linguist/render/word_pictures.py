"""Pictures of words: lines of text are cut at their word gaps and brought to one letter height."""

from typing import NamedTuple

import numpy as np

from pixel_linguist.render.lines import Line, find_lines

# A word picture has ROWS rows, of which letters (the top of b to the foot of p) take LETTERS.
ROWS = 20
LETTERS = 16
WIDTH = 160

_MARGIN = (ROWS - LETTERS) // 2
# Background that a word keeps to its right, within WIDTH.
_FREE = 8
_SQUEEZE = 1.25
# Lines whose letters are nearly of the right height are not resampled.
_NEAR = 0.06
# Height of ascenders above, and depth of descenders below small letters, in heights of x: medians
# of 750 families. Lines without either are capitals or small letters; their band is between.
_ASCENDER, _DESCENDER = 0.75, 0.45
_ABOVE, _BELOW = 0.15, 0.35
# Ink from this share of a line's darkest counts for its letters' gaps.
_INKED = 0.15
# Distances between letters are those of all rows, with this share of those of the small letters'
# rows, in which f, j and slanted letters do not overhang, but no more than _OVERHANG pixels of it.
_SMALL, _OVERHANG = 0.35, 4


class WordPictures(NamedTuple):
    """Words of a page in reading order.

    Attributes:
        pixels: uint8 [S, ROWS, WIDTH]; background 0, ink up to 255, left-aligned.
        boxes: int32 [S, 4]; left, top, right and bottom in the page, once it is level.
        line: int32 [S]; each word's line, counted in reading order.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    line: np.ndarray


def read_page(grey: np.ndarray) -> WordPictures:
    """Find the words of a page of text.

    Args:
        grey: float32 [H, W] from 0 to 1, of dark text on light or light text on dark.
    """
    pixels, boxes, numbers = [np.zeros((0, ROWS, WIDTH), np.uint8)], [np.zeros((0, 4))], []
    for number, line in enumerate(find_lines(grey)):
        cut, found = _cut(line.ink)
        pixels.append(cut)
        boxes.append(found + _offset(line))
        numbers += [number] * len(cut)
    return WordPictures(
        np.concatenate(pixels),
        np.concatenate(boxes).round().astype(np.int32),
        np.array(numbers, np.int32),
    )


def _offset(line: Line) -> np.ndarray:
    return np.array([line.left, line.top, line.left, line.top])


def read_line(ink: np.ndarray) -> np.ndarray:
    """Cut a line of text into pictures of its words, uint8 [S, ROWS, WIDTH].

    Args:
        ink: [h, w], uint8 or float from 0 to 1, of one line; the background is 0.
    """
    if ink.dtype != np.uint8:
        ink = np.clip(ink * 255 + 0.5, 0, 255).astype(np.uint8)
    return _cut(ink)[0]


def _cut(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the word pictures of a line, and their boxes, float [S, 4]."""
    # Blank margins change nothing.
    inked_rows, inked_columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(inked_rows):
        return np.zeros((0, ROWS, WIDTH), np.uint8), np.zeros((0, 4))
    above, before = int(inked_rows[0]), int(inked_columns[0])
    ink = ink[above : inked_rows[-1] + 1, before : inked_columns[-1] + 1]
    rows = ink.sum(axis=1, dtype=np.float32)
    top, bottom, small = letter_band(rows)
    level, first, scale = _bring_to_height(ink, top, bottom)
    # Rows of the small letters, in the levelled line.
    x_top = max(int((small[0] - first) * scale + 0.5), 0)
    x_bottom = max(int((small[1] - first) * scale + 0.5), x_top + 1)
    left, right = _find_words(level, x_top, x_bottom)
    if not len(left):
        return np.zeros((0, ROWS, WIDTH), np.uint8), np.zeros((0, 4))
    pixels = _crop(_stretch(level, left, right), left, right)
    columns = np.stack([left, right], axis=1) * (ink.shape[1] / level.shape[1])
    boxes = np.empty((len(left), 4))
    boxes[:, ::2] = columns + before
    boxes[:, 1], boxes[:, 3] = top + above, bottom + above
    return pixels, boxes


def letter_band(rows: np.ndarray) -> tuple[float, float, tuple[int, int]]:
    """Find the letters of a line in its row sums [h]: from the top of b to the foot of p.

    Small letters fill the densest rows. Ink well above or below them shows where the letters begin
    or end; else a family's usual proportions do.

    Returns:
        Top and bottom of the letters, and those of the rows of small letters.
    """
    inked = np.flatnonzero(rows > 0.02 * rows.max())
    top, bottom = int(inked[0]), int(inked[-1]) + 1
    profile = rows[top:bottom]
    strong = np.partition(profile, -max(1, (bottom - top) // 6))[-max(1, (bottom - top) // 6)]
    dense = np.zeros(bottom - top + 2, np.int8)
    dense[1:-1] = profile > 0.45 * strong
    edges = np.flatnonzero(np.diff(dense))
    longest = (edges[1::2] - edges[::2]).argmax()
    x_top, x_bottom = top + int(edges[2 * longest]), top + int(edges[2 * longest + 1])
    height = x_bottom - x_top
    up, down = x_top - top > 0.25 * height, bottom - x_bottom > 0.18 * height
    if not up and not down:
        return x_top - _ABOVE * height, x_bottom + _BELOW * height, (x_top, x_bottom)
    first = top if up else x_top - _ASCENDER * height
    last = bottom if down else x_bottom + _DESCENDER * height
    return first, last, (x_top, x_bottom)


def _bring_to_height(ink: np.ndarray, top: float, bottom: float) -> tuple[np.ndarray, float, float]:
    """Resize a line so that its letters are LETTERS rows high, with _MARGIN above and below.

    Returns:
        uint8 [ROWS, w], the row of `ink` where it begins, and the scale.
    """
    height, width = ink.shape
    scale = LETTERS / (bottom - top)
    if abs(scale - 1) < _NEAR:
        scale, size = 1.0, float(ROWS)
        first = float(int((top + bottom) / 2 - ROWS / 2 + 0.5))
    else:
        size = ROWS / scale
        first = (top + bottom - size) / 2
    above, below = max(0, -int(first // 1)), max(0, int(first + size) + 1 - height)
    if above or below:
        padded = np.zeros((above + height + below, width), np.uint8)
        padded[above : above + height] = ink
        ink = padded
    if scale == 1.0:
        start = int(first) + above
        return ink[start : start + ROWS], first, scale
    # Pillow is slow to import, and few programs draw or read.
    from PIL import Image

    new = max(round(width * scale), 1)
    box = (0, first + above, width, first + above + size)
    resized = Image.fromarray(ink).resize((new, ROWS), Image.Resampling.BICUBIC, box)
    return np.asarray(resized), first, scale


def _gaps(columns: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the last column before each gap, the first one after it, and its width in pixels.

    Columns that letters cover in part count in part.

    Args:
        columns: float32 [w], the darkest ink of each, as a share of the line's.
        least: that makes a column one of letters.
    """
    inked = np.flatnonzero(columns > least)
    wide = np.flatnonzero(inked[1:] - inked[:-1] > 1)
    before, after = inked[wide], inked[wide + 1]
    return before, after, after - before + 1 - columns[before] - columns[after]


def _find_words(level: np.ndarray, top: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first column of each word of a line, and the first one after it.

    Args:
        level: uint8 [ROWS, w], letters LETTERS high.
        top: of the rows of small letters, which end before `bottom`.
    """
    dark = level.max(axis=0)
    most = dark.max(initial=0)
    if not most:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    columns = dark / np.float32(most)
    inked = np.flatnonzero(columns > _INKED)
    start, end = inked[0], inked[-1] + 1
    before, after, close = _gaps(columns, _INKED)
    small = level[top:bottom].max(axis=0) / np.float32(most)
    small[[start, end - 1]] = 1
    left, right, wide = _gaps(small, _INKED)
    if not len(left):
        return _split_wide(level, np.array([start]), np.array([end]))
    # Every gap lies in one of the small letters' gaps.
    widest = np.zeros(len(left), np.float32)
    place = np.searchsorted(left, before, side="right") - 1
    np.maximum.at(widest, place, close)
    distance = widest + _SMALL * np.minimum(np.maximum(wide - widest, 0), _OVERHANG)
    chosen = np.flatnonzero(distance > _word_gap(distance, end - start))
    # Cut in the middle of the widest gap of all rows, or of the small letters' if there is none.
    best = np.flatnonzero(close >= widest[place])
    middle = (left + right) // 2 + 1
    middle[place[best]] = (before[best] + after[best]) // 2 + 1
    bounds = np.concatenate([[start], middle[chosen], [end]])
    # Shrink each word to its ink.
    first = inked[np.searchsorted(inked, bounds[:-1])]
    last = inked[np.searchsorted(inked, bounds[1:]) - 1] + 1
    kept = first < last
    return _split_wide(level, first[kept], last[kept])


def _word_gap(distances: np.ndarray, width: int) -> float:
    """Return the border between the distances of letters and those of words.

    It is where the sorted distances jump most, if it is near the usual border and the words have a
    usual length. The constants are fitted to 36 families, a fifth of the lines letter-spaced.

    Args:
        distances: float32 [G], pixels, of all letters of a line.
        width: of the line in pixels.
    """
    ordered = np.sort(distances)
    low = np.concatenate([ordered[:1] * 0.6, ordered])
    high = np.concatenate([ordered, np.maximum(ordered[-1:] * 1.4, 1)])
    jump = np.log((high + 2) / (low + 2))
    jump[[0, -1]] = 0.25
    border = np.sqrt(np.maximum(low, 0.3) * np.maximum(high, 0.3))
    usual = 2.2 + 0.6 * ordered[len(ordered) // 2]
    words = np.arange(len(low), 0, -1)
    score = jump - 0.1 * np.log(border / usual) ** 2
    score -= 0.15 * (np.log(width / (LETTERS * words)) - 1) ** 2
    return float(border[score.argmax()])


def _split_wide(
    level: np.ndarray, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Split words that are too wide even when squeezed, or have a distinct gap, into pieces."""
    room = WIDTH - _FREE
    if (right - left).max() <= room:
        return left, right
    ink = level.sum(axis=0, dtype=np.int64)
    bounds = []
    for start, end in zip(left.tolist(), right.tolist(), strict=True):
        while end - start > room:
            border = _inner_gap(ink, start, room)
            if border is None:
                if end - start <= room * _SQUEEZE:
                    break
                border = start + room // 2 + int(ink[start + room // 2 : start + room].argmin())
            bounds.append((start, border))
            start = border
            while start < end and not ink[start]:
                start += 1
        bounds.append((start, end))
    pieces = np.array([(a, b) for a, b in bounds if a < b])
    return pieces[:, 0], pieces[:, 1]


def _inner_gap(ink: np.ndarray, start: int, room: int) -> int | None:
    """Return the middle of the widest gap of 3 pixels or more near the border of a wide word."""
    near = start + room // 2
    blank = np.concatenate([[0], ink[near : start + room] == 0, [0]])
    edges = np.flatnonzero(np.diff(blank.astype(np.int8)))
    begin, finish = edges[::2], edges[1::2]
    if not len(begin) or (finish - begin).max() < 3:
        return None
    widest = (finish - begin).argmax()
    return near + int(begin[widest] + finish[widest]) // 2


def _stretch(level: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Subtract each word's background and stretch its ink to 255, in place of the line.

    The background is the median of the border of its crop; the ink, about the 60th part of its
    pixels from the top, as in the pictures that the encoder was trained with.
    """
    width = level.shape[1]
    number = np.zeros(width + 1, np.int64)
    starts = np.maximum(left - _MARGIN, 0)
    number[starts[1:]] = 1
    number = np.cumsum(number[:-1])
    counts = np.bincount((level + number * 256).ravel(), minlength=len(left) * 256)
    counts = counts.reshape(len(left), 256)[:, ::-1].cumsum(axis=1)
    wanted = np.maximum(2, ROWS * (right - left + 2 * _MARGIN) // 60)
    # The first level from above that so many pixels reach.
    ink = 255 - (counts < wanted[:, None]).sum(axis=1)
    base = _backgrounds(level, left, right)
    factor = np.float32(255) / np.maximum(ink - base, 8).astype(np.float32)
    stretched = level * factor[number]
    if base.any():
        stretched -= (base * factor)[number]
        np.maximum(stretched, 0, out=stretched)
    np.minimum(stretched, 255, out=stretched)
    stretched += np.float32(0.5)
    return stretched.astype(np.uint8)


def _backgrounds(level: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the median of the border of each word's crop, float32 [S]."""
    base = np.zeros(len(left), np.float32)
    edge = np.concatenate([[0], np.cumsum((level[[0, -1]] > 0).sum(axis=0))])
    starts, ends = np.maximum(left - _MARGIN, 0), np.minimum(right + _MARGIN, level.shape[1])
    inked = edge[ends] - edge[starts]
    # Of most words, most of the border is blank.
    for word in np.flatnonzero(inked + 2 * ROWS >= ends - starts + ROWS):
        crop = level[:, starts[word] : ends[word]]
        border = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
        base[word] = np.median(border)
    return base


def _crop(level: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cut words out of a line, with margins: uint8 [S, ROWS, WIDTH]."""
    width = level.shape[1]
    padded = np.zeros((ROWS, width + WIDTH + _MARGIN), np.uint8)
    padded[:, _MARGIN : width + _MARGIN] = level
    windows = np.lib.stride_tricks.sliding_window_view(padded, WIDTH, axis=1)
    pixels = windows[:, left].swapaxes(0, 1)
    size = right - left + 2 * _MARGIN
    pixels = pixels * (np.arange(WIDTH) < size[:, None])[:, None]
    for word in np.flatnonzero(size > WIDTH - _FREE + 2 * _MARGIN):
        from PIL import Image

        crop = Image.fromarray(padded[:, left[word] : left[word] + size[word]])
        narrow = crop.resize((WIDTH - _FREE, ROWS), Image.Resampling.BICUBIC)
        pixels[word] = 0
        pixels[word, :, : WIDTH - _FREE] = np.asarray(narrow)
    return pixels
