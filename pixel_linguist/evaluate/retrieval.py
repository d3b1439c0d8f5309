"""Retrieval: are the documents that answer a query ranked first?"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from pixel_linguist.data.records import Source, column, id_of, open_records, text_of
from pixel_linguist.evaluate.bootstrap import Observations
from pixel_linguist.evaluate.similarity import Embed, cosine_matrix, unit_rows
from pixel_linguist.evaluate.suite import Attack, Measured, Task
from pixel_linguist.model.words import NOTHING, sparsify

# Ranks at which nDCG and the reciprocal rank, recall, average precision and success are cut.
CUT = 10
RECALL_CUTS = (1, 5, 10, 100)
MAP_CUTS, HIT_CUTS = (5, 20), (1, 5, 20)
# Queries scored at once, which bounds memory.
BLOCK = 128


@dataclasses.dataclass(frozen=True)
class JoinedRelevance:
    """Sentence and words, each scaled to length 1 apart; documents keep few words, queries all.

        relevance(q, d) = (1 - w) * cos(h_q, h_d) + w * m_q . cut(m_d) / (|m_q| |cut(m_d)|)

    where an embedding is h, of the sentence, then m, a number for each bucket of words; `cut` sets
    all but the highest of m to 0, and w is `word_weight`: 0 is the sentence alone, 1 the words.
    The model is to give all of m: `model.top_words` equals `model.word_buckets`.

    Source: DupMAE (Xiao et al. 2023, arXiv 2305.02564), equation 12, which adds plain products and
    learns from labels what they weigh.

    Attributes:
        width: of h.
        buckets: of m. Vectors that are not float [N, width + buckets], such as those of TF-IDF in
            the same table, stay as they are.
        top_words: of a document that are kept.
        word_weight: w, in [0, 1].
    """

    width: int
    buckets: int
    top_words: int
    word_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.top_words <= self.buckets or not 0 <= self.word_weight <= 1:
            raise ValueError(
                f"relevance.top_words is {self.top_words} and word_weight {self.word_weight}; they "
                f"must be 1 to {self.buckets}, the buckets, and in [0, 1]"
            )

    def scale(self, vectors: Any, *, cut: bool) -> Any:
        """Return vectors of which the relevance is the plain product, and the cosine.

        Args:
            vectors: of queries or documents, [N, any].
            cut: whether they are documents.
        """
        if vectors.shape[1] != self.width + self.buckets or not isinstance(vectors, np.ndarray):
            return vectors
        sentence, words = vectors[:, : self.width], vectors[:, self.width :]
        # Of a text without patches.
        words = np.where(words <= NOTHING, 0, words)
        if cut:
            words = np.asarray(sparsify(jnp.asarray(words), self.top_words))
        weight = self.word_weight
        parts = (1 - weight) ** 0.5 * unit_rows(sentence), weight**0.5 * unit_rows(words)
        return np.concatenate(parts, axis=1)


@dataclasses.dataclass(frozen=True)
class Retrieval(Task):
    """nDCG, recall, reciprocal rank and average precision of ranking documents by cosine.

    Measures of trec_eval, as BEIR (Thakur et al. 2021, arXiv 2104.08663) and MTEB report them: the
    gain is the grade, documents without a judgement are not relevant, and among equal scores
    (float32) the greater document id comes first. A judged document that the corpus lacks is never
    found.

    Attributes:
        corpus: document id → text.
        queries: query id → text; each has judgements.
        judgements: query id → document id → grade; above 0 is relevant.
        shared_ids: a document with the query's own id is the query itself, which does not count as
            a result (BEIR's ignore_identical_ids), as in ArguAna. None: if any query's text ends a
            document of its id; elsewhere, as in Cranfield, ids are alike by chance.
        relevance: by which documents are ranked in place of the cosine; None: the cosine.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, Mapping[str, int]]
    shared_ids: bool | None = None
    relevance: JoinedRelevance | None = None

    metric: ClassVar[str] = "ndcg@10"
    embedded: ClassVar = ("queries", "corpus")

    def __post_init__(self) -> None:
        if self.shared_ids is None:
            alike = (
                text.strip() and self.corpus[name].endswith(text.strip())
                for name, text in self.queries.items()
                if name in self.corpus
            )
            object.__setattr__(self, "shared_ids", any(alike))

    @property
    def note(self) -> str:
        """What a reader of the scores must know; "" for nothing."""
        judged = [name for grades in self.judgements.values() for name in grades]
        unknown = sum(name not in self.corpus for name in judged)
        if not unknown:
            return ""
        return (
            f"{unknown} of {len(judged)} judgements name documents that the corpus lacks; they "
            "count as never found"
        )

    @classmethod
    def from_folder(
        cls, folder: Path, *, split: str = "test", relevance: Mapping[str, Any] | None = None
    ) -> "Retrieval":
        """Read a folder in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

        As in BEIR, a document's text is its title followed by its text. `relevance` has the
        arguments of `JoinedRelevance`.

        Raises:
            FileNotFoundError: for a missing file.
            ValueError: naming file and line, for a line that is not JSON, a missing column, a
                repeated id, null in place of an id or text, a grade that is not an integer, or a
                judgement of an unknown query; for an empty file; if no judged document is in the
                corpus.
        """
        corpus = _read_texts(folder / "corpus.jsonl", titled=True)
        queries = _read_texts(folder / "queries.jsonl", titled=False)
        judgements: dict[str, dict[str, int]] = {}
        for row, where in open_records(folder / "qrels" / f"{split}.tsv"):
            query, document, grade = (
                column(row, name, where) for name in ("query-id", "corpus-id", "score")
            )
            if query not in queries:
                raise ValueError(f"{where}: there is no query {query!r}")
            judgements.setdefault(query, {})[document] = _grade(grade, where)
        if not any(name in corpus for grades in judgements.values() for name in grades):
            raise ValueError(
                f"{where}: there is no document {document!r}, nor any other judged one"
            )
        joined = JoinedRelevance(**relevance) if relevance else None
        asked = {name: queries[name] for name in judgements}
        return cls(corpus, asked, judgements, relevance=joined)

    @classmethod
    def from_source(
        cls, source: Source, *, query: str, document: str, every: int = 1
    ) -> "Retrieval":
        """Take two columns of records: the text of one is to find that of the other.

        The corpus is all distinct documents; queries are those of every so manyth record. A query
        that stands in several records has the documents of all of them.

        Raises:
            ValueError: for a missing column, or a cell that is no text.
        """
        corpus: dict[str, str] = {}
        queries: dict[str, str] = {}
        judgements: dict[str, dict[str, int]] = {}
        for number in range(len(source)):
            asked, found = (
                text_of(source[number], x, f"record {number}") for x in (query, document)
            )
            name = corpus.setdefault(found, str(len(corpus)))
            if number % every == 0:
                queries[asked] = asked
            judgements.setdefault(asked, {})[name] = 1
        documents = {name: text for text, name in corpus.items()}
        return cls(documents, queries, {name: judgements[name] for name in queries}, False)

    def attacked(self, attack: Attack) -> "Retrieval":
        """Return the task with every query perturbed."""
        texts = attack(tuple(self.queries.values()))
        return dataclasses.replace(self, queries=dict(zip(self.queries, texts, strict=True)))

    def measure(self, embed: Embed) -> Measured:
        """Return means over queries of `rank_measures`; observations are each query's nDCG@10."""
        queries, documents = self.embed_each(embed)
        if self.relevance:
            queries = self.relevance.scale(queries, cut=False)
            documents = self.relevance.scale(documents, cut=True)
        places = {name: place for place, name in enumerate(self.corpus)}
        priority = np.empty(len(places), int)
        priority[sorted(places.values(), key=list(places).__getitem__)] = range(len(places))
        each = []
        names = list(self.queries)
        for start in range(0, len(names), BLOCK):
            block = cosine_matrix(queries[start : start + BLOCK], documents).astype(np.float32)
            for name, scores in zip(names[start : start + BLOCK], block, strict=True):
                judged = dict(self.judgements[name])
                if self.shared_ids and name in places:
                    scores[places[name]] = -np.inf
                    unfound = [judged.pop(name, 0)]
                else:
                    unfound = []
                unfound += [grade for key, grade in judged.items() if key not in places]
                grades = {places[key]: grade for key, grade in judged.items() if key in places}
                each.append(rank_measures(scores, grades, priority, unfound))
        values = {name: np.array([found[name] for found in each]) for name in each[0]}
        scores = {name: value.mean() for name, value in values.items()}
        return Measured(scores, Observations((values[self.metric],)))


def rank_measures(
    scores: np.ndarray,
    grades: Mapping[int, int],
    priority: np.ndarray,
    unfound: Sequence[int] = (),
) -> dict[str, float]:
    """Measure the ranking of M documents for one query.

    Args:
        scores: float [M], the greatest ranks first.
        grades: document → grade, of the judged documents; above 0 is relevant.
        priority: int [M], all different; of documents of equal score, the greater ranks first.
        unfound: grades of judged documents that are not among the M.

    Returns:
        "ndcg@10", "recall@1" (5, 10, 100), "mrr@10" (the reciprocal rank of the first relevant
        document, 0 below rank 10), "map" (average precision; "map@5" and "map@20" count relevant
        documents up to that rank, of all), and "hit@1" (5, 20; 1 if any of these ranks is
        relevant), in [0, 1]; 0 without a relevant document.
    """
    relevant = [document for document, grade in grades.items() if grade > 0]
    above = [
        np.count_nonzero(scores > scores[document])
        + np.count_nonzero((scores == scores[document]) & (priority > priority[document]))
        for document in relevant
    ]
    lost = [grade for grade in unfound if grade > 0]
    gained = np.array([*(grades[document] for document in relevant), *lost], float)
    ranks = np.array([*(1 + number for number in above), *[np.inf] * len(lost)], float)
    by_rank = np.sort(ranks)
    ideal = _discounted(np.sort(gained)[::-1], np.arange(1, len(gained) + 1))
    count = max(len(ranks), 1)
    first = by_rank[0] if len(by_rank) else np.inf
    precision = np.arange(1, len(by_rank) + 1) / by_rank
    return {
        "ndcg@10": _discounted(gained, ranks) / ideal if ideal else 0.0,
        **{f"recall@{cut}": float((ranks <= cut).sum() / count) for cut in RECALL_CUTS},
        "mrr@10": float(1 / first) if first <= CUT else 0.0,
        "map": float(precision.sum() / count),
        **{f"map@{cut}": float(precision[by_rank <= cut].sum() / count) for cut in MAP_CUTS},
        **{f"hit@{cut}": float(first <= cut) for cut in HIT_CUTS},
    }


def _discounted(gained: np.ndarray, ranks: np.ndarray) -> float:
    """Return the discounted cumulative gain of the first ten ranks."""
    return float((gained / np.log2(ranks + 1))[ranks <= CUT].sum())


def _read_texts(path: Path, *, titled: bool) -> dict[str, str]:
    """Read BEIR's JSONL: id → text, preceded by its title if it has one."""
    texts: dict[str, str] = {}
    for record, where in open_records(path):
        name = id_of(record, "_id", where)
        if name in texts:
            raise ValueError(f"{where}: the id {name!r} is repeated")
        parts = [text_of(record, "text", where)]
        if titled and record.get("title") is not None:
            parts.insert(0, text_of(record, "title", where))
        texts[name] = " ".join(parts).strip()
    return texts


def _grade(value: Any, where: str) -> int:
    """Return a grade, which some data sets write as a decimal number ("1.0")."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not number.is_integer():
        raise ValueError(f"{where}: the grade {value!r} is not an integer")
    return int(number)
