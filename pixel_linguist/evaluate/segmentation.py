"""Topics of a document: where embeddings of its sentences turn, and measures of boundaries.

Boundaries of N sentences are bool [N - 1]: whether a topic ends behind a sentence. The last one
ends the document, and is none.
"""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import Source, column
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_column
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, dense, unit_rows
from pixel_linguist.evaluate.suite import Measured, Task

# A topic more has to save this share of a sentence's mean squared distance from the mean; chosen
# on the development articles of Wikipedia.
PENALTY = 1.5
# Sentences on each side of a gap that TextTiling compares.
_SIDE = 3


def best_boundaries(
    vectors: np.ndarray, count: int | None = None, penalty: float = PENALTY
) -> np.ndarray:
    """Return the boundaries of the best segmentation of N sentences: bool [N - 1].

        sum over topics of sum_i |x_i - mean of its topic|² + penalty * v * (number of topics)

    is least, where v is the mean of |x_i - mean of the document|². Found exactly, by dynamic
    programming over the first sentences (Utiyama and Isahara 2001, ACL, section 3.2) in N² steps.

    Args:
        vectors: float [N, D], N at least 1; scaled to length 1 here.
        count: number of topics; None: as the penalty has it.
        penalty: of a topic.

    Raises:
        ValueError: for a count out of 1 to N.
    """
    number = len(vectors)
    if count is not None and not 1 <= count <= number:
        raise ValueError(f"count is {count}; {number} sentences have 1 to {number} topics")
    x = unit_rows(np.asarray(vectors, np.float64))
    x = x - x.mean(axis=0)
    sums = np.pad((x @ x.T).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    squares = sums.diagonal()
    # saved[i, j]: how much less than the squares the topic of sentences i to j - 1 costs.
    lengths = np.maximum(np.arange(number + 1)[None] - np.arange(number + 1)[:, None], 1)
    saved = (squares[:, None] + squares[None] - 2 * sums) / lengths
    saved[np.tril_indices(number + 1)] = -np.inf
    if count is None:
        return _chain(saved - penalty * (x * x).sum() / number)
    return _chain(saved, count)


def _chain(gain: np.ndarray, count: int | None = None) -> np.ndarray:
    """Return the boundaries of the chain of topics of the greatest gain, float [N + 1, N + 1]."""
    number = len(gain) - 1
    best, back = np.full(number + 1, -np.inf), []
    best[0] = 0.0
    if count is None:
        origin = np.zeros(number + 1, int)
        for end in range(1, number + 1):
            found = best[:end] + gain[:end, end]
            origin[end] = found.argmax()
            best[end] = found[origin[end]]
        # Each end is reached by its own best chain, however many topics it has.
        back = [origin] * number
    else:
        for _ in range(count):
            found = best[:, None] + gain
            back.append(found.argmax(axis=0))
            best = found.max(axis=0)
    ends, end = [], number
    while end:
        ends.append(end)
        end = int(back[-len(ends)][end])
    return np.isin(np.arange(1, number), ends)


def tiled_boundaries(vectors: np.ndarray) -> np.ndarray:
    """Return the boundaries of TextTiling on embeddings of N sentences: bool [N - 1].

    A gap's depth is how much the cosine of its sides, means of up to 3 sentences, is below the
    nearest peaks on both; a boundary is a local maximum deeper than mean - deviation / 2.
    (Hearst 1997, Computational Linguistics 23, sections 5.2 to 5.4)
    """
    x = unit_rows(np.asarray(vectors, np.float64))
    if len(x) < 2:
        return np.zeros(0, bool)
    gaps = range(1, len(x))
    before = unit_rows(np.array([x[max(gap - _SIDE, 0) : gap].mean(axis=0) for gap in gaps]))
    behind = unit_rows(np.array([x[gap : gap + _SIDE].mean(axis=0) for gap in gaps]))
    scores = (before * behind).sum(axis=1)
    peaks = np.array([_peak(scores[i::-1]) + _peak(scores[i:]) for i in range(len(scores))])
    depth = peaks - 2 * scores
    padded = np.pad(depth, 1, constant_values=-np.inf)
    highest = (depth > padded[:-2]) & (depth >= padded[2:])
    return highest & (depth > depth.mean() - depth.std() / 2)


def _peak(scores: np.ndarray) -> float:
    """Return the score at which scores that rise from the first one stop to rise."""
    falls = np.flatnonzero(np.diff(scores) < 0)
    return float(scores[falls[0]] if len(falls) else scores[-1])


def window_size(boundaries: np.ndarray) -> int:
    """Return half the mean length of a reference's topics, rounded, at least 2."""
    return max(round((len(boundaries) + 1) / (boundaries.sum() + 1) / 2), 2)


def window_errors(reference: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Return (P_k, WindowDiff), each in [0, 1], 0 is best; half of it is about chance.

    P_k is the share of i for which it differs whether sentences i and i + k are of one topic
    (Beeferman et al. 1999); WindowDiff that for which the numbers of boundaries between them differ
    (Pevzner and Hearst 2002). k is that of `window_size`, at most N - 1.

    Args:
        reference: bool [N - 1].
        predicted: bool [N - 1].

    Raises:
        ValueError: for a document of one sentence, or predictions of another.
    """
    if not len(reference) or len(reference) != len(predicted):
        raise ValueError(
            f"boundaries of {len(reference) + 1} sentences and of {len(predicted) + 1} cannot be "
            "compared; both need 2 sentences or more, as many"
        )
    size = min(window_size(reference), len(reference))
    # Boundaries between sentences i and i + size, for each i.
    ends = (np.pad(np.cumsum(boundaries), (1, 0)) for boundaries in (predicted, reference))
    ours, theirs = (x[size:] - x[:-size] for x in ends)
    return float(((ours > 0) != (theirs > 0)).mean()), float((ours != theirs).mean())


def boundary_f1(right: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return F1 of boundaries of all documents together, of counts [..., N]; 0 without any."""
    total = predicted.sum(axis=-1) + true.sum(axis=-1)
    return np.where(total > 0, 2 * right.sum(axis=-1) / np.maximum(total, 1), 0.0)


def boundary_scores(
    references: Sequence[np.ndarray], predictions: Sequence[np.ndarray]
) -> Measured:
    """Return "f1", and the means of "p_k" and "window_diff" over documents.

    Observations are documents.
    """
    pairs = list(zip(references, predictions, strict=True))
    p_k, window_diff = np.mean([window_errors(*pair) for pair in pairs], axis=0)
    counts = np.array([((a & b).sum(), b.sum(), a.sum()) for a, b in pairs]).T
    scores = {"f1": float(boundary_f1(*counts)), "p_k": p_k, "window_diff": window_diff}
    return Measured(scores, Observations(tuple(counts), boundary_f1))


@dataclasses.dataclass(frozen=True)
class Segmentation(Task):
    """Boundaries of topics found by embeddings of single sentences.

    Attributes:
        documents: sentences of each.
        boundaries: of each, bool [N - 1].
    """

    documents: tuple[tuple[str, ...], ...]
    boundaries: tuple[np.ndarray, ...]

    metric: ClassVar[str] = "f1"

    @classmethod
    def from_source(cls, source: Source) -> "Segmentation":
        """Read records of `data.topics.topics`."""
        documents = read_column(source, "sentences", "document")
        topic = read_column(source, "topic", "document", column)
        return cls(tuple(map(tuple, documents)), tuple(np.diff(x) != 0 for x in topic))

    def texts(self) -> list[str]:
        """Return the sentences."""
        return [sentence for document in self.documents for sentence in document]

    def measure(self, embed: Embed) -> Measured:
        """Return the scores of `boundary_scores` for `best_boundaries`, and for other ways.

        "tiled_..." is TextTiling, "count_..." the best segmentation with the true number of topics.
        "none_..." and "random_..." look at nothing; random boundaries are drawn at the true rate.
        "p_k" and "window_diff" are better if lower.
        """
        vectors = dense(checked_vectors(embed, self.texts()))
        parts = np.split(vectors, np.cumsum([len(document) for document in self.documents])[:-1])
        counts = [int(true.sum()) + 1 for true in self.boundaries]
        rate = float(np.concatenate(self.boundaries).mean())
        ways = {
            "": [best_boundaries(x) for x in parts],
            "tiled_": [tiled_boundaries(x) for x in parts],
            "none_": [np.zeros(len(x) - 1, bool) for x in parts],
            "random_": [np.random.default_rng(len(x)).random(len(x) - 1) < rate for x in parts],
            "count_": [best_boundaries(x, n) for x, n in zip(parts, counts, strict=True)],
        }
        measured = {way: boundary_scores(self.boundaries, found) for way, found in ways.items()}
        scores = {
            f"{way}{metric}": score
            for way, own in measured.items()
            for metric, score in own.scores.items()
        }
        return Measured(scores, measured[""].observations)
