"""What `WindowFeatures` answers, found on the host: a word wakes a hundred of its many units.

Windows are looked up letter by letter in a tree of what they spell, instead of multiplied with
every unit.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from pixel_linguist.model.encoder import EncoderConfig
from pixel_linguist.model.windows import answer_letters, cut_apart, map_cells, narrower

# Cells that are remembered.
CELLS = 1 << 15


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows of an array [N, ...], and for each of N rows which it is."""
    flat = np.ascontiguousarray(rows).reshape(len(rows), -1)
    whole = flat.view(f"V{flat.shape[1] * flat.itemsize}")[:, 0]
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], inverse


def number_rows(rows: np.ndarray, known: dict[bytes, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of rows, int [N], and where each new one is first: they get the next."""
    before = len(known)
    numbers = np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], int)
    if len(known) == before:
        return numbers, np.zeros(0, int)
    unique, first = np.unique(numbers, return_index=True)
    return numbers, first[unique >= before]


def add_up(places: np.ndarray, number: int, answers: sparse.csr_array) -> sparse.csr_array:
    """Return [number, F], the sums of the rows of answers that are at each place.

    Args:
        places: int [M], of each row.
        number: of places.
        answers: [M, F].
    """
    ones = np.ones(len(places), np.float32)
    rows = np.arange(len(places))
    return sparse.csr_array((ones, (places, rows)), shape=(number, len(places))) @ answers


class Level(NamedTuple):
    """The letters of a tree that stand k-th in a window.

    Attributes:
        keys: int64 [M], in order: the number of the letter before, times all letters, and the
            letter.
        window: int [M], the number of the one that ends there; -1 if none does.
    """

    keys: np.ndarray
    window: np.ndarray


def grow_tree(windows: np.ndarray, letters: int) -> list[Level]:
    """Return the tree of distinct windows, int [W, K] of letters, -1 after a shorter one's end."""
    levels, node = [], np.zeros(len(windows), np.int64)
    for place in range(windows.shape[1]):
        there = windows[:, place] >= 0
        if not there.any():
            break
        ends = there & ~(windows[:, place + 1 : place + 2] >= 0).any(axis=1)
        keys = node * letters + windows[:, place]
        found = np.unique(keys[there])
        node = np.searchsorted(found, keys)
        window = np.full(len(found), -1)
        window[node[ends]] = np.flatnonzero(ends)
        levels.append(Level(found, window))
    return levels


class Reader:
    """Reads patches as `WindowFeatures` does; what a cell is like is found out once.

    Args:
        config: the encoder's architecture.
        params: its parameters of windows.
    """

    def __init__(self, config: EncoderConfig, params: Any):
        self._config = config
        self._layers = {name: params[name] for name in ("cell_hidden", "cell") if name in params}
        self._bags = params.get("bags")
        self._letters = unit_length(np.asarray(params["letters"]))
        self._tolerance = float(params["tolerance"][0])
        spelling = np.rint(np.asarray(params["spelling"])).astype(np.int64)
        windows, which = np.unique(spelling, axis=0, return_inverse=True)
        self._tree = grow_tree(windows, len(self._letters))
        # Which units answer to a window: one each, but for an encoder that was drawn at random.
        ones = np.ones(len(which), np.float32)
        shape = len(windows), len(which)
        self._units = sparse.csr_array((ones, (which, np.arange(len(which)))), shape=shape)
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._codes = np.zeros((0, self._config.cell_width), np.float32)
        # Of each cell the letters that it is like, from one bound to the next, and what it falls
        # short of each.
        self._bounds = np.zeros(1, np.int64)
        self._like = np.zeros(0, np.int64)
        self._short = np.zeros(0, np.float32)

    def __call__(self, patches: np.ndarray) -> sparse.csr_array:
        """Return float32 [N, F + G] of uint8 [N, H, W]."""
        if len(self._numbers) > CELLS:
            self._forget()
        config = self._config
        windows, places = [], []
        bags = np.zeros((len(patches), config.letter_bags), np.float32)
        for scale in range(config.cell_scales):
            cells = cut_apart(narrower(patches, scale) if scale else patches, config.cell_pixels)
            around = ((0, 0), (1, config.window_cells - 1), (0, 0), (0, 0))
            numbers = self._number(np.pad(cells, around), scale)
            found = np.lib.stride_tricks.sliding_window_view(numbers, config.window_cells, axis=1)
            windows.append(found.reshape(-1, config.window_cells))
            places.append(np.repeat(np.arange(len(patches)), found.shape[1]))
            if self._bags:
                within = self._codes[numbers[:, 1 : 1 + cells.shape[1]]]
                bags += answer_letters(self._bags, within, cells.any(axis=(2, 3)))
        unique, inverse = distinct(np.concatenate(windows))
        answers = add_up(np.concatenate(places), len(patches), self._answer(unique)[inverse])
        return sparse.hstack([answers, sparse.csr_array(bags)], format="csr")

    def _number(self, cells: np.ndarray, scale: int) -> np.ndarray:
        """Return the numbers, int32 [N, cells], of cells [N, cells, H, width]."""
        rows = cells.reshape(cells.shape[0] * cells.shape[1], -1)
        found, new = number_rows(rows, self._numbers)
        if len(new):
            self._learn(rows[new].astype(np.float32) / (255 << scale))
        return found.reshape(cells.shape[:2]).astype(np.int32)

    def _learn(self, pixels: np.ndarray) -> None:
        """Find out what new cells, float32 [N, P], are like."""
        codes = map_cells(self._layers, pixels)
        short = 1 - codes @ self._letters.T
        cell, like = np.nonzero(short < self._tolerance)
        ends = np.bincount(cell, minlength=len(codes)).cumsum()
        self._codes = np.concatenate([self._codes, codes])
        self._bounds = np.concatenate([self._bounds, self._bounds[-1] + ends])
        self._like = np.concatenate([self._like, like])
        self._short = np.concatenate([self._short, short[cell, like].astype(np.float32)])

    def _answer(self, windows: np.ndarray) -> sparse.csr_array:
        """Return what units answer to windows, float32 [N, F] of the numbers of cells [N, K].

        A code and a letter have length 1 at most: what an answer has lost is never made up for.
        """
        row, node = np.arange(len(windows)), np.zeros(len(windows), np.int64)
        left = np.full(len(windows), self._tolerance, np.float32)
        found = []
        for place, level in enumerate(self._tree):
            cell = windows[row, place]
            start, number = self._bounds[cell], self._bounds[cell + 1] - self._bounds[cell]
            branch = np.repeat(np.arange(len(row)), number)
            within = np.arange(len(branch)) - np.repeat(number.cumsum() - number, number)
            entry = start[branch] + within
            rest = left[branch] - self._short[entry]
            keys = node[branch] * len(self._letters) + self._like[entry]
            child = np.minimum(np.searchsorted(level.keys, keys), len(level.keys) - 1)
            on = (rest > 0) & (level.keys[child] == keys)
            row, node, left = row[branch[on]], child[on], rest[on]
            window = level.window[node]
            ends = window >= 0
            found.append((row[ends], window[ends], left[ends]))
        rows, spelled, answers = map(np.concatenate, zip(*found, strict=True))
        shape = len(windows), self._units.shape[0]
        return sparse.csr_array((answers, (rows, spelled)), shape=shape) @ self._units


def unit_length(letters: np.ndarray) -> np.ndarray:
    """Return codes of letters, float [L, C], of length 1; of blank rows 0."""
    return letters / np.maximum(np.linalg.norm(letters, axis=1, keepdims=True), 1e-6)
