"""Patch embeddings in closed form: a dictionary of frequent windows, and a regression on them.

An encoder that embeds patches by windows of cells (`EncoderConfig.cell_pixels`) need not find out
by gradients which windows there are. Its hidden units become detectors of those that texts have
most often, as in Coates & Ng 2012, "Learning feature representations with k-means", and its map
from them to embeddings the solution of a ridge regression. Frequent windows count for less, by
their inverse document frequency.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from pixel_linguist.model.reading import Reader, add_up, distinct
from pixel_linguist.model.windows import cut_apart

# Of the whitening: what is added to each variance, as a share of their mean; and the power of its
# frequency by which a cell counts. Han has thousands of cells: at 0.5 they leave no room for
# others (docs/shipped.md).
SMOOTHING, FREQUENCY_POWER = 0.02, 0.75
# Distinct cells that are told apart, the most frequent: four of their numbers fit in 63 bits.
CELLS = 1 << 15
# A window is in a text if its unit is above this.
PRESENT = 0.3
# A cell is read as another, more frequent one if its code answers to it so much.
ALIKE = 0.5
# Letters of a bag, at least: windows hold shorter words whole.
SHORTEST_BAG = 4
# A unit answers from this share of its own bag on. A bag that others answer to by this share of
# its squared length gets no unit.
BAG_TOLERANCE, SAME_BAG = 0.7, 0.95
# Windows that are in many texts.
FREQUENT = 4096
FITS = ("letters", "target", "principal")


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """How a dictionary is chosen and fitted; see `experiments/base.py` for each setting."""

    texts: int
    shortest: int
    longest: int
    tolerance: float
    penalty: float
    whitening: float
    fit: str

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(
                f"closed_form.shortest {self.shortest} and longest {self.longest} must be "
                "numbers of cells, at least 1, in this order"
            )
        if not 0 < self.tolerance < 1:
            raise ValueError(f"closed_form.tolerance is {self.tolerance}; it must be in (0, 1)")
        if not self.penalty > 0:
            raise ValueError(f"closed_form.penalty is {self.penalty}; it must be above 0")
        if not 0 <= self.whitening <= 1:
            raise ValueError(f"closed_form.whitening is {self.whitening}; it must be in [0, 1]")
        if self.fit not in FITS:
            raise ValueError(f"closed_form.fit is {self.fit!r}; choose one of {FITS}")


class Cells(NamedTuple):
    """The cells of some patches.

    Attributes:
        pixels: float32 [C, P], distinct ones in [0, 1], the most frequent first.
        counts: float [C], how often each is there.
        number: int [N, cells + 2], of each patch's cells, a blank one on either side; -1 where a
            cell is too rare to be told apart.
        blank: the number of the blank one.
    """

    pixels: np.ndarray
    counts: np.ndarray
    number: np.ndarray
    blank: int


def of_text(patches: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the patches that hold text, uint8 [N, H, W], of [B, S, H, W] with so many each."""
    return patches[np.arange(patches.shape[1]) < count[:, None]]


def cut_cells(patches: np.ndarray, counts: np.ndarray, width: int) -> Cells:
    """Cut distinct patches, uint8 [N, H, W] that are there so many times, into cells."""
    number, height, _ = patches.shape
    cells = np.pad(cut_apart(patches, width), ((0, 0), (1, 1), (0, 0), (0, 0)))
    places = cells.shape[1]
    pixels, inverse = distinct(cells.reshape(-1, height, width))
    found = np.bincount(inverse, np.repeat(counts, places))
    order = np.argsort(-found, kind="stable")[:CELLS]
    rank = np.full(len(found), -1)
    rank[order] = np.arange(len(order))
    pixels = pixels[order].reshape(len(order), -1).astype(np.float32) / 255
    blank = int(np.flatnonzero(~pixels.any(axis=1))[0])
    return Cells(pixels, found[order], rank[inverse].reshape(number, places), blank)


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


def merge_cells(cells: Cells, codes: np.ndarray, most: int) -> tuple[Cells, np.ndarray]:
    """Return cells and codes [C, D] of which no two are alike; a rarer one is read as the other.

    There are `most` of them. What has a short code is unlike all that were learned: it is not told
    apart, nor are those that are rarer.
    """
    length = (codes**2).sum(axis=1)
    own: list[int] = []
    kept = np.zeros_like(codes)
    # The last is that of cells that are not told apart before.
    group = np.full(len(codes) + 1, -1)
    for number in np.flatnonzero(length >= ALIKE).tolist():
        answer = kept[: len(own)] @ codes[number]
        group[number] = answer.argmax() if len(own) and answer.max() >= ALIKE else len(own)
        if group[number] == len(own):
            kept[len(own)] = codes[number] / length[number]
            own.append(number)
    told = group[:-1] >= 0
    counts = np.bincount(group[:-1][told], cells.counts[told])
    kept_ones = np.argsort(-counts, kind="stable")[:most]
    rank = np.full(len(counts) + 1, -1)
    rank[kept_ones] = np.arange(len(kept_ones))
    group, chosen = rank[group], np.array(own)[kept_ones]
    place = int(group[cells.blank])
    merged = Cells(cells.pixels[chosen], counts[kept_ones], group[cells.number], place)
    return merged, codes[chosen]


def frequent_windows(
    cells: Cells, counts: np.ndarray, number: int, shortest: int, longest: int
) -> np.ndarray:
    """Return the windows that patches have most often, of all lengths together.

    Windows hold no blank cell but at their ends, and not only those.

    Args:
        cells: of N distinct patches.
        counts: [N], how often each patch is there.
        number: of windows.
        shortest: in cells.
        longest: in cells.

    Returns:
        int [number, longest] of cells' numbers; -1 after the end of a shorter window.
    """
    base = len(cells.pixels) + 1
    codes, found = [], []
    for length in range(shortest, longest + 1):
        places = cells.number.shape[1] - length + 1
        ends = np.stack([cells.number[:, i : i + places] for i in range(length)], axis=-1)
        windows, often = ends.reshape(-1, length), np.repeat(counts, places)
        inked = windows != cells.blank
        keep = inked.any(1) & inked[:, 1:-1].all(1) & (windows >= 0).all(1)
        # A code's digits are the numbers of its cells, one more than they are; 0 is no cell.
        digits = base ** np.arange(length)
        code, inverse = np.unique((windows[keep] + 1) @ digits, return_inverse=True)
        codes.append(code)
        found.append(np.bincount(inverse, often[keep], minlength=len(code)))
    every = np.concatenate(codes)
    if len(every) < number:
        raise ValueError(f"the texts have {len(every)} windows; model.patch_hidden asks {number}")
    chosen = every[np.argsort(-np.concatenate(found), kind="stable")[:number]]
    return chosen[:, None] // base ** np.arange(longest) % base - 1


def frequent_bags(
    bags: np.ndarray, letters: np.ndarray, counts: np.ndarray, number: int
) -> dict[str, np.ndarray]:
    """Return units that answer to the most frequent bags of letters: kernel [3 C, G], bias [G].

    A unit is 1 where its own letters stand, and falls to 0 with the cosine to them.

    Args:
        bags: float [N, 3 C] of distinct patches, as `bag_letters` gives them.
        letters: int [N], how many each patch has.
        counts: [N], how often each patch is there.
        number: G.

    Raises:
        ValueError: there are fewer.
    """
    kept = np.zeros((number, bags.shape[1]), np.float32)
    found = 0
    order = np.argsort(-counts, kind="stable")
    for i in order[letters[order] >= SHORTEST_BAG]:
        bag, square = bags[i], bags[i] @ bags[i]
        if found and (kept[:found] @ bag).max() > SAME_BAG * square:
            continue
        kept[found] = bag / square
        found += 1
        if found == number:
            break
    if found < number:
        raise ValueError(f"the texts have {found} bags of letters; model.letter_bags asks {number}")
    reach = 1 - BAG_TOLERANCE
    bias = np.full(number, -BAG_TOLERANCE / reach, np.float32)
    return {"kernel": kept.T / reach, "bias": bias}


def text_features(reader: Reader, patches: np.ndarray, count: np.ndarray) -> sparse.csr_array:
    """Return the sums of a reader's answers over texts, float32 [B, F + G].

    Args:
        reader: of the encoder.
        patches: uint8 [B, S, H, W].
        count: int [B], how many of them are a text's.
    """
    unique, inverse = distinct(of_text(patches, count))
    texts = np.repeat(np.arange(len(count)), count)
    return add_up(texts, len(count), reader(unique)[inverse])


class Normal(NamedTuple):
    """What a regression needs of the data: sums over texts, each scaled to length 1.

    Attributes:
        gram: float64 [F, F], what is above its diagonal and on it. Some windows are hardly ever
            apart: in single precision the system is near singular.
        cross: float64 [F, T].
    """

    gram: np.ndarray
    cross: np.ndarray


class Outputs(NamedTuple):
    """A map from units to numbers, and how these vary.

    Attributes:
        solution: float64 [F, T].
        moment: float64 [T, T], the sum over texts of products of the numbers.
    """

    solution: np.ndarray
    moment: np.ndarray


def add_texts(normal: Normal, features: sparse.csr_array, targets: np.ndarray) -> None:
    """Add texts with features [B, F] and targets float [B, T], both of any length but 0."""
    lengths = sparse.linalg.norm(features, axis=1), np.linalg.norm(targets, axis=1)
    scale = [1 / np.maximum(length, 1e-6) for length in lengths]
    x = sparse.csr_array(features * scale[0].astype(np.float32)[:, None])
    normal.cross[:] += x.T @ (targets * scale[1][:, None])
    # The first windows are the most frequent ones: dense products. Of the others texts have a
    # hundredth.
    frequent, rare = x[:, :FREQUENT].toarray(), x[:, FREQUENT:]
    normal.gram[:FREQUENT, :FREQUENT] += frequent.T @ frequent
    normal.gram[:FREQUENT, FREQUENT:] += (rare.T @ frequent).T
    products = (rare.T @ rare).tocoo()
    normal.gram[FREQUENT:, FREQUENT:][products.coords] += products.data


def regress(normal: Normal, penalty: float) -> Outputs:
    """Return the ridge regression from features to targets; `normal.gram` is used up."""
    normal.gram[np.diag_indices_from(normal.gram)] += penalty
    solution = solve_symmetric(normal.gram, normal.cross)
    # The gram matrix itself, times the solution, is what the penalty leaves of the right side.
    return Outputs(solution, solution.T @ (normal.cross - penalty * solution))


def solve_symmetric(matrix: np.ndarray, right: np.ndarray, size: int = 4096) -> np.ndarray:
    """Return float64 [F, T] that a positive definite matrix [F, F] takes to `right` [F, T].

    By Cholesky's method, in blocks of `size` rows: OpenBLAS's own has faults where a matrix is of
    more than 4 GiB. Of the matrix what is above the diagonal is read, and overwritten.
    """
    blocks = [slice(i, i + size) for i in range(0, len(matrix), size)]
    solution = right.copy()
    for number, block in enumerate(blocks):
        matrix[block, block] = linalg.cholesky(matrix[block, block])
        upper, rest = matrix[block, block], slice(block.stop, None)
        matrix[block, rest] = linalg.solve_triangular(upper, matrix[block, rest], trans="T")
        solution[block] = linalg.solve_triangular(upper, solution[block], trans="T")
        for other in blocks[number + 1 :]:
            across, after = matrix[block, other].T, slice(other.start, None)
            matrix[other, after] -= across @ matrix[block, after]
            solution[other] -= across @ solution[block]
    for block in reversed(blocks):
        solution[block] -= matrix[block, block.stop :] @ solution[block.stop :]
        solution[block] = linalg.solve_triangular(matrix[block, block], solution[block])
    return solution


def principal(normal: Normal, width: int) -> Outputs:
    """Return the `width` directions in which texts differ most, each of length 1."""
    last = len(normal.gram) - 1
    variance, direction = linalg.eigh(
        normal.gram, lower=False, subset_by_index=(last - width + 1, last)
    )
    return Outputs(direction, np.diag(variance))


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
