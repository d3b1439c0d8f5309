"""TDmatch's graph against edges written by hand, and its walks and shortest paths against loops."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from pixel_linguist.data.pairs import columns
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.walks import (
    COLUMN,
    TERM,
    TEXT,
    TUPLE,
    Graph,
    Walks,
    build,
    cells,
    compress,
    written,
)  # fmt: skip

WEIGHTS = (0.1, 1.0, 1.0)
RECORDS = ("name: Big Inn; price_range: 1999.0", "name[Red Inn], stars[]")
TEXTS = ("The big inn of today.", "Inn or red?", "Nothing.")


def named(graph: Graph) -> set[tuple[Any, Any]]:
    """Return a graph's edges by labels, each once."""
    return {(graph.nodes[a], graph.nodes[b]) for a, b in graph.edges.tolist() if a < b}


def random_graph(nodes: int = 60, seed: int = 0) -> Graph:
    """Return a graph in two parts of which the second is small."""
    rng = np.random.default_rng(seed)
    edges = np.concatenate([rng.integers(0, nodes - 5, (90, 2)), [[nodes - 2, nodes - 1]]])
    kinds = [TUPLE, TEXT, TERM, TERM]
    labels = [(kinds[i % 4], f"{i}") for i in range(nodes)]
    return Graph.of(labels, edges[edges[:, 0] != edges[:, 1]])


def path_lengths(graph: Graph) -> np.ndarray:
    matrix = csr_array(
        (np.ones(len(graph.ends)), graph.ends, graph.starts), shape=[len(graph.nodes)] * 2
    )
    return np.asarray(shortest_path(matrix, unweighted=True))


def test_the_graph_of_a_table_and_texts_is_that_written_by_hand() -> None:
    first, second = "name: Big Inn; price range: 1999.0", "name: Red Inn"
    assert [written(record) for record in RECORDS] == [first, second]
    assert cells(TEXTS[0]) == {} and written(TEXTS[0]) == TEXTS[0]
    expected = {
        *(((TUPLE, first), (TERM, term)) for term in ("big", "inn", "big inn", "2000")),
        *(((TUPLE, second), (TERM, term)) for term in ("red", "inn", "red inn")),
        *(((COLUMN, "name"), (TERM, t)) for t in ("big", "inn", "big inn", "red", "red inn")),
        ((COLUMN, "price range"), (TERM, "2000")),
        *(((TEXT, TEXTS[0]), (TERM, term)) for term in ("big", "inn", "big inn")),
        *(((TEXT, TEXTS[1]), (TERM, term)) for term in ("inn", "red")),
    }
    found = named(build(RECORDS, TEXTS, longest=2))
    assert {frozenset(edge) for edge in found} == {frozenset(edge) for edge in expected}


def test_expansion_joins_what_is_alike_and_leaves_no_loose_node() -> None:
    alike = [("big", "large", "great"), ("red", "pink"), ("car", "auto")]
    texts = (*TEXTS, "A large inn", "Pink", "")
    found = build(RECORDS, texts, longest=1, alike=alike)
    assert found.degrees.min() >= 2
    edges = {frozenset(edge) for edge in named(found)}
    assert {
        frozenset([(TERM, "big"), (TERM, "large")]),
        frozenset([(TERM, "large"), (TEXT, texts[3])]),
    } <= edges
    # "great" leads nowhere else, nor does "pink" with a text that has no other word.
    assert {label for kind, label in found.nodes if kind == TERM} == {"big", "inn", "red", "large"}
    assert not len(build(["a: x9"], ["none"], longest=1, alike=alike).nodes)


def test_steps_are_edges_and_visits_are_in_proportion_to_degrees() -> None:
    graph = random_graph()
    edges = set(map(tuple, graph.edges.tolist()))
    start = int(np.argmax(graph.degrees))
    walk = graph.walk(start, 100_000, np.random.default_rng(0))
    assert {*zip(walk.tolist(), walk[1:].tolist(), strict=False)} <= edges
    reached = graph.distances([start])[0] >= 0
    parts = np.array([np.bincount(p, minlength=60) / len(p) for p in np.array_split(walk, 100)])
    expected = np.where(reached, graph.degrees, 0) / graph.degrees[reached].sum()
    sigma = parts.std(axis=0) / 10
    assert (np.abs(parts.mean(axis=0) - expected) <= 4 * sigma).all()


def test_compression_keeps_the_distances_of_all_sampled_pairs() -> None:
    graph = random_graph()
    before = path_lengths(graph)
    found = graph.distances(range(60))
    np.testing.assert_array_equal(np.where(found < 0, np.inf, found), before)
    ends = [graph.of_kind(kind).tolist() for kind in (TUPLE, TEXT)]
    few = list(zip(*ends, strict=False))[:4]
    for pairs in (few, [(a, b) for a in ends[0] for b in ends[1]]):
        kept = compress(graph, pairs)
        assert named(kept) <= named(graph)
        after = path_lengths(kept)
        assert all(after[pair] == before[pair] for pair in pairs)
    assert len(compress(graph, few).ends) < len(graph.ends)


def test_a_record_is_of_its_index_alone_and_within_the_window() -> None:
    graph = build(RECORDS, TEXTS, longest=2)
    walks = Walks(graph, 20, 8, 2, WEIGHTS, seed=3)
    assert len(walks) == 20 * len(graph.of_kind(TUPLE, TEXT, COLUMN)) == 20 * 6
    records = [walks[i] for i in range(len(walks))]
    assert [Walks(graph, 20, 8, 2, WEIGHTS, seed=3)[i] for i in range(9)] == records[:9]
    number = {label: i for i, (_, label) in enumerate(graph.nodes)}
    lengths = path_lengths(graph)
    for record in records:
        first, second = (number[record[side]] for side in ("first", "second"))
        assert 1 <= lengths[first, second] <= 2 and len(record["group"]) == 3
        kinds = [graph.nodes[v][0] for v in (first, second)]
        assert record["kind"] == sum(kind != TERM for kind in kinds)
        own = {v for v, kind in zip((first, second), kinds, strict=True) if kind in (TUPLE, TEXT)}
        assert own <= {*record["group"]}
    assert {record["kind"] for record in records} == {0, 1, 2}
    without = Walks(graph, 20, 8, 2, (0.0, 1.0, 0.0), seed=3)
    assert {without[i]["kind"] for i in range(len(without))} == {1}
    example = columns(records[0], np.random.default_rng(0), anchor="first", positive="second")
    assert example.facts["group"] == records[0]["group"]


def write(folder: Path, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Write a table of tuples and texts, and return the source of its walks."""
    lines = ("record\ttext", *("\t".join(row) for row in rows))
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    paths = dict.fromkeys(("tuples", "texts"), "table.tsv")
    return {"name": "walks", "paths": paths, "columns": {"tuples": "record", "texts": "text"}}


def test_records_of_empty_cells_have_no_walks_and_impossible_settings_are_refused(
    tmp_path: Path,
) -> None:
    spec = write(tmp_path, [("a: ; b: ", "red"), ("a: red", "red one"), ("the", "x")])
    walks = make_source(tmp_path, spec)
    assert {walks[i]["first"] for i in range(len(walks))} == {"a: red", "a", "red", "red one"}
    for changes, word in (
        ({"window": 0}, "window"),
        ({"steps": 0}, "steps"),
        ({"weights": (1.0, 0.0, 1.0)}, "weights"),
        ({"paths": {"tuples": "table.tsv"}}, "texts"),
        ({"columns": {"tuples": "name", "texts": "text"}}, "name"),
    ):
        with pytest.raises(ValueError, match=word):
            make_source(tmp_path, {**spec, **changes})
    with pytest.raises(ValueError, match="empty"):
        make_source(tmp_path, write(tmp_path, [("a: ; b: ", "red")]))


def test_tables_of_tuples_are_tasks(tmp_path: Path) -> None:
    write(tmp_path, [("a: red", "red one"), ("a: red", "other"), ("b: blue", "other")])
    spec = {"name": "tuples", "path": "table.tsv", "record": "record", "text": "text"}
    source = make_source(tmp_path, spec)
    assert source[2] == {"record": "b: blue", "text": "other"}
    assert len(make_source(tmp_path, spec | {"every": 2})) == 2
    for side in ("left", "right"):
        (tmp_path / f"{side}.tsv").write_text(f"id\trecord\n0\tname: {side}\n")
    (tmp_path / "test.tsv").write_text("label\tleft\tright\n1\t0\t0\n")
    spec = {"name": "entity_pairs", "folder": "", "split": "test"}
    assert make_source(tmp_path, spec)[0] == {
        "sentence1": "name: left",
        "sentence2": "name: right",
        "label": "1",
    }
    (tmp_path / "test.tsv").write_text("label\tleft\tright\n1\t0\t7\n")
    with pytest.raises(ValueError, match="7"):
        make_source(tmp_path, spec)
