"""Pictures of words: lines of text are cut at their word gaps and brought to one letter height."""

from typing import NamedTuple

import numpy as np

from pixel_linguist.render.lines import find_lines, runs
from pixel_linguist.render.spaced_letters import bring_together

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
# of 750 families. What stands higher than the highest ascender is an accent. Dense rows with
# nothing above and little below, as of commas, are those of capitals and digits.
_ASCENDER, _DESCENDER, _HIGHEST = 0.75, 0.45, 1.3
_DEPTH, _ABOVE, _BELOW = 0.4, 0.12, 0.36
# Ink from this share of a line's darkest counts for its letters' gaps.
_INKED = 0.15
# Distances between letters are those of all rows, with this share of those of the small letters'
# rows, in which f, j and slanted letters do not overhang, but no more than _OVERHANG pixels of it.
_SMALL, _OVERHANG = 0.35, 4
# Bands of rows above, in and below the small letters' rows, and slants in which they are compared.
_UP, _X, _DOWN = 3, 4, 2
_SLANTS = (0.1, 0.2, 0.3)


class _Words(NamedTuple):
    """A line without blank margins, and where its words may end.

    Attributes:
        ink: uint8 [h, w].
        first, last: rows where the letters begin and end.
        inked: columns with ink.
        cuts: int [G]; where letters could be separated.
        distances: float32 [G]; of the letters there, in 16ths of the letters' height.
    """

    ink: np.ndarray
    first: float
    last: float
    inked: np.ndarray
    cuts: np.ndarray
    distances: np.ndarray

    @property
    def scale(self) -> float:
        return LETTERS / (self.last - self.first)


def read_page(grey: np.ndarray) -> np.ndarray:
    """Cut a page into pictures of its words in reading order.

    Args:
        grey: float32 [H, W] from 0 to 1, dark text on light or the reverse.

    Returns:
        uint8 [S, ROWS, WIDTH]; background 0, ink up to 255, left-aligned.
    """
    lines = [words for line in find_lines(grey) if (words := _measure(line.ink))]
    pixels = [np.zeros((0, ROWS, WIDTH), np.uint8)]
    for words in lines:
        # Lines of like letters share their border between distances of letters and words.
        alike = [other for other in lines if abs(np.log(other.scale / words.scale)) < 0.2]
        pixels.append(_cut(words, _word_gap(alike)))
    return np.concatenate(pixels)


def read_line(ink: np.ndarray) -> np.ndarray:
    """Cut a line of text into pictures of its words, uint8 [S, ROWS, WIDTH].

    Ink is [h, w], uint8 or float from 0 to 1; the background is 0.
    """
    if ink.dtype != np.uint8:
        ink = np.clip(ink * 255 + 0.5, 0, 255).astype(np.uint8)
    words = _measure(ink)
    if words is None:
        return np.zeros((0, ROWS, WIDTH), np.uint8)
    return _cut(words, _word_gap([words]))


def _measure(ink: np.ndarray) -> _Words | None:
    """Find the letters of a line, uint8 [h, w], and their distances; None for a blank line."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return None
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    first, last, small = letter_band(ink.sum(axis=1, dtype=np.float32))
    scale = LETTERS / (last - first)
    inked, cuts, distances = _find_gaps(ink, small, scale)
    kept = bring_together(ink.shape[1], inked, cuts, distances, scale)
    if len(kept) < ink.shape[1]:
        ink = ink[:, kept]
        inked, cuts, distances = _find_gaps(ink, small, scale)
    return _Words(ink, first, last, inked, cuts, distances)


def _cut(words: _Words, border: float) -> np.ndarray:
    """Return the pictures of a line's words; `border` is the smallest distance between them."""
    inked = words.inked
    # Words end where letters are far apart, and shrink to their ink.
    bounds = np.concatenate([inked[:1], words.cuts[words.distances > border], inked[-1:] + 1])
    places = np.searchsorted(inked, bounds)
    begin, end = inked[places[:-1]], inked[places[1:] - 1] + 1
    kept = begin < end
    level, scale = _bring_to_height(words.ink, words.first, words.last)
    left = (begin[kept] * scale).astype(np.int64)
    right = np.minimum(np.ceil(end[kept] * scale).astype(np.int64), level.shape[1])
    left, right = _split_wide(level, left, np.maximum(right, left + 1), border / 2)
    return _crop(_stretch(level, left, right), left, right)


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
    dense = runs(profile > 0.45 * strong)
    longest = dense[(dense[:, 1] - dense[:, 0]).argmax()]
    x_top, x_bottom = (top + int(edge) for edge in longest)
    height = x_bottom - x_top
    above, below = (x_top - top) / height, (bottom - x_bottom) / height
    if above < 0.25 and below < _DEPTH:
        return x_top - _ABOVE * height, x_bottom + _BELOW * height, (x_top, x_bottom)
    first = x_top - height * (min(above, _HIGHEST) if above > 0.25 else _ASCENDER)
    last = x_bottom + height * (below if below > 0.18 else _DESCENDER)
    return first, last, (x_top, x_bottom)


def _bring_to_height(ink: np.ndarray, top: float, bottom: float) -> tuple[np.ndarray, float]:
    """Resize a line so that its letters are LETTERS rows high, with _MARGIN above and below.

    Returns:
        uint8 [ROWS, w], and the scale of its columns.
    """
    height, width = ink.shape
    scale = LETTERS / (bottom - top)
    if abs(scale - 1) < _NEAR:
        scale, size = 1.0, float(ROWS)
        first = float(int((top + bottom) / 2 + ROWS) - ROWS * 3 // 2)
    else:
        size = ROWS / scale
        first = (top + bottom - size) / 2
    above, below = max(0, -int(first // 1)), max(0, int(first + size) + 1 - height)
    padded = np.zeros((above + height + below, width), np.uint8)
    padded[above : above + height] = ink
    if scale == 1.0:
        start = int(first) + above
        return padded[start : start + ROWS], scale
    # Pillow is slow to import, and few programs draw or read.
    from PIL import Image

    new = max(round(width * scale), 1)
    box = (0, first + above, width, first + above + size)
    resized = Image.fromarray(padded).resize((new, ROWS), Image.Resampling.BICUBIC, box)
    return np.asarray(resized), new / width


def _find_gaps(
    ink: np.ndarray, small: tuple[int, int], scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find where the letters of a line could be separated.

    Args:
        ink: uint8 [h, w].
        small: first row of small letters, and the first one after them.
        scale: that brings letters to LETTERS rows.

    Returns:
        Columns with ink; `cuts` and `distances` of `_Words`.
    """
    bands, height = _bands(ink, small)
    most = bands.max()
    inked = np.flatnonzero(bands.max(axis=0) > _INKED * most)
    every, lower = bands.max(axis=0), bands[_UP : _UP + _X].max(axis=0)
    blank = np.count_nonzero(every <= _INKED * most) + np.count_nonzero(lower <= _INKED * most)
    # Slanted letters overlap unless they are set upright.
    gain = 0.05 * _X * height * (1 + int(np.count_nonzero(np.diff(lower > _INKED * most))) // 2)
    for slant in _SLANTS:
        upright = _sheared(bands, slant * height)
        tall, short = upright.max(axis=0), upright[_UP : _UP + _X].max(axis=0)
        free = np.count_nonzero(tall <= _INKED * most) + np.count_nonzero(short <= _INKED * most)
        if free <= blank + gain:
            break
        blank, gain, every, lower = free, 0.0, tall, short
    every, lower = every / np.float32(most), lower / np.float32(most)
    before, after, close = _gaps(every)
    left, right, wide = _gaps(lower)
    # Every gap of all rows lies in one of the small letters'.
    place = np.searchsorted(left, before, side="right") - 1
    inside = (place >= 0) & (before < right[place] if len(right) else False)
    before, after, close, place = before[inside], after[inside], close[inside], place[inside]
    widest = np.zeros(len(left), np.float32)
    np.maximum.at(widest, place, close)
    overhang = np.minimum(np.maximum(wide - widest, 0), _OVERHANG / scale)
    distances = widest + _SMALL * overhang
    # Cut in the middle of the widest gap of all rows, or of the small letters' if there is none.
    cuts = (left + right + 1) // 2
    best = np.flatnonzero(close >= widest[place])
    cuts[place[best]] = (before[best] + after[best] + 1) // 2
    return inked, cuts, distances * np.float32(scale)


def _bands(ink: np.ndarray, small: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Return the darkest ink of each column in bands of rows, uint8 [_UP + _X + _DOWN, w].

    Small letters take _X of the bands; the height of one is returned, too.
    """
    height = (small[1] - small[0]) / _X
    edges = small[0] + height * np.arange(-_UP, _X + _DOWN)
    rows = np.clip(edges, 0, len(ink) - 1).astype(np.int64)
    bands = np.maximum.reduceat(ink, rows, axis=0)
    # The last band takes all rows below, the first one all above; equal rows repeat a band.
    if rows[0]:
        bands[0] = np.maximum(bands[0], ink[: rows[0]].max(axis=0))
    return bands, height


def _sheared(bands: np.ndarray, shift: float) -> np.ndarray:
    """Shift each band of letters that lean to the right by `shift` pixels more than the one below.

    The middle of the small letters stays.
    """
    moved = np.zeros_like(bands)
    width = bands.shape[1]
    for number, band in enumerate(bands):
        by = round(shift * (number - _UP - (_X - 1) / 2))
        if abs(by) < width:
            moved[number, max(by, 0) : width + min(by, 0)] = band[max(-by, 0) : width - max(by, 0)]
    return moved


def _gaps(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the last column before each gap, the first one after it, and its width in pixels.

    Columns that letters cover in part count in part.

    Args:
        columns: float32 [w], the darkest ink of each, as a share of the line's.
    """
    inked = np.flatnonzero(columns > _INKED)
    wide = np.flatnonzero(inked[1:] - inked[:-1] > 1)
    before, after = inked[wide], inked[wide + 1]
    return before, after, after - before + 1 - columns[before] - columns[after]


def _word_gap(lines: list[_Words]) -> float:
    """Return the border between the distances of letters and those of words.

    It is where the sorted distances jump most, leave two classes of little variance, and make words
    of a usual length. The constants are fitted to 44 families; every eighth line is letter-spaced.
    """
    ordered = np.sort(np.concatenate([line.distances for line in lines]))
    count = len(ordered)
    if not count:
        return 0.0
    width = sum(line.ink.shape[1] * line.scale for line in lines)
    low = np.concatenate([ordered[:1] * 0.6, ordered])
    high = np.concatenate([ordered, np.maximum(ordered[-1:] * 1.4, 1)])
    jump = np.log((high + 2.8) / (low + 2.8))
    jump[[0, -1]] = 0.35
    border = np.sqrt(np.maximum(low, 0.3) * np.maximum(high, 0.3))
    usual = 9.7 + 0.6 * ordered[count // 2]
    words = np.arange(count, -1, -1)
    score = jump - 0.05 * np.log(border / usual) ** 2
    # Letters are about 0.55 of their height wide, unless gaps count them.
    letters = width / (0.55 * LETTERS)
    if count + len(lines) > 0.6 * letters:
        letters = count + len(lines)
    score -= 0.125 * np.log(letters / (4.5 * (words + len(lines)))) ** 2
    logs = np.log(ordered + 2)
    sums = np.concatenate([np.zeros((2, 1)), np.cumsum([logs, logs * logs], axis=1)], axis=1)
    for (total, squares), number in ((sums, words[::-1]), (sums[:, -1:] - sums, words)):
        spread = np.maximum(squares - total * total / np.maximum(number, 1), 0)
        score -= 0.24 / count * number * np.log((spread + 0.11) / (number + 2.8))
    return float(border[score.argmax()])


def _split_wide(
    level: np.ndarray, left: np.ndarray, right: np.ndarray, gap: float
) -> tuple[np.ndarray, np.ndarray]:
    """Split words that are too wide even when squeezed, or have an inner gap, into pieces."""
    room = WIDTH - _FREE
    if (right - left).max() <= room:
        return left, right
    ink = level.sum(axis=0, dtype=np.int64)
    bounds = []
    for start, end in zip(left.tolist(), right.tolist(), strict=True):
        while end - start > room:
            border = _inner_gap(ink, start, room, max(gap, 3))
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


def _inner_gap(ink: np.ndarray, start: int, room: int, least: float) -> int | None:
    """Return the middle of the widest gap of `least` pixels near the end of a wide word's room."""
    near = start + room // 2
    blank = runs(ink[near : start + room] == 0)
    width = blank[:, 1] - blank[:, 0]
    if width.max(initial=0) < least:
        return None
    return near + int(blank[width.argmax()].sum()) // 2


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
