"""Calibration: one cloud of vectors is laid on another without pairs: shift, scale, rotate."""

import numpy as np
from scipy.linalg import orthogonal_procrustes

from pixel_linguist.evaluate.similarity import unit_rows

# Rounds of Procrustes, and neighbours of CSLS.
_ROUNDS, _NEIGHBOURS = 10, 10


def standardise(x: np.ndarray) -> np.ndarray:
    """Return [N, D] with mean 0 and variance 1 in each dimension; a constant one becomes 0."""
    centred = x - x.mean(axis=0)
    return np.asarray(centred / np.maximum(centred.std(axis=0), 1e-9))


def density(cosines: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the mean, over both texts of each pair, of the cosine of their nearest neighbours."""

    def nearest(side: np.ndarray) -> np.ndarray:
        count = min(neighbours, side.shape[1])
        return np.partition(side, -count, axis=1)[:, -count:].mean(axis=1)

    return (nearest(cosines)[:, None] + nearest(cosines.T)) / 2


def csls(cosines: np.ndarray) -> np.ndarray:
    """Return cross-domain similarity local scaling, float [N, M], of cosines [N, M].

    Twice the cosine, less the mean cosine of the ten nearest neighbours of either text (Conneau et
    al. 2018, arXiv 1710.04087, section 3.2, equation 3), which lowers the rank of hubs, texts that
    are near to everything.
    """
    return np.asarray(2 * (cosines - density(cosines, _NEIGHBOURS)))


def _axes(x: np.ndarray) -> np.ndarray:
    """Return axes that turn with a cloud, [D, D] columns, signed so that third moments are >= 0.

    They are the eigenvectors of E |x|² x xᵀ, which tell directions apart in white data too if it is
    not normal (Cardoso 1989, fourth-order blind identification).
    """
    weighted = x * (x**2).sum(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(weighted.T @ x)
    skew = ((x @ vectors) ** 3).sum(axis=0)
    return np.asarray(vectors * np.where(skew < 0, -1, 1))


def rotation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return an orthogonal W, [D, D], that lays cloud a [N, D] on cloud b [M, D] without pairs.

    From the identity, and from axes of each cloud: rows that are each other's nearest by
    CSLS are taken for pairs and solved for (Procrustes), again and again; the best of all by the
    mean CSLS of the nearest is taken. CCP and MUSE (arXiv 1710.04087) begin with an adversary
    instead, which takes many more texts than are at hand.
    """

    def scaled(w: np.ndarray) -> np.ndarray:
        return csls(unit_rows(a @ w) @ unit_rows(b).T)

    def fit(w: np.ndarray) -> float:
        return float(scaled(w).max(axis=1).mean())

    best = np.eye(a.shape[1])
    score = fit(best)
    for w in (best, _axes(a) @ _axes(b).T):
        for _ in range(_ROUNDS):
            scores = scaled(w)
            forward, backward = scores.argmax(axis=1), scores.argmax(axis=0)
            mutual = np.flatnonzero(backward[forward] == np.arange(len(a)))
            w, _ = orthogonal_procrustes(a[mutual], b[forward[mutual]])
            if (found := fit(w)) > score + 1e-9:
                best, score = w, found
    return best


def calibrate(
    a: np.ndarray, b: np.ndarray, *, rotate: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return both clouds, [N, D] and [M, D], standardised, and the first rotated on the second.

    Source: contrastive context prediction (Wu et al. 2022, arXiv 2206.03281).

    Raises:
        ValueError: for a cloud of fewer than two vectors.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"clouds of {len(a)} and {len(b)} vectors: calibration needs at least 2")
    first, second = (standardise(x.astype(np.float64)) for x in (a, b))
    return first @ rotation(first, second) if rotate else first, second
