"""Lines of text on a page: tilt, columns and lines are found, and ink is kept."""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from pixel_linguist.render.ink import letter_height, separate

# All lengths are in heights of letters. Rules, underlines and frames are longer than letters join.
_RULE = 10
# A page is level if lines rise by less than this over their length.
_LEVEL = 0.15
_MOST_TILT = 5.0
# A gutter between columns is wider than this, and has so many lines on either side.
_GUTTER, _LINES = 1.3, 3


class Line(NamedTuple):
    """Ink of a line, uint8 [h, w] on background 0, and its place in the level page."""

    ink: np.ndarray
    left: int
    top: int


def find_lines(grey: np.ndarray) -> list[Line]:
    """Find the lines of a page, float32 [H, W] from 0 to 1, in reading order.

    A clean, level page is not changed: its ink is the distance of its levels from the background.
    """
    ink, mask = separate(grey)
    if not mask.any():
        return []
    height = letter_height(mask)
    if angle := _tilt(mask, height):
        # Pillow is slow to import, and few users read pictures.
        from PIL import Image

        turned = Image.fromarray(ink).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        ink = np.asarray(turned)
        mask = ink > 0.2 * ink.max()
        height = letter_height(mask)
    ink, mask = _without_rules(ink, mask, height)
    return [
        Line(ink[top:bottom, left:right] * own, left, top)
        for left, top, right, bottom, own in _in_columns(mask, 0, 0)
    ]


def _tilt(mask: np.ndarray, height: float) -> float:
    """Return the angle, in degrees, by which lines fall to the right; 0 for level pages.

    Rows of letters and of the background between them differ most along the lines.
    """
    y, x = np.nonzero(mask)
    width = np.ptp(x) + 1
    if width < 4 * height:
        return 0.0
    step = max(1, len(y) // 2000)
    y, x = y[::step].astype(np.float32), x[::step] - x.mean(dtype=np.float32)

    def sharpness(angle: float) -> float:
        rows = y - x * np.tan(np.radians(angle)) + width
        low = np.floor(rows).astype(np.int64)
        part = rows - low
        profile = np.bincount(low, 1 - part) + np.bincount(low + 1, part)[: low.max() + 1]
        return float((profile**2).sum())

    level = sharpness(0.0)
    # Most pages are level: sharpest so, beside what is near and far.
    if level > max(sharpness(sign * angle) for angle in (0.2, 0.6, 1.5, 4.0) for sign in (-1, 1)):
        return 0.0
    tried = np.arange(-_MOST_TILT - 0.5, _MOST_TILT + 0.51, 0.5)
    found = float(tried[np.argmax([sharpness(angle) for angle in tried])])
    for reach in (0.25, 0.12, 0.06):
        near = found + reach * np.array([-1, 0, 1])
        found = float(near[np.argmax([sharpness(angle) for angle in near])])
    rise = abs(np.tan(np.radians(found))) * width
    if rise < _LEVEL * height or sharpness(found) < 1.05 * level:
        return 0.0
    return found


def _without_rules(
    ink: np.ndarray, mask: np.ndarray, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """Blank long thin lines, level or upright."""
    found = np.zeros(mask.shape, bool)
    for axis, least in ((1, _RULE * height), (0, 3 * height)):
        size = int(least)
        if mask.shape[axis] < size:
            continue
        runs = ndimage.minimum_filter1d(mask.astype(np.uint8), size, axis, mode="constant")
        if not runs.any():
            continue
        runs = ndimage.maximum_filter1d(runs, size, axis, mode="constant", origin=-1 + size % 2)
        found |= runs.astype(bool)
    if not found.any():
        return ink, mask
    found = ndimage.binary_dilation(found, np.ones((3, 3)))
    return np.where(found, 0, ink).astype(np.uint8), mask & ~found


Region = tuple[int, int, int, int, np.ndarray]


def runs(inked: ArrayLike) -> np.ndarray:
    """Return begin and end of each run of True, int64 [N, 2]."""
    edges = np.diff(np.concatenate([[0], np.asarray(inked, np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def _in_columns(mask: np.ndarray, left: int, top: int) -> list[Region]:
    """Return the lines of a region, column by column: left, top, right, bottom, own pixels."""
    strips = _strips(mask)
    lines = len(strips)
    # Headings may stand above columns.
    for skipped in range(min(lines - _LINES, 3) + 1):
        start = 0 if skipped == 0 else int(strips[skipped][0])
        gutter = _gutter(mask[start:], strips[skipped:, 1] - strips[skipped:, 0])
        if gutter is None:
            continue
        above = [] if skipped == 0 else _lines(mask[:start], left, top)
        below = mask[start:]
        return [
            *above,
            *_in_columns(below[:, :gutter], left, top + start),
            *_in_columns(below[:, gutter:], left + gutter, top + start),
        ]
    return _lines(mask, left, top)


def _gutter(mask: np.ndarray, heights: np.ndarray) -> int | None:
    """Return the middle of the widest blank between two columns of text, or None."""
    if len(heights) < _LINES:
        return None
    height = float(np.median(heights))
    inked = runs(np.any(mask, axis=0))
    if len(inked) < 2:
        return None
    blanks = inked[1:, 0] - inked[:-1, 1]
    width = inked[-1, 1] - inked[0, 0]
    for number in blanks.argsort()[::-1][:3]:
        begin, end = inked[number, 1], inked[number + 1, 0]
        sides = begin - inked[0, 0], inked[-1, 1] - end
        if end - begin < _GUTTER * height or min(sides) < 0.2 * width:
            continue
        middle = int(begin + end) // 2
        if min(len(_strips(mask[:, :middle])), len(_strips(mask[:, middle:]))) >= _LINES:
            return middle
    return None


def _strips(mask: np.ndarray) -> np.ndarray:
    """Return the rows of strips between blank rows, int [N, 2]; dots and accents join letters."""
    strips = runs(np.any(mask, axis=1))
    heights = strips[:, 1] - strips[:, 0]
    # Letters are at most as high as their strip: most pages have nothing to join.
    taller = np.maximum(heights[1:], heights[:-1])
    near = strips[1:, 0] - strips[:-1, 1] < 0.35 * taller
    if not (near & (np.minimum(heights[1:], heights[:-1]) < 0.4 * taller)).any():
        return strips
    letters = np.array([letter_height(mask[begin:end]) for begin, end in strips])
    while len(strips) > 1:
        heights = strips[:, 1] - strips[:, 0]
        gaps = strips[1:, 0] - strips[:-1, 1]
        taller = np.maximum(letters[1:], letters[:-1])
        small = np.minimum(heights[1:], heights[:-1]) < 0.4 * taller
        closest = np.where(small & (gaps < 0.35 * taller), gaps / taller, np.inf)
        number = int(closest.argmin())
        if closest[number] == np.inf:
            break
        strips[number, 1] = strips[number + 1, 1]
        letters[number] = taller[number]
        strips = np.delete(strips, number + 1, axis=0)
        letters = np.delete(letters, number + 1)
    return strips


def _lines(mask: np.ndarray, left: int, top: int) -> list[Region]:
    """Return the lines of one column, from above to below."""
    found: list[Region] = []
    width = mask.shape[1]
    strips = _strips(mask)
    for number, (begin, end) in enumerate(strips):
        low = 0 if number == 0 else int(strips[number - 1][1] + begin + 1) // 2
        high = len(mask) if number == len(strips) - 1 else int(end + strips[number + 1][0] + 1) // 2
        bounds = _valleys(mask[begin:end])
        if not bounds:
            found.append((left, top + low, left + width, top + high, np.ones((1, 1), np.uint8)))
            continue
        owner = _owners(mask[low:high], [begin - low + bound for bound in bounds])
        for line in range(len(bounds) + 1):
            own = (owner == line).astype(np.uint8)
            found.append((left, top + low, left + width, top + high, own))
    return found


def _valleys(mask: np.ndarray) -> list[int]:
    """Return the rows between the lines of a strip whose ascenders and descenders overlap."""
    height = letter_height(mask)
    if len(mask) < 1.6 * height:
        return []
    # A line may end at the last row of the strip.
    sums = np.pad(mask.sum(axis=1, dtype=np.float64), 1)
    padded = ndimage.gaussian_filter1d(sums, 0.22 * height, mode="constant")
    profile = padded[1:-1]
    rows = np.flatnonzero((profile >= padded[:-2]) & (profile > padded[2:]))
    peaks = [int(row) for row in rows if profile[row] > 0.15 * profile.max()]
    bounds: list[int] = []
    for before, after in itertools.pairwise(peaks):
        valley = before + int(profile[before:after].argmin())
        if profile[valley] < 0.75 * min(profile[before], profile[after]):
            bounds.append(valley)
    return bounds


def _owners(mask: np.ndarray, bounds: list[int]) -> np.ndarray:
    """Return the line of each pixel of a strip of several, int [h, w].

    Connected letters belong to the line of their middle; such as reach far into the next one are
    cut between the lines.
    """
    edges = np.array([0, *bounds, len(mask)])
    by_row = np.searchsorted(bounds, np.arange(len(mask)), side="right")
    owner = np.repeat(by_row[:, None], mask.shape[1], axis=1)
    grown = ndimage.binary_dilation(mask)
    label, count = ndimage.label(grown, np.ones((3, 3)))
    reach = 0.35 * np.median(np.diff(edges))
    lines = np.full(count + 1, -1)
    for number, box in enumerate(ndimage.find_objects(label), start=1):
        line = by_row[(box[0].start + box[0].stop) // 2]
        if max(edges[line] - box[0].start, box[0].stop - edges[line + 1]) < reach:
            lines[number] = line
    whole = (lines >= 0)[label] & grown
    owner[whole] = lines[label[whole]]
    return owner
