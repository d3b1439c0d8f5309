"""An index of faiss, for a corpus that is too large for exact search."""

from pathlib import Path
from typing import Any

from pixel_linguist.search.exact import Hits, Vectors, as_vectors, check_vectors, unit


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "an index needs faiss: pip install 'pixel-linguist[search]'"
        ) from error
    return faiss


class Index:
    """Cosine search by any kind of index of faiss; its guidelines help to choose one."""

    def __init__(self, vectors: Vectors, kind: str = "HNSW32"):
        """Build the index.

        Args:
            vectors: float [N, D], at least one.
            kind: faiss's description of an index: "Flat" is exact, "HNSW32" a graph,
                "IVF1024,PQ48" clusters of compressed vectors.

        Raises:
            ValueError: if there are no vectors, one is not finite, or faiss does not know the kind.
            ModuleNotFoundError: without faiss, naming the extra.
        """
        faiss = _faiss()
        corpus = as_vectors(vectors)
        check_vectors(corpus, "the corpus")
        if len(corpus) == 0:
            raise ValueError("the corpus is empty")
        try:
            self.index = faiss.index_factory(corpus.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        except RuntimeError as error:
            raise ValueError(f"faiss knows no index {kind!r}: {error}") from error
        scaled = unit(corpus)
        self.index.train(scaled)
        self.index.add(scaled)

    def search(self, queries: Vectors, k: int) -> Hits:
        """Return the k nearest rows that the index finds; -1 stands for none."""
        rows = as_vectors(queries)
        check_vectors(rows, "queries")
        return Hits(*self.index.search(unit(rows), min(k, self.index.ntotal)))

    def save(self, path: Path) -> None:
        """Write the index into a file."""
        _faiss().write_index(self.index, str(path))

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read an index that `save` wrote."""
        if not path.is_file():
            raise FileNotFoundError(f"no index {path}")
        found = cls.__new__(cls)
        found.index = _faiss().read_index(str(path))
        return found
