"""Retrieval: are the documents that answer a query ranked first?"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from pixel_linguist.data.records import column, open_records, text_of
from pixel_linguist.evaluate.bootstrap import Observations, mean
from pixel_linguist.evaluate.similarity import Embed, checked_vectors, cosine_matrix
from pixel_linguist.evaluate.suite import Attack, Measured, Task

# Ranks at which nDCG and the reciprocal rank, and at which recall, are cut.
CUT = 10
RECALL_CUTS = (1, 5, 10, 100)
# Queries scored at once, which bounds memory.
BLOCK = 128


@dataclasses.dataclass(frozen=True)
class Retrieval(Task):
    """nDCG, recall, reciprocal rank and average precision of ranking documents by cosine.

    Measures of trec_eval, as BEIR (Thakur et al. 2021, arXiv 2104.08663) and MTEB report them: the
    gain is the grade, documents without a judgement are not relevant, and among equal scores
    (float32) the greater document id comes first.

    Attributes:
        corpus: document id → text.
        queries: query id → text; each has judgements.
        judgements: query id → document id → grade; above 0 is relevant.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]

    metric: ClassVar[str] = "ndcg@10"

    @classmethod
    def from_folder(cls, folder: Path, *, split: str = "test") -> "Retrieval":
        """Read a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

        As in BEIR, a document's text is its title followed by its text.

        Raises:
            FileNotFoundError: for a missing file.
            ValueError: naming file and line, for a line that is not JSON, a missing column, a
                repeated id, a grade that is not an integer, or a judgement of an unknown query or
                document; for an empty file.
        """
        corpus = _read_texts(folder / "corpus.jsonl", titled=True)
        queries = _read_texts(folder / "queries.jsonl", titled=False)
        judgements: dict[str, dict[str, int]] = {}
        for row, where in open_records(folder / "qrels" / f"{split}.tsv"):
            query, document, grade = (
                column(row, name, where) for name in ("query-id", "corpus-id", "score")
            )
            for name, known, kind in ((query, queries, "query"), (document, corpus, "document")):
                if name not in known:
                    raise ValueError(f"{where}: there is no {kind} {name!r}")
            try:
                judgements.setdefault(query, {})[document] = int(grade)
            except ValueError:
                raise ValueError(f"{where}: the grade {grade!r} is not an integer") from None
        return cls(corpus, {name: queries[name] for name in judgements}, judgements)

    def texts(self) -> list[str]:
        """Return queries and documents."""
        return [*self.queries.values(), *self.corpus.values()]

    def attacked(self, attack: Attack) -> "Retrieval":
        """Return the task with every query perturbed."""
        texts = attack(tuple(self.queries.values()))
        return dataclasses.replace(self, queries=dict(zip(self.queries, texts, strict=True)))

    def measure(self, embed: Embed) -> Measured:
        """Return means over queries of `rank_measures`; observations are each query's nDCG@10."""
        vectors = checked_vectors(embed, self.texts())
        queries, documents = vectors[: len(self.queries)], vectors[len(self.queries) :]
        places = {name: place for place, name in enumerate(self.corpus)}
        priority = np.empty(len(places), int)
        priority[sorted(places.values(), key=list(places).__getitem__)] = range(len(places))
        each = []
        names = list(self.queries)
        for start in range(0, len(names), BLOCK):
            block = cosine_matrix(queries[start : start + BLOCK], documents).astype(np.float32)
            for name, scores in zip(names[start : start + BLOCK], block, strict=True):
                grades = {places[key]: grade for key, grade in self.judgements[name].items()}
                each.append(rank_measures(scores, grades, priority))
        values = {name: np.array([found[name] for found in each]) for name in each[0]}
        return Measured(
            {name: float(value.mean()) for name, value in values.items()},
            Observations((values[self.metric],), mean),
        )


def rank_measures(
    scores: np.ndarray, grades: Mapping[int, int], priority: np.ndarray
) -> dict[str, float]:
    """Measure the ranking of M documents for one query.

    Args:
        scores: float [M], the greatest ranks first.
        grades: document → grade, of the judged documents; above 0 is relevant.
        priority: int [M], all different; of documents of equal score, the greater ranks first.

    Returns:
        "ndcg@10", "recall@1" (5, 10, 100), "mrr@10" (the reciprocal rank of the first relevant
        document, 0 below rank 10) and "map" (average precision), in [0, 1]; 0 without a relevant
        document.
    """
    relevant = [document for document, grade in grades.items() if grade > 0]
    above = [
        np.count_nonzero(scores > scores[document])
        + np.count_nonzero((scores == scores[document]) & (priority > priority[document]))
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
    """Return the discounted cumulative gain of the first ten ranks."""
    return float((gained / np.log2(ranks + 1))[ranks <= CUT].sum())


def _read_texts(path: Path, *, titled: bool) -> dict[str, str]:
    """Read BEIR's JSONL: id → text, preceded by its title if it has one."""
    texts: dict[str, str] = {}
    for record, where in open_records(path):
        name = str(column(record, "_id", where))
        if name in texts:
            raise ValueError(f"{where}: the id {name!r} is repeated")
        title = record.get("title", "") if titled else ""
        texts[name] = f"{title} {text_of(record, 'text', where)}".strip()
    return texts
