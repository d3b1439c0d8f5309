"""Ink and background of a page: uneven, noisy, shaded, or with panels of their own."""

import itertools

import numpy as np
from scipy import ndimage

# Distance from a smooth background, of 4 in 10 pixels, above which it is followed more closely, by
# the median of every third pixel in a window of 21 of these.
_ROUGH, _SPARSE, _WINDOW = 0.03, 3, 21


def separate(grey: np.ndarray, depth: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Separate ink from background: ink, uint8 [H, W], and the pixels of letters, bool [H, W].

    Panels (a header with light text, a button, a frame) have a background of their own, down to a
    `depth` of two.

    Args:
        grey: float32 [H, W] from 0 to 1.
        depth: of the panel within panels.
    """
    levels = np.clip(grey * 255 + 0.5, 0, 255).astype(np.uint8)
    if _is_salted(levels):
        # A median keeps letters and drops single pixels.
        grey = ndimage.median_filter(grey, 3, mode="nearest")
        levels = np.clip(grey * 255 + 0.5, 0, 255).astype(np.uint8)
    background = _flat_background(levels)
    if background is None:
        ink, mask = _from_surface(grey)
    else:
        ink = np.abs(levels.astype(np.int16) - background).astype(np.uint8)
        mask = ink > max(0.2 * ink.max(), 2)
    if depth < 2:
        _read_panels(grey, ink, mask, depth)
    return ink, mask


def _is_salted(levels: np.ndarray) -> bool:
    """Tell whether single pixels unlike all around them are strewn over a page."""
    if min(levels.shape) < 3:
        return False
    inner = levels[1:-1, 1:-1].astype(np.int16)
    around = [
        levels[1 + y : levels.shape[0] - 1 + y, 1 + x : levels.shape[1] - 1 + x]
        # Letters of one pixel's width have neighbours at least on the diagonals.
        for y, x in itertools.product((-1, 0, 1), repeat=2)
        if y or x
    ]
    above = np.minimum.reduce([inner - side for side in around])
    below = np.minimum.reduce([side - inner for side in around])
    reach = int(levels.max()) - int(levels.min())
    alone = np.count_nonzero(np.maximum(above, below) > 0.4 * reach)
    return bool(reach > 0 and alone > max(8, inner.size // 500))


def _flat_background(levels: np.ndarray) -> int | None:
    """Return the level of an even background, or None: it has noise, a gradient, or a texture."""
    counts = np.bincount(levels.ravel(), minlength=256)
    first, second = (int(level) for level in counts.argsort()[::-1][:2])
    if counts[second] > 0.5 * counts[first] and abs(first - second) > 2:
        # Heavy letters cover as much as their background, but not whole rows or columns.
        blank = [
            sum(int((levels == level).all(axis=axis).sum()) for axis in (0, 1))
            for level in (first, second)
        ]
        if blank[1] > blank[0]:
            first = second
    distance = np.abs(np.arange(256) - first)
    furthest = distance[counts > 0].max()
    near = counts[(distance > 0) & (distance <= 0.1 * furthest)].sum()
    # Paper beside a shadow is neither the background nor as far from it as ink.
    lit = counts[(distance > 0.1 * furthest) & (distance < 0.8 * furthest)].max(initial=0)
    even = near < 0.2 * counts[first] and lit < 0.15 * counts[first]
    return first if counts[first] > 0.2 * levels.size and even else None


def _from_surface(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Separate ink from an uneven or noisy background."""
    dev = grey - _smooth_surface(grey)
    mask = _threshold(dev, grey)
    if not mask.any():
        return np.zeros(grey.shape, np.uint8), mask
    # A closer background: the average around letters, without them.
    reach = 1.5 * letter_height(mask)
    paper = (~ndimage.binary_dilation(mask, iterations=2)).astype(np.float32)
    weight = ndimage.gaussian_filter(paper, reach, mode="nearest", truncate=2.5)
    local = ndimage.gaussian_filter(dev * paper, reach, mode="nearest", truncate=2.5)
    dev = dev - local / np.maximum(weight, 0.05)
    mask = _without_specks(_threshold(dev, grey))
    if not mask.any():
        return np.zeros(grey.shape, np.uint8), mask
    light, dark = np.clip(dev, 0, None), np.clip(-dev, 0, None)
    weights = light[mask].sum(), dark[mask].sum()
    ink = (
        light if weights[0] > 5 * weights[1] else dark if weights[1] > 5 * weights[0] else abs(dev)
    )
    near = ndimage.binary_dilation(mask, iterations=2)
    strong = np.quantile(ink[mask], 0.9)
    # A floor, below which ink is noise or ringing.
    ink = np.clip((ink / strong - 0.12) / 0.88, 0, 1) * near
    return (ink * 255 + 0.5).astype(np.uint8), mask


def _smooth_surface(grey: np.ndarray) -> np.ndarray:
    """Fit a quadratic surface to the background, which is most of a page: float32 [H, W]."""
    height, width = grey.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    step = max(1, int((grey.size / 8000) ** 0.5))
    some = terms[:, ::step, ::step].reshape(len(terms), -1)
    levels = grey[::step, ::step].ravel()
    fitted = np.full_like(levels, np.median(levels))
    for _ in range(8):
        error = np.abs(levels - fitted)
        kept = error <= max(1.5 * float(np.median(error)), 0.02)
        factors = np.linalg.lstsq(some[:, kept].T, levels[kept], rcond=None)[0]
        fitted = factors @ some
    surface = np.tensordot(factors, terms, 1).astype(np.float32)
    if float(np.quantile(np.abs(levels - fitted), 0.6)) < _ROUGH:
        return surface
    return surface + _local_median(grey - surface)


def _local_median(grey: np.ndarray) -> np.ndarray:
    """Return the background where a shadow has an edge: the median around, float32 [H, W]."""
    some = grey[::_SPARSE, ::_SPARSE]
    found = ndimage.median_filter(some, _WINDOW, mode="nearest")
    rows, columns = (np.arange(size) / _SPARSE for size in grey.shape)
    places = np.meshgrid(rows, columns, indexing="ij")
    return ndimage.map_coordinates(found, places, order=1, mode="nearest").astype(np.float32)


def _threshold(dev: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Return the pixels of letters: well above the noise, and joined to strong ink."""
    noise = 0.0
    if grey.shape[1] > 2:
        # Second differences see the noise alone, except at the edges of letters.
        second = np.abs(grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2])
        noise = float(np.median(second)) / 1.65
    contrast = _contrast(np.abs(dev))
    if noise > 0.04 * contrast:
        dev = ndimage.gaussian_filter(dev, 0.7)
        noise, contrast = noise * 0.4, _contrast(np.abs(dev))
    if contrast < max(5 * noise, 0.02):
        return np.zeros(dev.shape, bool)
    size = np.abs(dev)
    label, count = ndimage.label(size > max(0.25 * contrast, 3 * noise), np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[label[size > 0.5 * contrast]] = True
    strong[0] = False
    return strong[label]


def _without_specks(mask: np.ndarray) -> np.ndarray:
    """Drop parts smaller than the dot of an i."""
    label, _ = ndimage.label(mask, np.ones((3, 3)))
    counts = np.bincount(label.ravel())
    kept = counts > max(2, (0.08 * letter_height(mask)) ** 2)
    kept[0] = False
    return kept[label]


def _contrast(size: np.ndarray) -> float:
    """Return the distance of the strongest ink from the background: the 300th part of the page."""
    few = max(1, size.size // 300)
    return float(np.partition(size.ravel(), -few)[-few])


def _read_panels(grey: np.ndarray, ink: np.ndarray, mask: np.ndarray, depth: int) -> None:
    """Replace the ink of panels by that of the text in them."""
    label, _ = ndimage.label(mask, np.ones((3, 3)))
    boxes = ndimage.find_objects(label)
    usual = np.median([box[0].stop - box[0].start for box in boxes]) if boxes else 1
    for number, box in enumerate(boxes, start=1):
        height, width = (part.stop - part.start for part in box)
        if height < 8 or width < 16 or width < height / 2 or height * width < 400:
            continue
        box = tuple(slice(max(part.start - 2, 0), part.stop + 2) for part in box)
        own = label[box] == number
        filled = ndimage.binary_fill_holes(own)
        if filled.sum() < 0.85 * height * width:
            continue
        if height < 2 * usual and ndimage.label(filled & ~own)[1] < 5:
            continue
        inner = ndimage.binary_erosion(filled, iterations=2)
        rows, columns = np.flatnonzero(inner.any(axis=1)), np.flatnonzero(inner.any(axis=0))
        # Blurred edges of the panel are no letters.
        around = ndimage.binary_dilation(filled, iterations=2)
        ink[box][around], mask[box][around] = 0, False
        if not len(rows):
            continue
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        within, letters = separate(grey[box][part], depth + 1)
        seen = inner[part]
        ink[box][part][seen], mask[box][part][seen] = within[seen], letters[seen]


def letter_height(mask: np.ndarray) -> float:
    """Return the usual height of the connected parts of a mask, weighted by their widths."""
    boxes = ndimage.find_objects(ndimage.label(mask, np.ones((3, 3)))[0])
    if not boxes:
        return 1.0
    sizes = np.array([[part.stop - part.start for part in box] for box in boxes])
    order = sizes[:, 0].argsort()
    share = np.cumsum(sizes[order, 1])
    return float(sizes[order[np.searchsorted(share, share[-1] / 2)], 0])
