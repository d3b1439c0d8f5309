"""TDmatch: tuples of a table and texts in one graph, whose random walks are pairs.

Source: Ahmadi, Sand and Papotti 2022 (arXiv 2112.08776). No label says which text belongs to which
tuple: they are near in the graph by the words that they share.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from pixel_linguist.data.example import padded
from pixel_linguist.data.records import Record, id_of, read_rows, text_of

# Kinds of nodes; all but terms are metadata.
TERM, TUPLE, TEXT, COLUMN = range(4)
_STOP = """about after all also an and any are as at be been but by can could did do does for from
had has have he her his how if in into is it its just me more most my no not of on one only or other
our out over she so some such than that the their them then there these they this to up us was we
were what when where which who will with would you your"""
STOP_WORDS = frozenset(_STOP.split())
# Pairs whose shortest paths are sought at once.
_BLOCK = 256
# Significant digits to which numbers are rounded.
_DIGITS = 3
_WORD = re.compile(r"\d+(?:\.\d+)?(?!\w)|\w+")
_BRACKETED = re.compile(r"(\w[^\[\],]*)\[([^\]]*)\]")


def cells(record: str) -> dict[str, str]:
    """Return name → value of "name: value; name: value" or "name[value], name[value]".

    Names are in lower case, their words apart; empty cells are left out. A text of neither form has
    none.
    """
    if record.rstrip().endswith("]"):
        pairs = _BRACKETED.findall(record)
    elif re.match(r"\w+:", record):
        fields = re.split(r";\s*(?=\w+:)", record)
        pairs = [field.split(":", 1) for field in fields if ":" in field]
    else:
        return {}
    names = (re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ") for name, _ in pairs)
    found = zip(names, (value.strip() for _, value in pairs), strict=True)
    return {name.strip().lower(): value for name, value in found if value}


def written(record: str) -> str:
    """Return a record as it is drawn, "name: value; name: value", or a text as it is."""
    return "; ".join(f"{name}: {value}" for name, value in cells(record).items()) or record


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without stop words and words of one letter.

    Numbers are rounded to three significant digits, so that near ones are one word.
    """
    return [
        np.format_float_positional(float(word), _DIGITS, fractional=False, trim="-")
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", word)
        else word
        for word in _WORD.findall(text.lower())
        if len(word) > 1 and word not in STOP_WORDS
    ]


def terms(text: str, longest: int) -> list[str]:
    """Return the n-grams of 1 to `longest` words of a text, as `words_of` gives them."""
    words = words_of(text)
    sizes = range(1, longest + 1)
    return [" ".join(words[i : i + n]) for n in sizes for i in range(len(words) - n + 1)]


@dataclasses.dataclass(frozen=True)
class Graph:
    """An undirected graph of V nodes.

    Attributes:
        nodes: (kind, label) of each, all different.
        starts: int64 [V + 1], where each node's neighbours begin in `ends`.
        ends: int64 [2 E], neighbours.
    """

    nodes: tuple[tuple[int, str], ...]
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, nodes: Sequence[tuple[int, str]], edges: np.ndarray) -> "Graph":
        """Make the graph of nodes and int [E, 2] edges, which are taken once and both ways."""
        both = np.concatenate([edges, edges[:, ::-1]]).reshape(-1, 2)
        both = np.unique(both, axis=0)
        starts = np.searchsorted(both[:, 0], np.arange(len(nodes) + 1))
        return cls(tuple(nodes), starts, both[:, 1])

    @property
    def edges(self) -> np.ndarray:
        """Return each edge both ways: int [2 E, 2]."""
        return np.stack([np.repeat(np.arange(len(self.nodes)), self.degrees), self.ends], axis=1)

    @property
    def degrees(self) -> np.ndarray:
        """Return the number of neighbours of each node."""
        return np.diff(self.starts)

    def of_kind(self, *kinds: int) -> np.ndarray:
        """Return the nodes of some kinds that have neighbours."""
        wanted = np.array([kind in kinds for kind, _ in self.nodes], bool)
        return np.flatnonzero(wanted & (self.degrees > 0))

    def distances(self, nodes: Sequence[int]) -> np.ndarray:
        """Return the shortest path's length from some nodes to each, -1 without: int8 [N, V]."""
        near = sparse.csr_array(
            (np.ones(len(self.ends), np.float32), self.ends, self.starts),
            shape=(len(self.nodes), len(self.nodes)),
        )
        found = np.full((len(self.nodes), len(nodes)), -1, np.int8)
        found[nodes, np.arange(len(nodes))] = steps = 0
        while (front := found == steps).any():
            steps += 1
            found[(near @ front.astype(np.float32) > 0) & (found < 0)] = steps
        return found.T

    def walk(self, node: int, steps: int, rng: np.random.Generator) -> np.ndarray:
        """Return the nodes of a walk, each next one uniform among neighbours: int [steps + 1]."""
        walk = [node]
        for draw in rng.random(steps):
            first, last = self.starts[walk[-1]], self.starts[walk[-1] + 1]
            walk.append(int(self.ends[first + int(draw * (last - first))]))
        return np.array(walk)


def build(
    records: Iterable[str],
    texts: Iterable[str],
    *,
    longest: int,
    alike: Iterable[Sequence[str]] = (),
) -> Graph:
    """Join each tuple, and each column, with the terms of its cells, and texts with these terms.

    Terms that no tuple has are left out. A record without cells is a text, which has terms and no
    columns; one without terms has no neighbours.

    Args:
        records: tuples; equal ones are one.
        texts: equal ones are one.
        longest: words of the longest n-grams.
        alike: sets of terms of an outside source, such as synonyms. A term of a tuple is joined
            with those of its sets, before texts are, so that a text that has a synonym alone is
            joined too. Afterwards nodes of degree < 2 go, until there are none.
    """
    number: dict[tuple[int, str], int] = {}
    edges: list[tuple[int, int]] = []

    def node(kind: int, label: str) -> int:
        return number.setdefault((kind, label), len(number))

    for record in dict.fromkeys(records):
        own = node(TUPLE, written(record))
        for name, value in (cells(record) or {"": record}).items():
            for term in terms(value, longest):
                edges.append((own, node(TERM, term)))
                if name:
                    edges.append((node(COLUMN, name), edges[-1][1]))
    before, expanded = set(number), False
    for together in alike:
        expanded, entries = True, [(TERM, term) for term in dict.fromkeys(together)]
        for known in before.intersection(entries):
            edges += [(number[known], node(*other)) for other in entries if other != known]
    for text in dict.fromkeys(texts):
        own = node(TEXT, text)
        known_terms = (number.get((TERM, term)) for term in terms(text, longest))
        edges += [(own, other) for other in known_terms if other is not None]
    graph = Graph.of(tuple(number), np.array(edges, int).reshape(-1, 2))
    return without_loose_nodes(graph) if expanded else graph


def without_loose_nodes(graph: Graph) -> Graph:
    """Drop nodes of degree < 2 until there are none."""
    while (graph.degrees < 2).any():
        kept = np.flatnonzero(graph.degrees >= 2)
        place = np.full(len(graph.nodes), -1)
        place[kept] = np.arange(len(kept))
        left = place[graph.edges]
        graph = Graph.of([graph.nodes[i] for i in kept], left[(left >= 0).all(axis=1)])
    return graph


def compress(graph: Graph, pairs: Sequence[tuple[int, int]]) -> Graph:
    """Return the graph of all shortest paths between pairs of nodes (MSP); nodes keep numbers."""
    one, other = graph.edges.T
    kept = np.zeros(len(one), bool)
    for start in range(0, len(pairs), _BLOCK):
        firsts, seconds = zip(*pairs[start : start + _BLOCK], strict=True)
        for there, back, end in zip(
            graph.distances(firsts), graph.distances(seconds), seconds, strict=True
        ):
            on_path = there[one] + 1 + back[other] == there[end]
            kept |= on_path & (there[one] >= 0) & (back[other] >= 0)
    return Graph.of(graph.nodes, graph.edges[kept])


@dataclasses.dataclass(frozen=True)
class Walks:
    """Pairs of nodes near each other on random walks; a record depends on (seed, index) alone.

    Attributes:
        graph: that is walked, from tuples, texts and columns.
        count: walks from each.
        steps: of a walk.
        window: steps that a pair is apart at most.
        weights: of pairs of two terms, of a term and metadata, of two of metadata. The first are
            most of a walk, and teach terms alone.
        seed: of walks.
    """

    graph: Graph
    count: int
    steps: int
    window: int
    weights: tuple[float, float, float]
    seed: int

    def __post_init__(self) -> None:
        for name in ("count", "steps", "window"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if len(self.weights) != 3 or min(self.weights) < 0 or not self.weights[1]:
            raise ValueError(
                f"weights is {self.weights}; it must be three numbers from 0, the second above it"
            )
        if not len(self._starts):
            raise ValueError("the tuples have no terms: all their cells are empty, or stop words")

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        return self.graph.of_kind(TUPLE, TEXT, COLUMN)

    @functools.cached_property
    def _kinds(self) -> np.ndarray:
        return np.array([kind for kind, _ in self.graph.nodes])

    def __len__(self) -> int:
        return self.count * len(self._starts)

    def __getitem__(self, index: int) -> Record:
        """Return the labels {"first", "second"}, "kind" (the number of metadata) and "group".

        The group is the tuples and texts on the way between the two, so that examples of one are no
        negatives of each other: int [window + 1], -1 padded.
        """
        rng = np.random.default_rng([self.seed, index])
        start = int(self._starts[index % len(self._starts)])
        walk = self.graph.walk(start, self.steps, rng)
        first, last = np.triu_indices(len(walk), 1)
        near = (last - first <= self.window) & (walk[first] != walk[last])
        first, last = first[near], last[near]
        kinds = np.add(*(self._kinds[walk[ends]] != TERM for ends in (first, last)), dtype=int)
        sums = np.cumsum(np.take(self.weights, kinds))
        drawn = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
        way = walk[first[drawn] : last[drawn] + 1]
        group = sorted({*way[np.isin(self._kinds[way], (TUPLE, TEXT))].tolist()})
        first_label, second_label = (self.graph.nodes[v][1] for v in (way[0], way[-1]))
        facts = {"kind": int(kinds[drawn]), "group": padded(group, self.window + 1)}
        return {"first": first_label, "second": second_label, **facts}


def walks(
    root: Path,
    *,
    paths: Mapping[str, str],
    columns: Mapping[str, str],
    longest: int = 3,
    compressed: int = 0,
    count: int = 10,
    steps: int = 25,
    window: int = 3,
    weights: Sequence[float] = (0.1, 1.0, 1.0),
    seed: int = 0,
) -> Walks:
    """Walk the graph of two tables, or of two columns of one.

    Args:
        paths: "tuples" and "texts", of tables; with "synonyms", one whose cells hold terms alike,
            separated by bars, the graph is expanded.
        columns: of each of these tables.
        longest: words of the longest n-grams.
        compressed: random pairs of a tuple and a text whose shortest paths are kept; 0: all of the
            graph. The paper draws a quarter as many as there are nodes.
        seed: of pairs that are kept, and of walks.

    The other arguments are those of `Walks`.

    Raises:
        ValueError: for a missing table, an impossible number, or if tuples have no terms.
    """
    if missing := {"tuples", "texts", *paths} - {*paths} | {*paths} - {*columns}:
        raise ValueError(f"paths and columns need {', '.join(sorted(missing))}")
    table = {
        name: [
            text_of(row, columns[name], where)
            for row, where in read_rows(root, path, (columns[name],))
        ]
        for name, path in paths.items()
    }
    entries = (cell.split("|") for cell in table.get("synonyms", ()))
    graph = build(
        table["tuples"],
        table["texts"],
        longest=longest,
        alike=([" ".join(words_of(entry)) for entry in cell] for cell in entries),
    )
    if compressed:
        rng, ends = np.random.default_rng(seed), [graph.of_kind(kind) for kind in (TUPLE, TEXT)]
        if all(map(len, ends)):
            drawn = (rng.choice(nodes, compressed).tolist() for nodes in ends)
            graph = compress(graph, list(zip(*drawn, strict=True)))
    a, b, c = weights
    return Walks(graph, count, steps, window, (a, b, c), seed)


def tuples(root: Path, *, path: str, record: str, text: str, every: int = 1) -> list[Record]:
    """Return {"record", "text"} of a table of tuples and texts, records as they are drawn.

    Args:
        record: column of tuples.
        text: column of texts.
        every: 1 in so many distinct tuples is taken, with all its texts.
    """
    found: dict[str, list[str]] = {}
    for row, where in read_rows(root, path, (record, text)):
        found.setdefault(written(text_of(row, record, where)), []).append(text_of(row, text, where))
    kept = list(found.items())[::every]
    return [{"record": one, "text": other} for one, others in kept for other in others]


def entity_pairs(root: Path, *, folder: str, split: str) -> list[Record]:
    """Return {"sentence1", "sentence2", "label"} of labelled pairs of entries of two tables.

    The folder has left.tsv and right.tsv (id, record), and SPLIT.tsv (label, left, right).

    Raises:
        ValueError: for an unknown id.
    """
    sides = {
        side: {
            id_of(row, "id", where): written(text_of(row, "record", where))
            for row, where in read_rows(root, str(Path(folder, f"{side}.tsv")), ("id", "record"))
        }
        for side in ("left", "right")
    }
    records = []
    for row, where in read_rows(
        root, str(Path(folder, f"{split}.tsv")), ("label", "left", "right")
    ):
        ids = [id_of(row, side, where) for side in sides]
        if unknown := [i for i, side in zip(ids, sides, strict=True) if i not in sides[side]]:
            raise ValueError(f"{where}: there is no entry {', '.join(unknown)}")
        first, second = (sides[side][i] for i, side in zip(ids, sides, strict=True))
        records.append({"sentence1": first, "sentence2": second, "label": row["label"]})
    return records
