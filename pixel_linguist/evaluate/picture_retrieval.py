"""Retrieval between pictures and captions: is the right one among the first?"""

import dataclasses
from math import comb
from typing import ClassVar

import numpy as np

from pixel_linguist.data.example import Content
from pixel_linguist.data.records import Source
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.columns import read_column, read_texts
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task

CUTS = (1, 5, 10)


@dataclasses.dataclass(frozen=True, eq=False)
class PictureRetrieval(Task):
    """Recall at 1, 5 and 10 of ranking captions for pictures, and the reverse, by cosine.

    R@k is the share of queries with a right answer among the first k, as image-caption retrieval
    reports it (Karpathy and Fei-Fei 2015, arXiv 1412.2306, section 4.2). Of pictures with equal
    captions, each is right for all of them. An answer of the same score as a right one ranks
    before it, so that constant embeddings find nothing.
    """

    pictures: tuple[np.ndarray, ...]
    captions: tuple[str, ...]

    metric: ClassVar[str] = "recall@10"

    @classmethod
    def from_source(
        cls, source: Source, *, picture: str = "picture", caption: str = "name"
    ) -> "PictureRetrieval":
        """Read records with a column of pictures and one of captions.

        Bars in a caption, which separate the entries of a list, are read as commas.
        """
        captions = read_texts(source, caption, "record of a picture")
        return cls(
            tuple(read_column(source, picture, "record of a picture")),
            tuple(text.replace("|", ", ") for text in captions),
        )

    def texts(self) -> list[str]:
        """Return the captions."""
        return list(self.captions)

    def contents(self) -> list[Content]:
        """Return pictures and captions."""
        return [*self.pictures, *self.captions]

    def attacked(self, attack: Attack) -> "PictureRetrieval":
        """Return the task with every caption perturbed."""
        attacked = dict(zip(self.captions, attack(self.captions), strict=True))
        return dataclasses.replace(self, captions=tuple(attacked[text] for text in self.captions))

    def measure(self, embed: Embed) -> Measured:
        """Return "recall@K", the mean of "picture_to_text@K" and "text_to_picture@K".

        "chance@K" is the recall of a random order. The observation of a pair is the share of the
        two directions in which it was found among the first 10.
        """
        vectors = checked_vectors(embed, self.contents())
        count = len(self.pictures)
        cosines = cosine_matrix(vectors[:count], vectors[count:])
        number = {text: place for place, text in enumerate(dict.fromkeys(self.captions))}
        ids = np.array([number[text] for text in self.captions])
        right = ids[:, None] == ids
        ranks = {
            "picture_to_text": first_ranks(cosines, right),
            "text_to_picture": first_ranks(cosines.T, right),
        }
        scores = {}
        for cut in CUTS:
            found = {f"{way}@{cut}": float((rank <= cut).mean()) for way, rank in ranks.items()}
            scores[f"recall@{cut}"] = float(np.mean(list(found.values())))
            chance = [chance_recall(count, own, cut) for own in right.sum(axis=1).tolist()]
            scores |= {**found, f"chance@{cut}": float(np.mean(chance))}
        within = np.mean([rank <= CUTS[-1] for rank in ranks.values()], axis=0)
        return Measured(scores, Observations((within,), mean))


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
