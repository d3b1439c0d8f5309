"""Clusters of texts: are texts of one story, or of one tag, near one another?"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pixel_linguist.data.records import Source, column, present
from pixel_linguist.evaluate.baselines import scikit_learn
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.columns import read_column
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix, unit_rows
from pixel_linguist.evaluate.suite import Measured, Task
from pixel_linguist.text.word_noise import hide_tags

# Texts whose neighbours are searched at once.
_BLOCK = 512


def nearest_other(vectors: Any) -> np.ndarray:
    """Return the row nearest to each of N others by cosine, itself apart: int [N], of [N, D]."""
    found = []
    for start in range(0, vectors.shape[0], _BLOCK):
        cosines = cosine_matrix(vectors[start : start + _BLOCK], vectors)
        own = np.arange(len(cosines))
        cosines[own, start + own] = -np.inf
        found.append(cosines.argmax(axis=1))
    return np.concatenate(found)


@dataclasses.dataclass(frozen=True)
class Clustering(Task):
    """V-measure of k-means with the true number of clusters, and the cluster of the nearest text.

    As MTEB's clustering (Muennighoff et al. 2023, arXiv 2210.07316), but with all texts at once.
    Needs the extra `report`.
    """

    clustered: tuple[str, ...]
    clusters: tuple[int, ...]

    metric: ClassVar[str] = "v_measure"
    embedded: ClassVar = ("clustered",)
    perturbed: ClassVar = "clustered"

    @classmethod
    def from_source(cls, source: Source, *, texts: str = "texts", limit: int = 0) -> "Clustering":
        """Read records of clusters: a column of several texts each, and "group".

        Args:
            limit: texts of a cluster that are taken, the first ones; 0: all.

        Raises:
            ValueError: for fewer than two clusters.
        """
        groups = read_column(source, "group", "cluster", present)
        members = read_column(source, texts, "cluster")
        if len(set(groups)) < 2:
            raise ValueError(f"clustering needs two clusters or more, not {len(set(groups))}")
        pairs = [
            (text, int(group))
            for group, own in zip(groups, members, strict=True)
            for text in (own[:limit] if limit else own)
        ]
        return cls(tuple(text for text, _ in pairs), tuple(group for _, group in pairs))

    def measure(self, embed: Embed) -> Measured:
        """Return "v_measure", in [0, 1], and "precision@1": is the nearest of the same cluster."""
        vectors = unit_rows(checked_vectors(embed, self.texts()))
        labels = np.array(self.clusters)
        kmeans = scikit_learn("cluster").KMeans(len(set(self.clusters)), n_init=1, random_state=0)
        v_measure = scikit_learn("metrics").v_measure_score(labels, kmeans.fit_predict(vectors))
        right = labels[nearest_other(vectors)] == labels
        return Measured({"v_measure": v_measure, "precision@1": right.mean()})


@dataclasses.dataclass(frozen=True)
class SharedTags(Task):
    """Whether the post nearest to a post shares a hashtag with it, all hashtags removed."""

    posts: tuple[str, ...]
    tags: tuple[tuple[int, ...], ...]

    metric: ClassVar[str] = "precision@1"
    embedded: ClassVar = ("posts",)

    @classmethod
    def from_source(cls, source: Source) -> "SharedTags":
        """Read records of `data.posts.tagged_posts`; a post is taken once."""
        found: dict[str, tuple[int, ...]] = {}
        rng = np.random.default_rng(0)
        for number in range(len(source)):
            record = source[number]
            tags = column(record, "post_tags", f"tag {number}")
            for post, own in zip(record["posts"], tags, strict=True):
                found.setdefault(hide_tags(post, rng, rate=1.0), tuple(own))
        if len(found) < 2:
            raise ValueError("retrieval needs two different posts or more")
        return cls(tuple(found), tuple(found.values()))

    def measure(self, embed: Embed) -> Measured:
        """Return "precision@1"; observations are posts."""
        nearest = nearest_other(checked_vectors(embed, self.texts()))
        pairs = zip(nearest, self.tags, strict=True)
        right = np.array([not set(own).isdisjoint(self.tags[i]) for i, own in pairs], float)
        return Measured({"precision@1": right.mean()}, Observations((right,)))


def similarity_of_years(vectors: Sequence[Any]) -> np.ndarray:
    """Return how near the texts of each year are to those of each other, float [Y, Y].

        SIM_jk = mean over texts a of year j of max over texts b of year k of cos(a, b)

    Between a year and itself a text is its own nearest, so that the diagonal is 1. Source:
    HEADLINES (Silcock and Dell 2023, arXiv 2306.17810), on change over time.

    Args:
        vectors: of each year, [N_y, D], arrays or sparse ones.
    """

    def nearest(a: Any, b: Any) -> float:
        blocks = (a[start : start + _BLOCK] for start in range(0, a.shape[0], _BLOCK))
        return float(np.concatenate([cosine_matrix(x, b).max(axis=1) for x in blocks]).mean())

    return np.array([[nearest(a, b) for b in vectors] for a in vectors])
