"""How letters are told apart, in closed form: what stands for a letter becomes like it.

Two views of a text, as a reader forgives them, show cell by cell what stands for what: E for e, é
for e, 3 for e. A cell's code is the mean code of what stands in its place in the other view (the
conditional expectation, as of alternating conditional expectations, Breiman & Friedman 1985), so
that disguises of a letter come to lie where the letter does, the closer the more often they mean
it. What maps pixels to codes are detectors of the most frequent cells, and a ridge regression from
them: a picture that was never seen gets a code by what it looks like.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.reading import distinct
from pixel_linguist.model.windows import cut_apart, narrower
from pixel_linguist.train.dictionary import (
    CELLS,
    FREQUENCY_POWER,
    Cells,
    ClosedForm,
    whiten,
)

# Numbers by which a cell's pixels are compared with those of detectors; more are noise of edges.
PIXEL_WIDTH = 96
# How often the mean is taken: of what stands for a letter, of what stands for that, and so on.
ROUNDS = 6
# How much a cell that stands for nothing counts. Two letters, squeezed, may look like one: at 1,
# m loses half of its code to "nn".
EMPTY = 0.05


class View(NamedTuple):
    """The cells with ink of texts, and how many each text has.

    Attributes:
        cells: uint8 [M, P], text after text.
        length: int [B].
    """

    cells: np.ndarray
    length: np.ndarray


def read_cells(encoder: EncoderConfig, patches: np.ndarray, count: np.ndarray) -> tuple[View, ...]:
    """Read texts, uint8 [B, S, H, W] with so many patches each, at each of an encoder's scales."""
    held = np.arange(patches.shape[1]) < count[:, None]
    views = []
    for scale in range(encoder.cell_scales):
        cells = cut_apart(narrower(patches, scale), encoder.cell_pixels) >> scale
        ink = cells.any(axis=(3, 4)) & held[..., None]
        rows = cells[ink].astype(np.uint8).reshape(ink.sum(), -1)
        views.append(View(rows, ink.sum(axis=(1, 2))))
    return tuple(views)


@dataclasses.dataclass
class Standing:
    """Counts which cells stand for which, and those that stand for nothing."""

    cells: dict[bytes, int] = dataclasses.field(default_factory=dict)
    pairs: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    nothing: Counter[bytes] = dataclasses.field(default_factory=Counter)

    def add_views(self, first: Sequence[View], second: Sequence[View]) -> None:
        """Add two views of texts, each at every scale.

        Cells match, one for one, where a text has as many in one view as in the other, and one of
        them is read at full width: the other may be in wide letters, whose halves stand for
        nothing. Where both are in letters of full width, what is read narrower holds none, but
        parts of two.
        """
        plain = first[0].length == second[0].length
        self._add(first[0], second[0], plain)
        for one, other in zip(first[1:], second[1:], strict=True):
            first_wide = one.length == second[0].length
            second_wide = first[0].length == other.length
            self._add(one, second[0], first_wide)
            self._add(first[0], other, second_wide)
            self._add_nothing(first[0], first_wide & ~plain)
            self._add_nothing(second[0], second_wide & ~plain)
            for view in (one, other):
                self._add_nothing(view, plain)

    def _add(self, one: View, other: View, same: np.ndarray) -> None:
        if not same.any():
            return
        both = np.concatenate([_of_texts(view, same) for view in (one, other)])
        unique, inverse = distinct(both)
        numbers = np.array([self.cells.setdefault(c.tobytes(), len(self.cells)) for c in unique])
        pair = numbers[inverse].reshape(2, -1)
        self.pairs.append(np.unique(pair, axis=1, return_counts=True))

    def _add_nothing(self, view: View, chosen: np.ndarray) -> None:
        cells, often = np.unique(_of_texts(view, chosen), axis=0, return_counts=True)
        self.nothing.update(
            {cell.tobytes(): n for cell, n in zip(cells, often.tolist(), strict=True)}
        )

    def counts(self) -> tuple[np.ndarray, sparse.csr_array]:
        """Return the distinct cells, uint8 [C, P], and how often one stands for another [C, C].

        A blank one, which nothing stands for, is the first.
        """
        pixels = _pictures(self.cells)
        pixels = np.concatenate([np.zeros_like(pixels[:1]), pixels])
        place = np.concatenate([pair for pair, _ in self.pairs], axis=1) + 1
        often = np.concatenate([often for _, often in self.pairs]).astype(float)
        size = len(pixels)
        one_way = sparse.csr_array((often, (place[0], place[1])), shape=(size, size))
        # Which view is which says nothing. Words have a blank cell at both ends: some five letters.
        blank = sparse.csr_array(([often.sum() * 0.8], ([0], [0])), shape=(size, size))
        return pixels, one_way + one_way.T + blank

    def empty(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the most frequent cells that stand for nothing, uint8 [E, P], and how often."""
        found = [(cell, n) for cell, n in self.nothing.most_common() if cell not in self.cells]
        pixels = _pictures(cell for cell, _ in found[:CELLS])
        return pixels, np.array([n for _, n in found[:CELLS]], float)


def _of_texts(view: View, chosen: np.ndarray) -> np.ndarray:
    """Return the cells of the chosen texts, bool [B]."""
    return view.cells[np.repeat(chosen, view.length)]


def _pictures(cells: Iterable[bytes]) -> np.ndarray:
    pictures = [np.frombuffer(cell, np.uint8) for cell in cells]
    return np.stack(pictures) if pictures else np.empty((0, 0), np.uint8)


def solve_letters(
    encoder: EncoderConfig, settings: ClosedForm, standing: Standing
) -> dict[str, Any]:
    """Return the parameters that map a cell's pixels to its code."""
    pixels, stands = standing.counts()
    often = stands.sum(axis=1)
    cells = Cells(pixels.astype(np.float32) / 255, often)
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
    units = (seen[frequent] / (seen[frequent] ** 2).sum(axis=1, keepdims=True)).T
    hidden = {"kernel": kernel @ units, "bias": bias @ units + settings.tolerance - 1}
    empty, empty_often = standing.empty()
    every = np.concatenate(
        [cells.pixels, empty.astype(np.float32).reshape(-1, pixels.shape[1]) / 255]
    )
    answers = np.maximum(every @ hidden["kernel"] + hidden["bias"], 0)
    weight = np.concatenate([often, empty_often * EMPTY]) ** FREQUENCY_POWER
    weighted = (answers * (weight / weight.mean())[:, None]).T
    gram = weighted @ answers
    gram[np.diag_indices_from(gram)] += settings.penalty
    # Of those that stand for nothing the code is 0.
    moment = weighted[:, : len(codes)] @ codes
    kernel = np.linalg.solve(gram, moment).astype(np.float32)
    cell = {"kernel": kernel, "bias": np.zeros(encoder.cell_width, np.float32)}
    return {"cell_hidden": hidden, "cell": cell}
