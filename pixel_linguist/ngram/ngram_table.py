"""What an n-gram model reads in a patch: which rows of its table, and the sum of those."""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from pixel_linguist.ngram.hashing import (
    PICTURE,
    cut_cells,
    find_rows,
    hash_bags,
    hash_ngrams,
    name_cells,
)
from pixel_linguist.ngram.ngram_model import BUCKET, FINE, NgramConfig

Arrays = dict[str, np.ndarray]
# Cells whose names are kept.
CELLS = 1 << 15


def number_rows(rows: np.ndarray, numbers: dict[bytes, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of rows [N, ...], int [N], and the places of new ones, which are added."""
    before = len(numbers)
    found = np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], int)
    if len(numbers) == before:
        return found, np.zeros(0, int)
    unique, first = np.unique(found, return_index=True)
    return found, first[unique >= before]


class PatchCache:
    """Vectors of patches, each computed once: words repeat, and so do their pictures.

    `compute` maps distinct patches uint8 [N, H, W] to float32 [N, `width`]. When `memory` bytes of
    vectors are full, all are dropped.
    """

    def __init__(self, compute: Callable[[np.ndarray], np.ndarray], width: int, memory: int):
        self._compute, self._width = compute, width
        self._capacity = max(memory // (4 * width), 1)
        self._clear(0)
        # Of patches so far: how many were asked for, and how many had to be computed.
        self.asked = self.computed = 0

    def _clear(self, needed: int) -> None:
        self._numbers: dict[bytes, int] = {}
        self._vectors = np.empty((max(self._capacity, needed), self._width), np.float32)

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Return float32 [N, D] of patches uint8 [N, H, W]."""
        if len(self._numbers) + len(patches) > len(self._vectors):
            self._clear(len(patches))
        before = len(self._numbers)
        numbers, new = number_rows(patches, self._numbers)
        self.asked, self.computed = self.asked + len(patches), self.computed + len(new)
        if len(new):
            self._vectors[before : before + len(new)] = self._compute(patches[new])
        return self._vectors[numbers]


class NgramTable:
    """Sums the rows of the n-grams of patches; each distinct cell is classified once."""

    def __init__(self, config: NgramConfig, arrays: Arrays):
        self._config = config
        self._arrays = {name.partition("/")[2]: array for name, array in arrays.items()}
        for name, dtype in (("prints", np.int32), ("codes", np.uint8), ("fine_codes", np.uint8)):
            self._arrays[name] = np.rint(self._arrays[name]).astype(dtype)
        letters = self._arrays["letters"]
        self._letters = letters / np.maximum(np.linalg.norm(letters, axis=1, keepdims=True), 1e-6)
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._names = np.zeros(0, np.uint32)
        self._is_read = np.zeros(0, np.bool_)

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Return float32 [N, D + 1] of patches uint8 [N, H, W].

        The last number is that of the cells that resemble no letter.
        """
        counts, unread = self._count(patches)
        used, column = np.unique(counts.indices, return_inverse=True)
        few = sparse.csr_array((counts.data, column, counts.indptr), (len(patches), len(used)))
        vectors = few @ self.rows(used)
        return np.column_stack([vectors, unread]).astype(np.float32, copy=False)

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Decode rows of the table, float32 [N, D], by product quantisation (Jégou et al. 2011)."""
        arrays, within = self._arrays, numbers % BUCKET
        row = _decode(arrays["codes"][numbers], arrays["book"])
        is_fine = within < FINE
        fine = numbers[is_fine] // BUCKET * FINE + within[is_fine]
        row[is_fine] += _decode(arrays["fine_codes"][fine], arrays["fine_book"])
        row *= arrays["scales"][numbers][:, None]
        return row

    def _count(self, patches: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
        """Count in patches uint8 [N, H, W] each row of the table, [N, R], and unread cells, [N].

        A cell counts as unread if it is at no scale a part of a letter.
        """
        if len(self._numbers) > CELLS:
            self._forget()
        config, hashes, places, unread = self._config, [], [], []
        for scale in range(config.scales):
            cells = cut_cells(patches, config.cell_pixels, scale)
            numbers = self._number_cells(cells, scale)
            ink: np.ndarray = np.any(cells, axis=(2, 3))
            names, read = self._names[numbers], self._is_read[numbers]
            unread.append(np.sum(names >= PICTURE, axis=1) << scale)
            ngrams = hash_ngrams(names, ink, read, config.longest)
            for found, exists in (*ngrams, hash_bags(names, ink, read)):
                hashes.append(found[exists])
                places.append(np.nonzero(exists)[0])
        row, known = find_rows(np.concatenate(hashes), self._arrays["prints"])
        where = np.concatenate(places)[known], row[known]
        ones = np.ones(len(where[0]), np.float32)
        counts = sparse.csr_array((ones, where), shape=(len(patches), config.rows))
        return counts, np.min(unread, axis=0)

    def _number_cells(self, cells: np.ndarray, scale: int) -> np.ndarray:
        """Return the numbers, int [N, cells], of cells [N, cells, H, width]; name the new ones."""
        pixels = cells.reshape(cells.shape[0] * cells.shape[1], -1)
        numbers, new = number_rows(pixels, self._numbers)
        if len(new):
            codes = self._classify(pixels[new].astype(np.float32) / (255 << scale))
            names, read = name_cells(codes, self._letters, pixels[new], scale)
            self._names = np.concatenate([self._names, names])
            self._is_read = np.concatenate([self._is_read, read])
        return numbers.reshape(cells.shape[:2])

    def _classify(self, pixels: np.ndarray) -> np.ndarray:
        """Map the pixels of cells, float32 [N, P] in [0, 1], to float32 [N, C] of length <= 1."""
        arrays = self._arrays
        x = np.maximum(pixels @ arrays["cell_hidden/kernel"] + arrays["cell_hidden/bias"], 0)
        codes = x @ arrays["cell/kernel"] + arrays["cell/bias"]
        codes /= np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1)
        return codes


def _decode(codes: np.ndarray, book: np.ndarray) -> np.ndarray:
    """Decode uint8 [N, M] by a book float [M, `CHOICES`, D / M]: a code gives every M-th number."""
    chosen = book[np.arange(len(book)), codes]
    return chosen.swapaxes(1, 2).reshape(len(codes), book.shape[0] * book.shape[2])
