"""Patch embeddings in closed form: a dictionary of frequent windows, and a regression on them.

An encoder that embeds patches by windows of cells (`EncoderConfig.cell_pixels`) need not find out
by gradients which windows there are. Its hidden units become detectors of those that texts have
most often, as in Coates & Ng 2012, "Learning feature representations with k-means", and its map
from them to embeddings the solution of a ridge regression. Frequent windows count for less, by
their inverse document frequency.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg, sparse

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.encoder import Params
from pixel_linguist.model.windows import answer_letters, cut_apart, map_cells, narrower

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
# Windows that are computed at once, and that are remembered: about a gigabyte.
CHUNK, WINDOWS = 256, 2_000_000
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


def distinct(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of an array [N, ...], and for each of N rows which it is."""
    rows = np.ascontiguousarray(patches).reshape(len(patches), -1)
    whole = rows.view(f"V{rows.shape[1] * rows.itemsize}")[:, 0]
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return patches[first], inverse


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


def merge_cells(cells: Cells, codes: np.ndarray) -> tuple[Cells, np.ndarray]:
    """Return cells and codes [C, D] of which no two are alike; a rarer one is read as the other.

    What has a short code is unlike all that were learned: it is not told apart.
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
    place = int(group[cells.blank])
    return Cells(cells.pixels[own], counts, group[cells.number], place), codes[own]


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


def detectors(
    codes: np.ndarray, windows: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return units that answer to windows: kernel float32 [cells of a window * C, F], bias [F].

    Windows are int [F, cells] of the numbers of cells, whose codes are float32 [cells, C].

    A unit is `tolerance` where its window stands, and falls to 0 as cells differ by so much of
    one cell's own length.
    """
    scaled = codes / (codes**2).sum(axis=1, keepdims=True)
    there = windows >= 0
    units = np.where(there[..., None], scaled[windows], 0)
    return units.reshape(len(windows), -1).T, tolerance - there.sum(axis=1).astype(np.float32)


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


class Features:
    """The sums of an encoder's units over texts; what a window brings is computed once.

    It is what `WindowFeatures` does, for texts in a font whose pictures of letters repeat.
    """

    def __init__(self, encoder: EncoderConfig, params: Params):
        self._width, self._window = encoder.cell_pixels, encoder.window_cells
        self._scales = encoder.cell_scales
        self._params = jax.tree.map(np.asarray, params)
        kernel, bias = (jnp.asarray(params["units"][name]) for name in ("kernel", "bias"))
        self._answer = jax.jit(lambda x: jax.nn.relu(x @ kernel + bias))
        self._forget()

    def _forget(self) -> None:
        self._cells: dict[bytes, int] = {}
        self._mapped = np.zeros((0, len(self._params["cell"]["bias"])), np.float32)
        self._windows: dict[bytes, int] = {}
        self._brought: list[sparse.csr_array] = []

    def __call__(self, patches: np.ndarray, count: np.ndarray) -> sparse.csr_array:
        """Return float32 [B, F + G] of uint8 [B, S, H, W] with so many patches each."""
        if len(self._windows) > WINDOWS:
            self._forget()
        held, rows, texts = of_text(patches, count), [], []
        for scale in range(self._scales):
            cells = self._number_cells(held, scale)
            windows = np.lib.stride_tricks.sliding_window_view(cells, self._window, axis=1)
            rows.append(windows.reshape(-1, self._window))
            texts.append(np.repeat(np.arange(len(patches)), count * windows.shape[1]))
        unique, inverse = distinct(np.concatenate(rows))
        numbers, new = _number(unique, self._windows)
        self._learn(new)
        text = np.concatenate(texts)
        ones = np.ones(len(text), np.float32)
        shape = len(patches), len(self._windows)
        sums = sparse.csr_array((ones, (text, numbers[inverse])), shape=shape) @ self._brought[0]
        if "bags" not in self._params:
            return sums
        return sparse.hstack([sums, self._bags(held, count)], format="csr")

    def _bags(self, patches: np.ndarray, count: np.ndarray) -> sparse.csr_array:
        """Return float32 [B, G], what the letters of N patches bring to their texts."""
        unique, inverse = distinct(patches)
        answered = np.zeros((), np.float32)
        for scale in range(self._scales):
            ink = cut_apart(narrower(unique, scale), self._width).any(axis=(2, 3))
            numbers = self._number_cells(unique, scale)[:, 1 : 1 + ink.shape[1]]
            codes = self._mapped[numbers]
            answered = answered + answer_letters(self._params["bags"], codes, ink)
        answers = sparse.csr_array(answered)
        text = np.repeat(np.arange(len(count)), count)
        ones = np.ones(len(text), np.float32)
        shape = len(count), len(unique)
        return sparse.csr_array((ones, (text, inverse)), shape=shape) @ answers

    def _number_cells(self, patches: np.ndarray, scale: int) -> np.ndarray:
        """Return int32 [N, cells and blank ones], rows of `_mapped`."""
        number, height, _ = patches.shape
        cells = cut_apart(narrower(patches, scale) if scale else patches, self._width)
        cells = np.pad(cells, ((0, 0), (1, self._window - 1), (0, 0), (0, 0)))
        unique, inverse = distinct(cells.reshape(-1, height * self._width))
        numbers, new = _number(unique, self._cells)
        mapped = map_cells(self._params, new.astype(np.float32) / (255 << scale))
        self._mapped = np.concatenate([self._mapped, mapped])
        return numbers[inverse].reshape(number, -1).astype(np.int32)

    def _learn(self, windows: np.ndarray) -> None:
        """Compute what new windows bring, given as the rows of their cells, int32 [W, K]."""
        seen = self._mapped[windows].reshape(len(windows), windows.shape[1] * self._mapped.shape[1])
        for first in range(0, len(windows), CHUNK):
            chunk = seen[first : first + CHUNK]
            # Of one shape, so that it is compiled once.
            answers = self._answer(np.pad(chunk, ((0, CHUNK - len(chunk)), (0, 0))))
            self._brought.append(sparse.csr_array(np.asarray(answers)[: len(chunk)]))
        self._brought = [sparse.vstack(self._brought, format="csr")]


def _number(rows: np.ndarray, known: dict[bytes, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each distinct row, and those that are new: they get the next ones."""
    before = len(known)
    numbers = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows])
    return numbers, rows[numbers >= before]


class Normal(NamedTuple):
    """What a regression needs of the data: sums over texts, each scaled to length 1.

    Attributes:
        gram: float32 [F, F].
        cross: float32 [F, D].
    """

    gram: np.ndarray
    cross: np.ndarray


def add_texts(normal: Normal, features: sparse.csr_array, targets: np.ndarray) -> None:
    """Add texts with features [B, F] and targets float [B, D], both of any length but 0."""
    lengths = sparse.linalg.norm(features, axis=1), np.linalg.norm(targets, axis=1)
    scale = [1 / np.maximum(length, 1e-6) for length in lengths]
    x = sparse.csr_array(features * scale[0].astype(np.float32)[:, None])
    # Texts have a hundredth of all windows: a dense product would take ten times as long.
    gram = (x.T @ x).tocoo()
    normal.gram[gram.coords] += gram.data
    normal.cross[:] += x.T @ (targets * scale[1][:, None])


def regress(normal: Normal, penalty: float) -> np.ndarray:
    """Return float32 [F, D], the ridge regression from features to targets."""
    # Some windows are hardly ever apart: in single precision the system is near singular.
    gram = normal.gram.astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    found = linalg.solve(gram, normal.cross.astype(np.float64), assume_a="pos", overwrite_a=True)
    return found.astype(np.float32)


def whiten_map(normal: Normal, solution: np.ndarray, share: float) -> np.ndarray:
    """Return a map float32 [F, D] whose outputs vary more evenly than those of `solution`.

    A regression shrinks most what it can tell least of. Along each principal axis outputs are
    divided by their root mean square to the power `share`: 0 changes nothing, 1 whitens them (Su
    et al. 2021, arXiv 2103.15316, without their centring, which takes from the scores of
    similarity). They stay in the space of what was asked for.
    """
    moment = solution.T @ (normal.gram @ solution).astype(np.float64)
    square, axis = np.linalg.eigh((moment + moment.T) / 2)
    square = np.maximum(square / square.mean(), 1e-9)
    found: np.ndarray = (solution @ (axis * square ** (-share / 2)) @ axis.T).astype(np.float32)
    return found


def principal(normal: Normal, width: int) -> np.ndarray:
    """Return float32 [F, width]: the directions in which texts differ most, each of length 1."""
    _, direction = np.linalg.eigh(normal.gram)
    return direction[:, ::-1][:, :width].astype(np.float32)
