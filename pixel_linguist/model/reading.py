"""What `WindowFeatures` reads, found on the host: which rows of its table a patch has."""

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from pixel_linguist.model.encoder import EncoderConfig
from pixel_linguist.model.windows import (
    cut_apart,
    decode_rows,
    find_rows,
    hash_letters,
    hash_windows,
    map_cells,
    name_cells,
    narrower,
    unit_length,
)

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


class Windows(NamedTuple):
    """Windows of patches.

    Attributes:
        hashes: uint32 [M].
        patch: int [M], the number of the patch that each is in.
    """

    hashes: np.ndarray
    patch: np.ndarray


class Reader:
    """Reads patches as `WindowFeatures` does; what a cell is like is found out once.

    Args:
        config: the encoder's architecture.
        params: its parameters of windows. Without "prints" it finds windows, but no rows.
    """

    def __init__(self, config: EncoderConfig, params: Any):
        self._config = config
        self._layers = {name: params[name] for name in ("cell_hidden", "cell") if name in params}
        self._letters = unit_length(np.asarray(params["letters"]))
        self._prints = np.rint(params["prints"]).astype(np.int32) if "prints" in params else None
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._names = np.zeros(0, np.uint32)
        self._told = np.zeros(0, bool)

    def __call__(self, patches: np.ndarray) -> sparse.csr_array:
        """Return how often each row is in patches uint8 [N, H, W]: float32 [N, R]."""
        assert self._prints is not None
        windows = self.read(patches)
        row, known = find_rows(windows.hashes, self._prints)
        where = windows.patch[known], row[known]
        shape = len(patches), self._config.window_rows
        return sparse.csr_array((np.ones(len(where[0]), np.float32), where), shape=shape)

    def read(self, patches: np.ndarray) -> Windows:
        """Return the windows of patches uint8 [N, H, W]."""
        if len(self._numbers) > CELLS:
            self._forget()
        config = self._config
        hashes, places = [], []
        for scale in range(config.cell_scales):
            cells = cut_apart(narrower(patches, scale) if scale else patches, config.cell_pixels)
            numbers = self._number(cells, scale)
            ink = cells.any(axis=(2, 3))
            names, told = self._names[numbers], self._told[numbers]
            windows = hash_windows(names, ink, told, config.window_cells)
            for found, there in (*windows, hash_letters(names, ink, told)):
                hashes.append(found[there])
                places.append(np.nonzero(there)[0])
        return Windows(np.concatenate(hashes), np.concatenate(places))

    def _number(self, cells: np.ndarray, scale: int) -> np.ndarray:
        """Return the numbers, int [N, cells], of cells [N, cells, H, width]."""
        rows = cells.reshape(cells.shape[0] * cells.shape[1], -1)
        found, new = number_rows(rows, self._numbers)
        if len(new):
            self._learn(rows[new], scale)
        return found.reshape(cells.shape[:2])

    def _learn(self, pixels: np.ndarray, scale: int) -> None:
        """Find out what new cells, uint [N, P], are read as."""
        codes = map_cells(self._layers, pixels.astype(np.float32) / (255 << scale))
        names, told = name_cells(codes, self._letters, pixels, scale)
        self._names = np.concatenate([self._names, names])
        self._told = np.concatenate([self._told, told])


class Table:
    """The rows of a `WindowFeatures`, as codes; they are decoded as they are asked for.

    Args:
        params: its parameters of windows.
    """

    def __init__(self, params: Any):
        names = ("scales", "book", "fine_book")
        self._coded = {name: np.asarray(params[name]) for name in names}
        for name in ("codes", "fine_codes"):
            self._coded[name] = np.rint(params[name]).astype(np.uint8)

    def __call__(self, features: sparse.csr_array) -> np.ndarray:
        """Return features, float [N, R], times the rows: float32 [N, D]."""
        used, column = np.unique(features.indices, return_inverse=True)
        few = (features.data, column, features.indptr)
        shape = features.shape[0], len(used)
        found: np.ndarray = sparse.csr_array(few, shape=shape) @ decode_rows(self._coded, used)
        return found
