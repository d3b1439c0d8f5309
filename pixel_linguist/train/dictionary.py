"""Patch embeddings in closed form: a dictionary of frequent windows, and a regression on them.

An encoder that embeds patches by windows of cells (`EncoderConfig.cell_pixels`) need not find out
by gradients which windows there are. It gets a row for each of those that texts have most often,
as in Coates & Ng 2012, "Learning feature representations with k-means", and rows are the solution
of a ridge regression. Frequent windows count for less, by their inverse document frequency.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from scipy import sparse

from pixel_linguist.model.reading import Reader, add_up, distinct
from pixel_linguist.model.windows import ALIKE, BUCKET, cut_apart, locate

# Of the whitening: what is added to each variance, as a share of their mean; and the power of its
# frequency by which a cell counts. Han has thousands of cells: at 0.5 they leave no room for
# others (docs/shipped.md).
SMOOTHING, FREQUENCY_POWER = 0.02, 0.75
# Distinct cells that are compared, the most frequent.
CELLS = 1 << 15
FITS = ("letters", "target", "principal")


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """How a dictionary is chosen and fitted; see `experiments/base.py` for each setting."""

    texts: int
    tolerance: float
    penalty: float
    iterations: int
    rarity: float
    whitening: float
    fit: str

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ValueError(f"closed_form.tolerance is {self.tolerance}; it must be in (0, 1)")
        if not self.penalty > 0:
            raise ValueError(f"closed_form.penalty is {self.penalty}; it must be above 0")
        if self.iterations < 1:
            raise ValueError(f"closed_form.iterations is {self.iterations}; it must be at least 1")
        if self.rarity < 0:
            raise ValueError(f"closed_form.rarity is {self.rarity}; it must be at least 0")
        if not 0 <= self.whitening <= 1:
            raise ValueError(f"closed_form.whitening is {self.whitening}; it must be in [0, 1]")
        if self.fit not in FITS:
            raise ValueError(f"closed_form.fit is {self.fit!r}; choose one of {FITS}")


class Cells(NamedTuple):
    """Distinct cells of some patches.

    Attributes:
        pixels: float32 [C, P], in [0, 1], the most frequent first.
        counts: float [C], how often each is there.
    """

    pixels: np.ndarray
    counts: np.ndarray


def of_text(patches: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the patches that hold text, uint8 [N, H, W], of [B, S, H, W] with so many each."""
    return patches[np.arange(patches.shape[1]) < count[:, None]]


def cut_cells(patches: np.ndarray, counts: np.ndarray, width: int) -> Cells:
    """Return the cells of distinct patches, uint8 [N, H, W] that are there so many times.

    One blank cell stands on either side of a patch.
    """
    cells = np.pad(cut_apart(patches, width), ((0, 0), (1, 1), (0, 0), (0, 0)))
    pixels, inverse = distinct(cells.reshape(-1, *cells.shape[2:]))
    found = np.bincount(inverse, np.repeat(counts, cells.shape[1]))
    order = np.argsort(-found, kind="stable")[:CELLS]
    return Cells(pixels[order].reshape(len(order), -1).astype(np.float32) / 255, found[order])


def whiten(cells: Cells, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the map (kernel float32 [P, width], bias [width]) that tells cells apart.

    Cells' principal components have about equal variance under it, and cells length 1 on average;
    each counts by a power of how often it is there.
    """
    weight = cells.counts**FREQUENCY_POWER
    weight /= weight.sum()
    mean = weight @ cells.pixels
    centred = cells.pixels - mean
    variance, direction = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    variance, direction = variance[::-1][:width], direction[:, ::-1][:, :width]
    kernel = direction / np.sqrt(variance + SMOOTHING * variance.mean())
    kernel /= np.sqrt(weight @ ((centred @ kernel) ** 2).sum(axis=1))
    return kernel.astype(np.float32), (-mean @ kernel).astype(np.float32)


def choose_letters(cells: Cells, codes: np.ndarray, most: int) -> np.ndarray:
    """Return codes of letters, float [L, D] of [C, D], of which no two are alike.

    A rarer cell is read as the letter that it is like; the most frequent letters are returned, at
    most so many. A blank cell is no letter, nor is what has a short code: it is unlike all that
    were learned.
    """
    length = (codes**2).sum(axis=1)
    own: list[int] = []
    counts: list[float] = []
    kept = np.zeros_like(codes)
    for number in np.flatnonzero((length >= ALIKE) & cells.pixels.any(axis=1)).tolist():
        answer = kept[: len(own)] @ codes[number]
        if own and answer.max() >= ALIKE:
            counts[answer.argmax()] += cells.counts[number]
            continue
        kept[len(own)] = codes[number] / length[number]
        own.append(number)
        counts.append(cells.counts[number])
    return codes[np.array(own)[np.argsort(-np.array(counts), kind="stable")[:most]]]


def fill_buckets(hashes: np.ndarray, counts: np.ndarray, buckets: int) -> np.ndarray:
    """Return whose each row is, int [buckets, `BUCKET`]: the most frequent windows of each bucket.

    Args:
        hashes: uint32 [W], distinct.
        counts: [W], how often each window is there.
        buckets: how many there are.

    Raises:
        ValueError: there are fewer windows than rows.
    """
    if len(hashes) < buckets * BUCKET:
        raise ValueError(
            f"the texts have {len(hashes)} windows; model.window_rows asks {buckets * BUCKET}"
        )
    bucket, own = locate(hashes, buckets)
    order = np.lexsort((-counts, bucket))
    bucket, own = bucket[order], own[order]
    first = np.searchsorted(bucket, np.arange(buckets))
    within = np.arange(len(order)) - first[bucket]
    # What no window has is no number of theirs.
    prints = np.full((buckets, BUCKET), -1)
    there = within < BUCKET
    prints[bucket[there], within[there]] = own[there]
    return prints


def text_features(reader: Reader, patches: np.ndarray, count: np.ndarray) -> sparse.csr_array:
    """Return how often each row is in texts, float32 [B, R].

    Args:
        reader: of the encoder.
        patches: uint8 [B, S, H, W].
        count: int [B], how many of them are a text's.
    """
    unique, inverse = distinct(of_text(patches, count))
    texts = np.repeat(np.arange(len(count)), count)
    return add_up(texts, len(count), reader(unique)[inverse])


class Outputs(NamedTuple):
    """A map from rows to numbers, and how these vary.

    Attributes:
        solution: float32 [F, T].
        moment: float [T, T], the sum over texts of products of the numbers.
    """

    solution: np.ndarray
    moment: np.ndarray


def regress(
    features: sparse.csr_array, targets: np.ndarray, penalty: float, iterations: int
) -> Outputs:
    """Return the ridge regression from features [N, F] to targets float32 [N, T].

    By so many steps of conjugate gradients for each target, preconditioned by what a row alone
    would be divided by (Hestenes & Stiefel 1952; Jacobi's preconditioner).
    """
    squares = np.asarray(features.power(2).sum(axis=0)).ravel() + penalty
    size = (1 / np.sqrt(squares)).astype(np.float32)
    scaled = sparse.csr_array(features * size)
    across, ridge = sparse.csr_array(scaled.T), (penalty * size**2)[:, None]
    rest = across @ targets
    solution, step = np.zeros_like(rest), rest.copy()
    square = (rest**2).sum(axis=0)
    for _ in range(iterations):
        change = across @ (scaled @ step) + ridge * step
        length = square / np.maximum((step * change).sum(axis=0), 1e-30)
        solution += length * step
        rest -= length * change
        before, square = square, (rest**2).sum(axis=0)
        step *= square / np.maximum(before, 1e-30)
        step += rest
    found = scaled @ solution
    return Outputs(solution * size[:, None], found.T @ found)


def principal(features: sparse.csr_array, width: int) -> Outputs:
    """Return the `width` directions in which texts [N, F] differ most, each of length 1."""
    start = np.ones(min(features.shape), np.float32)
    _, length, direction = sparse.linalg.svds(features, width, v0=start)
    return Outputs(direction.T, np.diag(length**2))


def whiten_map(outputs: Outputs, share: float, width: int) -> np.ndarray:
    """Return a map float32 [F, width] whose numbers vary more evenly than those of `outputs`.

    They are those along the principal axes, the widest first. A regression shrinks most what it
    can tell least of: along each axis they are divided by their root mean square to the power
    `share`: 0 changes nothing, 1 whitens them (Su et al. 2021, arXiv 2103.15316, without their
    centring, which takes from the scores of similarity).
    """
    square, axis = np.linalg.eigh((outputs.moment + outputs.moment.T) / 2)
    square, axis = square[::-1][:width], axis[:, ::-1][:, :width]
    square = np.maximum(square / square.mean(), 1e-9)
    found: np.ndarray = (outputs.solution @ (axis * square ** (-share / 2))).astype(np.float32)
    return found
