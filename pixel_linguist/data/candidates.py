"""DebCSE: positives and negatives drawn by inverse propensity from surface and meaning.

A reconstruction: the paper (Miao et al. 2023, arXiv 2309.07396) was known by its abstract alone.
It says that inverse propensity weighted sampling takes pairs from surface and semantic similarity;
the formulas here are ours.
"""

import collections
import dataclasses
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, Source, column, text_of
from pixel_linguist.text.word_noise import drop_words

# Hashed trigrams of letters, and bins of surface similarity.
_BUCKETS, BINS = 1 << 16, 10
# Rows compared with all others at once, and random pairs of which propensities are estimated.
_BLOCK, _PAIRS = 256, 20_000
# Percentile of t-, least propensity, and share of words that the rule of positives drops.
_PERCENTILE, _EPSILON, _DROPPED = 90.0, 0.02, 0.2


def surface_vectors(texts: Sequence[str]) -> sparse.csr_array:
    """Return unit vectors [N, buckets] of letter trigrams by TF-IDF: how alike texts look."""
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        padded = f" {' '.join(text.lower().split())} "
        counts = collections.Counter(padded[i : i + 3] for i in range(max(len(padded) - 2, 1)))
        for trigram, count in counts.items():
            rows.append(row)
            columns.append(zlib.crc32(trigram.encode()) % _BUCKETS)
            values.append(float(count))
    shape = (len(texts), _BUCKETS)
    found = sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()
    documents = np.bincount(found.indices, minlength=_BUCKETS)
    found.data *= np.log(1 + len(texts) / np.maximum(documents, 1))[found.indices]
    norms = np.sqrt(np.maximum((found * found).sum(axis=1), 1e-24))
    return sparse.csr_array(sparse.diags_array(1 / norms) @ found)


def bin_of(surface: np.ndarray) -> np.ndarray:
    """Return the bins of surface similarities in [0, 1], int from 0 to `BINS` - 1."""
    return np.clip((np.asarray(surface) * BINS).astype(int), 0, BINS - 1)


def propensity(surface: np.ndarray) -> np.ndarray:
    """Return the share of pairs in each bin of surface similarity, with one added to each."""
    counts = np.bincount(bin_of(surface), minlength=BINS) + 1
    return counts / counts.sum()


@dataclasses.dataclass
class Candidates:
    """An annotator: candidates of each text, and the weights with which they are drawn.

    Of each text i, candidates j are the `count` nearest by meaning c, the cosine of a frozen model,
    as many by surface s, the cosine of letter trigrams, and as many at random; never i itself or
    an equal text. Their weights are

        positive  max(0, c_ij - t+) / max(e+(s_ij), 0.02)
        negative  1 if c_ij < t- else 0, / max(e-(s_ij), 0.02)

    where e+(s) is the share of pairs with such a surface among those that a simple rule takes for
    positives (a text with words dropped), e-(s) that among random pairs; t+ and t- are percentiles
    of c over random pairs. So positives mean the same in other words, and negatives mean something
    else in the same words.

    Attributes:
        text: column of texts.
        count: candidates of each of three kinds.
        weighted: whether weights are divided by propensities; False is the ablation.
        positive_percentile: of t+.
    """

    text: str
    count: int = 16
    weighted: bool = True
    positive_percentile: float = 99.5

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count is {self.count}; at least 1 candidate is needed")
        self._known: tuple[Any, ...] = ()

    def __call__(self, records: Source, rows: range, embed: Any) -> Mapping[str, np.ndarray]:
        """Return columns of the records `rows` among all.

        "candidates" int32 [N, 3 count], numbers of records; "positive_weights" and
        "negative_weights" float32 of the same shape, and "meaning", c.

        Raises:
            ValueError: if there are fewer than two different texts.
        """
        if not self._known or self._known[0] is not records:
            texts = [text_of(records[i], self.text) for i in range(len(records))]
            if len(set(texts)) < 2:
                raise ValueError(f"{len(texts)} records have one text; candidates need others")
            self._known = records, self._measure(texts, embed)
        return self._columns(rows, *self._known[1])

    def _measure(self, texts: Sequence[str], embed: Any) -> tuple[Any, ...]:
        """Return numbers of texts, vectors of meaning and surface, thresholds, propensities."""
        rng = np.random.default_rng(0)
        numbers = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        ids = np.array([numbers[text] for text in texts])
        meaning = np.asarray(embed(texts), np.float32)
        meaning = meaning / np.maximum(np.linalg.norm(meaning, axis=1, keepdims=True), 1e-12)
        first, second = rng.integers(len(texts), size=(2, _PAIRS))
        first, second = (x[ids[first] != ids[second]] for x in (first, second))
        cosines = (meaning[first] * meaning[second]).sum(axis=1)
        limits = np.percentile(cosines, (self.positive_percentile, _PERCENTILE))
        chosen = [texts[i] for i in rng.permutation(len(texts))[: _PAIRS // 10]]
        ruled = [drop_words(text, rng, rate=_DROPPED) for text in chosen]
        # In one space, so that all have the same frequencies of trigrams.
        surface = surface_vectors([*texts, *chosen, *ruled])
        own = surface[: len(texts)]
        a, b = np.split(np.arange(len(texts), surface.shape[0]), 2)
        shares = [
            propensity((surface[x] * surface[y]).sum(axis=1)) for x, y in ((a, b), (first, second))
        ]
        if not self.weighted:
            shares = [np.ones(BINS)] * 2
        return ids, meaning, own, limits, shares

    def _columns(
        self,
        rows: range,
        ids: np.ndarray,
        meaning: np.ndarray,
        surface: sparse.csr_array,
        limits: np.ndarray,
        shares: Sequence[np.ndarray],
    ) -> dict[str, np.ndarray]:
        found: dict[str, list[np.ndarray]] = collections.defaultdict(list)
        count = min(self.count, len(ids) - 1)
        for start in range(rows.start, rows.stop, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, rows.stop))
            equal = ids[block][:, None] == ids
            c, s = meaning[block] @ meaning.T, (surface[block] @ surface.T).toarray()
            chosen = [nearest(np.where(equal, -2, x), count) for x in (c, s)]
            # By its own number, so that pieces change nothing.
            draws = [np.random.default_rng([0, i]).permutation(len(ids)) for i in block.tolist()]
            random = [
                [j for j in draw[: 4 * count] if ids[j] != ids[i]][:count]
                for i, draw in zip(block, draws, strict=True)
            ]
            filled = [(own + [block[n]] * count)[:count] for n, own in enumerate(random)]
            candidates = np.concatenate([*chosen, np.array(filled)], axis=1)
            c, s, equal = (np.take_along_axis(x, candidates, axis=1) for x in (c, s, equal))
            weights = draw_weights(c, s, limits, shares)
            # A candidate that was found twice counts once.
            again = np.array([_repeated(row) for row in candidates]) | equal
            found["candidates"].append(candidates.astype(np.int32))
            found["meaning"].append(c.astype(np.float32))
            for name, x in zip(("positive_weights", "negative_weights"), weights, strict=True):
                found[name].append(np.where(again, 0, x).astype(np.float32))
        return {name: np.concatenate(parts) for name, parts in found.items()}


def draw_weights(
    c: np.ndarray, s: np.ndarray, limits: np.ndarray, shares: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of positives and negatives, as of `Candidates`.

    Args:
        c: float array of cosines of meaning.
        s: float array of the same shape, surface similarity.
        limits: t+ and t-, float [2].
        shares: e+ and e-, float [BINS] each.
    """
    positive, negative = (np.maximum(e[bin_of(s)], _EPSILON) for e in shares)
    return np.maximum(c - limits[0], 0) / positive, (c < limits[1]) / negative


def nearest(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of each row's highest scores, best first: int [R, count]."""
    top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def _repeated(row: np.ndarray) -> np.ndarray:
    """Tell which entries of int [K] stand earlier in it."""
    repeated = np.ones(len(row), bool)
    repeated[np.unique(row, return_index=True)[1]] = False
    return repeated


def debiased(record: Record, rng: np.random.Generator, *, text: str) -> Example:
    """Take a text, and draw a positive and a negative from its candidates by their weights.

    Records are those that the annotator `Candidates` has annotated. A text without a candidate for
    a positive is its own; one without a candidate for a negative has none.
    """
    views = {"anchor": text_of(record, text)}
    record_of = column(record, "record_of", "the record without annotations")
    for view, fallback in (("positive", views["anchor"]), ("negative", "")):
        weights = np.asarray(column(record, f"{view}_weights"), np.float64)
        draw, total = rng.random(), weights.sum()
        views[view] = fallback
        if total > 0:
            place = int(np.searchsorted(np.cumsum(weights), draw * total, side="right"))
            views[view] = record_of(int(record["candidates"][place]))[text]
    return Example(views)
