"""Graphs of texts: neighbourhoods by walks with restart, written out and summarised.

Source: GraphCLIP (Zhu et al. 2025, arXiv 2410.10329), sections 4.1 and 4.2; there a language model
writes the summaries.
"""

import collections
import dataclasses
import functools
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixel_linguist.data.example import Example
from pixel_linguist.data.records import Record, Source, column, id_of, in_split, read_rows, text_of

# Words of a root's text, and the share of edges that a walk of training lacks.
_ROOT_WORDS, _DROPPED = 24, 0.2


@dataclasses.dataclass(frozen=True)
class TextGraph:
    """Texts of nodes, and for each the numbers of its neighbours, in both directions of edges."""

    texts: tuple[str, ...]
    neighbours: tuple[tuple[int, ...], ...]

    @functools.cached_property
    def rarity(self) -> dict[str, float]:
        """Word → the logarithm of the number of texts to that of texts that have it."""
        counts = collections.Counter(word for text in self.texts for word in set(words(text)))
        return {word: math.log(len(self.texts) / count) for word, count in counts.items()}


def words(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return re.findall(r"\w+", text.lower())


def walk(
    neighbours: Sequence[Sequence[int]],
    root: int,
    rng: np.random.Generator,
    *,
    steps: int = 64,
    restart: float = 0.5,
    dropped: float = 0.0,
) -> list[int]:
    """Return the nodes of a random walk with restart, the root first: int, `steps` + 1 of them.

    Each step goes back to the root with probability `restart`, else along an edge; an edge is not
    there for this walk with probability `dropped`. From a node without edges it goes to the root,
    so that the neighbourhood of an isolated node is itself.
    """
    path, left = [root], {}
    for _ in range(steps):
        here = path[-1]
        if here not in left:
            left[here] = [n for n in neighbours[here] if not dropped or rng.random() >= dropped]
        if rng.random() < restart or not left[here]:
            path.append(root)
        else:
            path.append(left[here][int(rng.integers(len(left[here])))])
    return path


def summary(graph: TextGraph, nodes: Sequence[int], size: int) -> str:
    """Return the key words of nodes together: those of the highest frequency times rarity."""
    counts = collections.Counter(word for node in nodes for word in words(graph.texts[node]))
    order = sorted(counts, key=lambda word: (-counts[word] * graph.rarity[word], word))
    return f"This group of texts is about {', '.join(order[:size])}."


def neighbourhoods(
    root: Path,
    *,
    nodes: str,
    edges: str,
    text: str = "text",
    label: str = "label",
    label_names: Sequence[str] = (),
    remainders: Sequence[int] = (),
    shots: int = 0,
) -> list[Record]:
    """Read the nodes of a graph; edges go both ways.

    Args:
        nodes: table of columns id, `text` and `label`.
        edges: table of columns source and target, ids of nodes.
        label: column of the class, a number; empty where it is not known.
        label_names: of classes by number; nodes without a class are left out. (): classes are not
            read.
        remainders: of the node's number.
        shots: nodes of each class that are taken, the first ones; 0: all.

    Returns:
        {"text", "written": the neighbourhood of a walk that never changes (see `neighbourhood`),
        "label": name of the class or None, "node", "graph"}.

    Raises:
        ValueError: for an edge to an unknown node, or a class without a name.
    """
    table = list(read_rows(root, nodes, ("id", text, label)))
    places = {id_of(row, "id", where): number for number, (row, where) in enumerate(table)}
    found: list[set[int]] = [set() for _ in table]
    for row, where in read_rows(root, edges, ("source", "target")):
        ends = [row["source"], row["target"]]
        if unknown := [end for end in ends if end not in places]:
            raise ValueError(f"{where}: there is no node {unknown[0]!r}")
        a, b = (places[end] for end in ends)
        if a != b:
            found[a].add(b)
            found[b].add(a)
    texts = tuple(text_of(row, text, where) for row, where in table)
    graph = TextGraph(texts, tuple(tuple(sorted(own)) for own in found))
    taken = collections.Counter[str]()
    records: list[Record] = []
    for number, (row, where) in enumerate(table):
        if not in_split(number, remainders):
            continue
        name = _class(row[label], label_names, where)
        taken[name] += 1
        if label_names and (not name or (shots and taken[name] > shots)):
            continue
        record = {"text": texts[number], "label": name or None, "node": number, "graph": graph}
        walked = walk(graph.neighbours, number, np.random.default_rng(number))
        records.append({**record, "written": beginnings(graph, met(walked))})
    return records


def linked(records: Source, *, text: str, by: str) -> list[Record]:
    """Make a graph of records, where those that share a value are neighbours.

    Args:
        by: column of values, which bars separate.

    Returns:
        {"text", "node", "graph"} of the records that have a neighbour.
    """
    texts, having = [], collections.defaultdict(list)
    for number in range(len(records)):
        record, where = records[number], f"record {number}"
        texts.append(text_of(record, text, where))
        for value in text_of(record, by, where).split("|"):
            having[value].append(number)
    found: list[set[int]] = [set() for _ in texts]
    for numbers in having.values():
        for number in numbers:
            found[number].update(numbers)
    neighbours = tuple(tuple(sorted(own - {n})) for n, own in enumerate(found))
    graph = TextGraph(tuple(texts), neighbours)
    nodes = [number for number, own in enumerate(neighbours) if own]
    return [{"text": texts[number], "node": number, "graph": graph} for number in nodes]


def _class(label: str, names: Sequence[str], where: str) -> str:
    """Return the name of a class, "" where it is not known or not read."""
    if not names or label in ("", None):
        return ""
    if not label.isdigit() or int(label) >= len(names) or not names[int(label)]:
        raise ValueError(f"{where}: the class {label!r} has no name among {', '.join(names)}")
    return names[int(label)]


def neighbourhood(
    record: Record,
    rng: np.random.Generator,
    *,
    others: int = 4,
    words: int = 10,
    key_words: int = 16,
) -> Example:
    """Write the neighbourhood of a node out ("anchor"), and a summary of it ("positive").

    "anchor" is the beginning of the root's text and of those of other nodes of a walk with restart,
    in the order in which it meets them; "positive" the key words of all their texts. The fact
    "group" is the root.

    Args:
        others: nodes beside the root, at most.
        words: of the text of another node than the root.
        key_words: of a summary.
    """
    if others < 0 or words < 1 or key_words < 1:
        raise ValueError(
            f"others is {others}, words {words} and key_words {key_words}; they must be at least "
            "0, 1 and 1"
        )
    graph, root = column(record, "graph"), record["node"]
    nodes = met(walk(graph.neighbours, root, rng, dropped=_DROPPED), others)
    views = {
        "anchor": beginnings(graph, nodes, words),
        "positive": summary(graph, nodes, key_words),
    }
    return Example(views, {"group": (root,)})


def met(walked: Sequence[int], others: int = 4) -> list[int]:
    """Return the root and up to `others` other nodes of a walk, in the order of its visits."""
    return list(dict.fromkeys(walked))[: others + 1]


def beginnings(graph: TextGraph, nodes: Sequence[int], words: int = 10) -> str:
    """Join the first words of nodes' texts: 24 of the first node, `words` of each other one."""
    sizes = [_ROOT_WORDS] + [words] * (len(nodes) - 1)
    parts = [graph.texts[n].split()[:size] for n, size in zip(nodes, sizes, strict=True)]
    return " ".join(word for part in parts for word in part)
