"""Neighbourhoods and invariance: walks against a loop, limits of perturbations, classes by text."""

import itertools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.graph import TextGraph, linked, neighbourhood, summary, walk
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.classification import ZeroShot
from pixel_linguist.objective.adversarial import Adversarial
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.protocol import AXIS, Batch, View
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.train.step import NO_AUGMENTATION
from pixel_linguist.train.step_encode import StepEncode
from tests.fakes import facts_of, view_facts_of
from tests.train.tiny import encoder

NEIGHBOURS = ((1, 2), (0,), (0, 3), (2,), ())


def test_a_walk_is_that_of_a_loop_along_edges() -> None:
    for seed in range(5):
        path, rng = walk(NEIGHBOURS, 0, np.random.default_rng(seed)), np.random.default_rng(seed)
        here = 0
        for found in path[1:]:
            again = rng.random() < 0.5
            edges = NEIGHBOURS[here]
            here = 0 if again else edges[int(rng.integers(len(edges)))]
            assert found == here
        assert len(path) == 65 and path[0] == 0
        # Without restarts each step is along an edge, and dropped edges are not walked.
        path = walk(NEIGHBOURS, 0, np.random.default_rng(seed), restart=0, dropped=0.5)
        steps = {(a, b) for a, b in itertools.pairwise(path) if b != 0}
        assert all(b in NEIGHBOURS[a] for a, b in steps)
    assert {*walk(NEIGHBOURS, 4, np.random.default_rng(0))} == {4}


def test_a_neighbourhood_begins_with_its_root_and_its_summary_has_its_rare_words() -> None:
    graph = TextGraph(("a cat", "a dog", "a cat sat", "a bird", "a lone fox"), NEIGHBOURS)
    options = {"others": 2, "words": 1, "key_words": 2}
    example = neighbourhood({"graph": graph, "node": 0}, np.random.default_rng(0), **options)
    assert str(example.views["anchor"]).startswith("a cat a") and example.facts["group"] == (0,)
    assert summary(graph, [0, 2], 1) == "This group of texts is about cat."
    record = {"graph": graph, "node": 4}
    alone = neighbourhood(record, np.random.default_rng(0), **options).views
    assert alone == {"anchor": "a lone fox", "positive": "This group of texts is about fox, lone."}
    for change, word in (({"others": -1}, "others"), ({"words": 0}, "words")):
        with pytest.raises(ValueError, match=word):
            neighbourhood(record, np.random.default_rng(0), **change)


def test_nodes_are_read_with_their_edges_and_classes(tmp_path: Path) -> None:
    (tmp_path / "nodes.tsv").write_text(
        "id\tlabel\ttext\n7\t0\tone\n8\t1\ttwo\n9\t\tthree\n5\t0\tfour\n"
    )
    (tmp_path / "edges.tsv").write_text("source\ttarget\n7\t9\n8\t8\n9\t7\n")
    source = {"name": "neighbourhoods", "nodes": "nodes.tsv", "edges": "edges.tsv"}
    found: Any = make_source(tmp_path, source)
    assert found[0]["graph"].neighbours == ((2,), (), (0,), ())
    assert [x["written"] for x in found] == ["one three", "two", "three one", "four"]
    named: Any = make_source(tmp_path, {**source, "label_names": ("first", "second"), "shots": 1})
    assert [(x["text"], x["label"]) for x in named] == [("one", "first"), ("two", "second")]
    classes = {"first": "one", "second": "wow two"}
    letters = lambda texts: np.array([[t.count(x) for x in "onew"] for t in texts])  # noqa: E731
    scores = ZeroShot.from_source(named, classes=classes).score(letters)
    assert scores == {"accuracy": 1.0, "majority": 0.5}
    with pytest.raises(ValueError, match="description"):
        ZeroShot.from_source(named, classes={"first": "one", "other": "two"})
    with pytest.raises(ValueError, match="description"):
        ZeroShot.from_source(named, classes={"first": "one", "second": ""})
    with pytest.raises(ValueError, match="no name"):
        make_source(tmp_path, {**source, "label_names": ("first",)})
    (tmp_path / "edges.tsv").write_text("source\ttarget\n7\t1\n")
    with pytest.raises(ValueError, match="node"):
        make_source(tmp_path, source)


def test_records_that_share_a_value_are_neighbours() -> None:
    entries = ("a|b", "b|c", "d", "c|a", "e")
    records: Any = [{"text": f"t{i}", "entries": own} for i, own in enumerate(entries)]
    found = linked(records, text="text", by="entries")
    shared = [
        tuple(j for j in range(5) if j != i and {*entries[i].split("|")} & {*entries[j].split("|")})
        for i in range(5)
    ]
    assert found[0]["graph"].neighbours == tuple(shared)
    assert [record["node"] for record in found] == [0, 1, 3]
    assert linked(records[2::2], text="text", by="entries") == []


@pytest.mark.slow
def test_perturbations_of_size_zero_change_nothing_and_others_raise_the_loss() -> None:
    tiny, rng = encoder(dropout=0.0, head="none"), np.random.default_rng(0)
    views = {
        name: View(
            name,
            one_text_a_row(
                rng.integers(0, 255, (6, 4, 8, 8), np.uint8), np.array([4, 3, 4, 2, 4, 1])
            ),
            jnp.arange(6),
        )
        for name in ("anchor", "positive")
    }
    of_views: Any = view_facts_of(6)
    batch = Batch(views, facts_of(6), of_views)
    params = {"encoder": tiny.init(0), "objective": {}}
    encode = StepEncode(tiny, NO_AUGMENTATION, 0)
    inner = InfoNCE(temperature=0.2)

    def run(objective: Any) -> Any:
        def on_device(params: Any, _: Any) -> Any:
            key = jax.random.key(0)
            return objective.loss(params, {}, {}, batch, encode, key)[:2]

        def loss(params: Any) -> Any:
            mapped = jax.vmap(on_device, in_axes=(None, 0), axis_name=AXIS)
            return jax.tree.map(lambda x: x[0], mapped(params, jnp.zeros(1)))

        return jax.jit(jax.value_and_grad(loss, has_aux=True))(params)

    (plain, _), gradient = run(inner)
    (same, metrics), of_zero = run(Adversarial(inner, steps=2, size=0.0))
    assert float(same) == pytest.approx(float(plain), rel=1e-6) and metrics["rise"] == 0
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), of_zero, gradient)
    (_, metrics), _ = run(Adversarial(inner, steps=3, size=0.01))
    assert metrics["rise"] > 0
    with pytest.raises(ValueError, match="steps"):
        Adversarial(inner, steps=0)
