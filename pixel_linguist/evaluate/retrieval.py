"""Retrieval: are the documents that answer a query ranked first?"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pixel_linguist.data.sources import column, read_lines, read_table
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Change

CUT = 10
RECALL_CUTS = (1, 5, 10, 100)
# Queries whose scores are held at once.
BLOCK = 128


@dataclasses.dataclass(frozen=True)
class Retrieval:
    """nDCG, recall, reciprocal rank and average precision of ranking documents by cosine.

    The figures of trec_eval, which BEIR (Thakur et al. 2021, arXiv 2104.08663) and MTEB report:
    the gain is the grade, documents that are not judged are wrong, equal scores (float32) rank by
    id, the greater first.

    Attributes:
        corpus: document id → text.
        queries: query id → text, of those that have judgements.
        judgements: query id → document id → grade; above 0 is relevant.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]
    metric: str = "ndcg@10"

    @classmethod
    def from_folder(cls, folder: Path, *, split: str = "test") -> "Retrieval":
        """Read a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

        A document's text is its title and its text, as in BEIR.

        Raises:
            FileNotFoundError: for a missing file.
            ValueError: naming file and line, for what is not JSON, a missing column, an id that
                occurs twice, a grade that is no whole number, a judgement of an unknown query or
                document; for a corpus or judgements without any.
        """
        corpus = _read_texts(folder / "corpus.jsonl", titled=True)
        queries = _read_texts(folder / "queries.jsonl", titled=False)
        path = folder / "qrels" / f"{split}.tsv"
        judgements: dict[str, dict[str, int]] = {}
        for line, row in enumerate(read_table(path), start=2):
            where = f"{path}, line {line}"
            query, document, grade = (
                column(row, name, where) for name in ("query-id", "corpus-id", "score")
            )
            for name, known, kind in ((query, queries, "query"), (document, corpus, "document")):
                if name not in known:
                    raise ValueError(f"{where}: there is no {kind} {name!r}")
            try:
                judgements.setdefault(query, {})[document] = int(grade)
            except ValueError:
                raise ValueError(f"{where}: the grade {grade!r} is not a whole number") from None
        return cls(corpus, {name: queries[name] for name in judgements}, judgements)

    def texts(self) -> list[str]:
        """Return queries and documents."""
        return [*self.queries.values(), *self.corpus.values()]

    def changed(self, change: Change) -> "Retrieval":
        """Return the task with every query changed."""
        texts = change(tuple(self.queries.values()))
        return dataclasses.replace(self, queries=dict(zip(self.queries, texts, strict=True)))

    def observe(self, embed: Embed) -> Observations:
        """Return nDCG@10 of each query."""
        return Observations((np.array([found["ndcg@10"] for found in self._each(embed)]),), mean)

    def score(self, embed: Embed) -> dict[str, float]:
        """Return means over queries: "ndcg@10", "recall@1" (5, 10, 100), "mrr@10", "map"."""
        each = self._each(embed)
        return {name: float(np.mean([found[name] for found in each])) for name in each[0]}

    def _each(self, embed: Embed) -> list[dict[str, float]]:
        """Measure every query."""
        vectors = checked_vectors(embed, self.texts())
        queries, documents = vectors[: len(self.queries)], vectors[len(self.queries) :]
        places = {name: place for place, name in enumerate(self.corpus)}
        # The order of ids from the greatest down, which decides between equal scores.
        order = np.empty(len(places), int)
        order[sorted(range(len(places)), key=list(places).__getitem__, reverse=True)] = range(
            len(places)
        )
        found = []
        names = list(self.queries)
        for start in range(0, len(names), BLOCK):
            block = cosine_matrix(queries[start : start + BLOCK], documents).astype(np.float32)
            for name, scores in zip(names[start : start + BLOCK], block, strict=True):
                judged = self.judgements[name]
                relevant = {places[document]: grade for document, grade in judged.items()}
                found.append(_measure(scores, order, relevant))
        return found


def _read_texts(path: Path, *, titled: bool) -> dict[str, str]:
    """Read BEIR's JSONL: id → text, after its title if it has one."""
    texts: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        where = f"{path}, line {number}"
        try:
            record: Any = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where}: not JSON: {error}") from error
        name = str(column(record, "_id", where))
        if name in texts:
            raise ValueError(f"{where}: the id {name!r} occurred before")
        title = record.get("title", "") if titled else ""
        texts[name] = f"{title} {column(record, 'text', where)}".strip()
    if not texts:
        raise ValueError(f"{path} is empty")
    return texts


def _measure(scores: np.ndarray, order: np.ndarray, grades: Mapping[int, int]) -> dict[str, float]:
    """Measure one query, from the ranks of its relevant documents alone.

    Args:
        scores: float32 [M] of all documents.
        order: int [M]; of documents with equal scores, the lower ranks first.
        grades: document → grade.
    """
    relevant = [document for document, grade in grades.items() if grade > 0]
    above = [
        np.count_nonzero(scores > scores[document])
        + np.count_nonzero((scores == scores[document]) & (order < order[document]))
        for document in relevant
    ]
    gained = np.array([grades[document] for document in relevant], float)
    ranks = 1 + np.array(above, float)
    by_rank = np.sort(ranks)
    ideal = _discounted(np.sort(gained)[::-1], np.arange(1, len(gained) + 1))
    count = max(len(relevant), 1)
    first = by_rank[0] if len(by_rank) else np.inf
    return {
        "ndcg@10": _discounted(gained, ranks) / ideal if ideal else 0.0,
        **{f"recall@{cut}": float((ranks <= cut).sum() / count) for cut in RECALL_CUTS},
        "mrr@10": float(1 / first) if first <= CUT else 0.0,
        "map": float((np.arange(1, len(by_rank) + 1) / by_rank).sum() / count),
    }


def _discounted(gained: np.ndarray, ranks: np.ndarray) -> float:
    """Return the discounted cumulative gain of what ranks among the first ten."""
    return float((gained / np.log2(ranks + 1))[ranks <= CUT].sum())
