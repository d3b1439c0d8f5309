"""Rows as codes, coded in turns: what codes lose of texts, rows that are still to be coded make up.

Product quantisation (Jégou et al. 2011), and a second for what the first leaves of half of the
rows. Windows overlap, so that rows can stand in for each other; GPTQ makes up for what was lost in
the same way (Frantar et al. 2022, arXiv 2210.17323).
"""

import numpy as np
from scipy import sparse
from scipy.cluster.vq import kmeans2, vq

from pixel_linguist.model.windows import BUCKET, CHOICES, FINE, decode_rows, name_parts
from pixel_linguist.train.dictionary import regress

# Rows from which vectors of codes are found, drawn by how often they are there.
SAMPLE = 40_000
# Places in a bucket that are coded together, from one to before another; the rarest windows first.
TURNS = ((FINE, BUCKET), (FINE // 2, FINE), (0, FINE // 2))
# Of conjugate gradients between two turns.
STEPS = 8


def code_rows(
    features: sparse.csr_array,
    rows: np.ndarray,
    counts: np.ndarray,
    codes: int,
    fine_codes: int,
    penalty: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Return rows, float32 [F, D], as codes; see `pixel_linguist.model.windows.decode_rows`.

    Args:
        features: float32 [N, F], of texts; their products with rows are to be kept.
        rows: what is coded, bucket by bucket, the more frequent first.
        counts: [F], by how often a row is there it counts for the vectors that codes name.
        codes: of each row; they divide D.
        fine_codes: of those that are stored more finely, for what the others leave.
        penalty: of the regression on what was lost.
        seed: of what k-means begins with.
    """
    rng = np.random.default_rng(seed)
    within = np.arange(len(rows)) % BUCKET
    fine = within < FINE
    directions, weights = unit_rows(rows), counts * np.linalg.norm(rows, axis=1)
    book = find_book(directions, weights, codes, rng)
    rest = directions[fine] - name_parts(name_nearest(directions[fine], book), book)
    coded = {
        "codes": np.zeros((len(rows), codes), np.uint8),
        "fine_codes": np.zeros((fine.sum(), fine_codes), np.uint8),
        "scales": np.ones(len(rows), np.float32),
        "book": book,
        "fine_book": find_book(rest, weights[fine], fine_codes, rng),
    }
    wanted, rows = features @ rows, rows.copy()
    for first, last in TURNS:
        now, later = (first <= within) & (within < last), within < first
        code_some(coded, rows, np.flatnonzero(now))
        rows[now] = decode_rows(coded, np.flatnonzero(now))
        if later.any():
            lost = wanted - features @ rows
            rows[later] += regress(features[:, later], lost, penalty, STEPS).solution
    return coded


def code_some(coded: dict[str, np.ndarray], rows: np.ndarray, own: np.ndarray) -> None:
    """Set the codes and the scales of some of the rows float32 [F, D]: of numbers int [K]."""
    directions, fine = unit_rows(rows[own]), own % BUCKET < FINE
    coded["codes"][own] = name_nearest(directions, coded["book"])
    rest = directions[fine] - name_parts(coded["codes"][own[fine]], coded["book"])
    place = own[fine] // BUCKET * FINE + own[fine] % BUCKET
    coded["fine_codes"][place] = name_nearest(rest, coded["fine_book"])
    found = decode_rows(coded, own)
    square = np.maximum((found**2).sum(axis=1), 1e-9)
    coded["scales"][own] = (rows[own] * found).sum(axis=1) / square


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return rows, float32 [F, D], of length 1; those of length 0 as they are."""
    unit: np.ndarray = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def find_book(
    rows: np.ndarray, weights: np.ndarray, codes: int, rng: np.random.Generator
) -> np.ndarray:
    """Return what each code of rows [F, D] may name, float32 [codes, `CHOICES`, D / codes].

    By k-means of every so many-th number; rows are drawn by their weights for it.
    """
    sample = rows[rng.choice(len(rows), SAMPLE, p=weights / weights.sum())]
    book = np.zeros((codes, CHOICES, rows.shape[1] // codes), np.float32)
    for code in range(codes):
        part = np.ascontiguousarray(sample[:, code::codes])
        kinds = np.unique(part, axis=0)
        if len(kinds) > CHOICES:
            start = kinds[rng.choice(len(kinds), CHOICES, replace=False)]
            kinds, _ = kmeans2(part, start, iter=12, minit="matrix")
        book[code, : len(kinds)] = kinds
    return book


def name_nearest(rows: np.ndarray, book: np.ndarray) -> np.ndarray:
    """Return the codes, uint8 [F, M], of what a book has nearest to rows float32 [F, D]."""
    found = [
        vq(np.ascontiguousarray(rows[:, code :: len(book)]), kinds)[0]
        for code, kinds in enumerate(book)
    ]
    return np.stack(found, axis=1).astype(np.uint8)
