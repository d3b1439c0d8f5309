"""Retrieval between pictures and captions, among pictures of a class, and classes by name."""

import dataclasses
from collections.abc import Sequence
from math import comb
from typing import Any, ClassVar

import numpy as np

from pixel_linguist.data.example import Content
from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.classification import nearest_votes
from pixel_linguist.evaluate.columns import read_column, read_texts
from pixel_linguist.evaluate.retrieval import rank_measures
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task

CUTS = (1, 5, 10)


@dataclasses.dataclass(frozen=True, eq=False)
class PictureRetrieval(Task):
    """Recall at 1, 5 and 10 of ranking captions for pictures, and the reverse, by cosine.

    R@k is the share of queries with a right answer among the first k, as image-caption retrieval
    reports it (Karpathy and Fei-Fei 2015, arXiv 1412.2306, section 4.2). Of pictures with equal
    captions, each is right for all of them. An answer of the same score as a right one ranks
    before it, so that constant embeddings find nothing. With classes, the names of those of the N
    pictures, `class_scores` are measured too.
    """

    pictures: tuple[np.ndarray, ...]
    captions: tuple[str, ...]
    classes: tuple[str, ...] = ()

    metric: ClassVar[str] = "recall@10"

    @classmethod
    def from_source(
        cls,
        source: Source,
        *,
        picture: str = "picture",
        caption: str = "name",
        classes: str | None = None,
    ) -> "PictureRetrieval":
        """Read records with a column of pictures and one of captions, and one of classes.

        Bars in a caption, which separate the entries of a list, are read as commas.

        Raises:
            ValueError: for a missing column, or a class without a name.
        """
        named = read_texts(source, classes, "record of a picture") if classes else ()
        if not all(name.strip() for name in named):
            raise ValueError(f"a picture's {classes} has no name")
        captions = read_texts(source, caption, "record of a picture")
        return cls(
            tuple(read_column(source, picture, "record of a picture")),
            tuple(text.replace("|", ", ") for text in captions),
            named,
        )

    def texts(self) -> list[str]:
        """Return the captions, and the names of classes."""
        return [*self.captions, *dict.fromkeys(self.classes)]

    def contents(self) -> list[Content]:
        """Return pictures and captions."""
        return [*self.pictures, *self.texts()]

    def attacked(self, attack: Attack) -> "PictureRetrieval":
        """Return the task with every caption perturbed."""
        attacked = dict(zip(self.captions, attack(self.captions), strict=True))
        return dataclasses.replace(self, captions=tuple(attacked[text] for text in self.captions))

    def measure(self, embed: Embed) -> Measured:
        """Return "recall@K", the mean of "picture_to_text@K" and "text_to_picture@K".

        "chance@K" is the recall of a random order. The observation of a pair is the share of the
        two directions in which it was found among the first 10. With classes there are the scores
        of `class_scores` too.
        """
        vectors = checked_vectors(embed, self.contents())
        count = len(self.pictures)
        cosines = cosine_matrix(vectors[:count], vectors[count : 2 * count])
        _, ids = np.unique(self.captions, return_inverse=True)
        right = ids[:, None] == ids
        ranks = {
            "picture_to_text": first_ranks(cosines, right),
            "text_to_picture": first_ranks(cosines.T, right),
        }
        scores: dict[str, Any] = {}
        for cut in CUTS:
            found = {f"{way}@{cut}": (rank <= cut).mean() for way, rank in ranks.items()}
            chance = [chance_recall(count, own, cut) for own in right.sum(axis=1).tolist()]
            scores[f"recall@{cut}"] = np.mean([*found.values()])
            scores |= {**found, f"chance@{cut}": np.mean(chance)}
        if self.classes:
            scores |= class_scores(vectors[:count], vectors[2 * count :], self.classes)
        within = np.mean([rank <= CUTS[-1] for rank in ranks.values()], axis=0)
        return Measured(scores, Observations((within,)))


def class_scores(
    pictures: np.ndarray, names: np.ndarray, classes: Sequence[str]
) -> dict[str, float]:
    """Measure pictures by their classes.

    Args:
        pictures: float [N, D].
        names: float [C, D], of the distinct classes in the order of their first picture.
        classes: of the pictures.

    Returns:
        "picture_map", the mean average precision of the other pictures of a picture's class among
        all others, over pictures that have one; "knn_accuracy", of the class of most of the five
        nearest other pictures, of ties the nearest's; "zero_shot", how often the nearest name is
        that of the class.
    """
    places = list(dict.fromkeys(classes))
    own = np.array([places.index(name) for name in classes])
    cosines = cosine_matrix(pictures, pictures)
    np.fill_diagonal(cosines, -np.inf)
    priority = np.arange(len(own))[::-1]
    precision = []
    for row, scores in enumerate(cosines):
        alike = np.flatnonzero((own == own[row]) & (np.arange(len(own)) != row))
        if len(alike):
            grades = dict.fromkeys(alike.tolist(), 1)
            precision.append(rank_measures(scores, grades, priority)["map"])
    return {
        "picture_map": float(np.mean(precision)) if precision else 0.0,
        "knn_accuracy": (nearest_votes(cosines, own.tolist()) == own).mean(),
        "zero_shot": (cosine_matrix(pictures, names).argmax(axis=1) == own).mean(),
    }


def first_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the rank of each query's first right answer, from 1 on.

    Args:
        scores: float [N, M], of each query with each answer.
        right: bool [N, M], with a right answer in every row.
    """
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return 1 + ((scores >= best) & ~right).sum(axis=1)


def chance_recall(answers: int, right: int, cut: int) -> float:
    """Return the probability that a random order has a right answer among the first `cut`."""
    return 1 - comb(answers - right, min(cut, answers)) / comb(answers, min(cut, answers))
