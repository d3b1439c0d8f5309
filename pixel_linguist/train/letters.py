"""How letters are told apart, in closed form: what stands for a letter becomes like it.

Two views of a text, as a reader forgives them, show cell by cell what stands for what: E for e, é
for e, 3 for e. A cell's code is the mean code of what stands in its place in the other view (the
conditional expectation, as of alternating conditional expectations, Breiman & Friedman 1985), so
that disguises of a letter come to lie where the letter does, the closer the more often they mean
it. What maps pixels to codes are detectors of the most frequent cells, and a ridge regression from
them: a picture that was never seen gets a code by what it looks like.
"""

import dataclasses
from typing import Any

import numpy as np
from scipy import sparse

from pixel_linguist.model import EncoderConfig
from pixel_linguist.train.dictionary import (
    FREQUENCY_POWER,
    Cells,
    ClosedForm,
    detectors,
    distinct,
    whiten,
)

# Numbers by which a cell's pixels are compared with those of detectors; more are noise of edges.
PIXEL_WIDTH = 96
# How often the mean is taken: of what stands for a letter, of what stands for that, and so on.
ROUNDS = 6


def matching_cells(
    first: np.ndarray, second: np.ndarray, count: tuple[np.ndarray, np.ndarray], width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells with ink of two views of texts, one for one.

    Only texts with equally many patches are compared, and of those the patches with ink in the
    same cells.

    Args:
        first: uint8 [B, S, H, W].
        second: uint8 [B, S, H, W].
        count: int [B] each, patches of text.
        width: of a cell.

    Returns:
        uint8 [M, H * width], twice.
    """
    views = [cut_apart(view, width) for view in (first, second)]
    ink = [view.any(axis=(3, 4)) for view in views]
    held = (np.arange(first.shape[1]) < count[0][:, None]) & (count[0] == count[1])[:, None]
    alike = held & (ink[0] == ink[1]).all(axis=2)
    one, other = (view[alike[..., None] & ink[0]] for view in views)
    return one.reshape(len(one), -1), other.reshape(len(other), -1)


def cut_apart(patches: np.ndarray, width: int) -> np.ndarray:
    """Return the cells of patches uint8 [B, S, H, W]: [B, S, cells, H, width]."""
    *front, height, across = patches.shape
    return patches.reshape(*front, height, across // width, width).swapaxes(-3, -2)


@dataclasses.dataclass
class Standing:
    """Counts which cells stand for which."""

    cells: dict[bytes, int] = dataclasses.field(default_factory=dict)
    pairs: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)

    def add(self, one: np.ndarray, other: np.ndarray) -> None:
        """Add matching cells, uint8 [M, P] each."""
        unique, inverse = distinct(np.concatenate([one, other]))
        numbers = np.array([self.cells.setdefault(c.tobytes(), len(self.cells)) for c in unique])
        pair = numbers[inverse].reshape(2, -1)
        self.pairs.append(np.unique(pair, axis=1, return_counts=True))

    def counts(self) -> tuple[np.ndarray, sparse.csr_array]:
        """Return the distinct cells, uint8 [C, P], and how often one stands for another [C, C].

        A blank one, which nothing stands for, is the first.
        """
        pixels = np.stack([np.frombuffer(cell, np.uint8) for cell in self.cells])
        pixels = np.concatenate([np.zeros_like(pixels[:1]), pixels])
        place = np.concatenate([pair for pair, _ in self.pairs], axis=1) + 1
        often = np.concatenate([often for _, often in self.pairs]).astype(float)
        size = len(pixels)
        one_way = sparse.csr_array((often, (place[0], place[1])), shape=(size, size))
        # Which view is which says nothing. Words have a blank cell at both ends: some five letters.
        blank = sparse.csr_array(([often.sum() * 0.8], ([0], [0])), shape=(size, size))
        return pixels, one_way + one_way.T + blank


def solve_letters(
    encoder: EncoderConfig, settings: ClosedForm, standing: Standing
) -> dict[str, Any]:
    """Return the parameters that map a cell's pixels to its code."""
    pixels, stands = standing.counts()
    often = stands.sum(axis=1)
    cells = Cells(pixels.astype(np.float32) / 255, often, np.empty((0, 0), int), blank=0)
    means = cells.pixels
    for _ in range(ROUNDS):
        means = sparse.diags_array(1 / often) @ (stands @ means)
    kernel, bias = whiten(cells._replace(pixels=means), encoder.cell_width)
    codes = means @ kernel + bias
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    frequent = np.argsort(-often, kind="stable")[: encoder.cell_hidden]
    if len(frequent) < encoder.cell_hidden:
        raise ValueError(
            f"the texts have {len(frequent)} cells; model.cell_hidden asks {encoder.cell_hidden}"
        )
    kernel, bias = whiten(cells, min(PIXEL_WIDTH, pixels.shape[1]))
    seen = cells.pixels @ kernel + bias
    units, threshold = detectors(seen, frequent[:, None], settings.tolerance)
    hidden = {"kernel": kernel @ units, "bias": bias @ units + threshold}
    answers = np.maximum(cells.pixels @ hidden["kernel"] + hidden["bias"], 0)
    weight = often**FREQUENCY_POWER / (often**FREQUENCY_POWER).mean()
    weighted = (answers * weight[:, None]).T
    gram = weighted @ answers
    gram[np.diag_indices_from(gram)] += settings.penalty
    solution = np.linalg.solve(gram, weighted @ codes).astype(np.float32)
    cell = {"kernel": solution, "bias": np.zeros(encoder.cell_width, np.float32)}
    return {"cell_hidden": hidden, "cell": cell}
