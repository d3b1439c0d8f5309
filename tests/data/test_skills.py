"""Titles with lists of skills: what is drawn, how often, what is refused, and asymmetric heads."""

from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.data.skills import title_and_skills
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.objective.contrastive import InfoNCE
from tests.fakes import ReadingEncoder, evaluate, facts_of, view_facts_of

ITEMS = ("alpha one", "beta two", "gamma three", "delta four", "epsilon five")
RECORD = {"title": "baker", "items": ITEMS, "group": 3}


def drawn(count: int, **arguments: Any) -> list[Any]:
    maker = make_pair_maker({"name": "title_and_skills", **arguments})
    return [maker(RECORD, np.random.default_rng(seed)) for seed in range(count)]


def tables(folder: Path) -> dict[str, Any]:
    rows = {
        "names": ["code\ttitle", "1\tBakers", "2\tCooks", "3\tIdlers"],
        "titles": ["code\ttitle", "1\tbread maker", "1\tBakers", "1\tB", "2\tchef", "4\t"],
        "skills": ["code\tskill\tkind", "1\tdough\tx", "1\tdough\tx", "1\t\tx", "2\tsoup\tx"],
        "tasks": ["code\ttask", "1\tknead", "2\tboil", "2\tcut"],
    }
    for name, lines in rows.items():
        (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    return {"name": "skill_lists", "paths": tuple(f"{name}.tsv" for name in rows), "least": 2}


def test_a_positive_is_a_part_of_the_items_and_each_is_equally_likely() -> None:
    examples = drawn(3000, least=2, most=4, words=6)
    parts = [e.views["positive"].split(", ") for e in examples]
    assert {e.views["anchor"] for e in examples} == {"baker"}
    assert {e.facts["group"] for e in examples} == {(3,)}
    # Three of them have six words: a fourth would be cut.
    assert {len(part) for part in parts} == {2, 3}
    assert all(set(part) <= set(ITEMS) and len(set(part)) == len(part) for part in parts)
    counts = np.array([Counter(x for part in parts for x in part)[item] for item in ITEMS])
    assert abs(counts / counts.mean() - 1).max() < 0.08
    assert len({tuple(part) for part in parts}) == 5 * 4 + 5 * 4 * 3


def test_without_a_draw_it_is_the_columns_and_a_long_item_stands_alone() -> None:
    (plain,) = drawn(1, least=5, most=5, words=100, shuffled=False)
    record = RECORD | {"joined": ", ".join(ITEMS)}
    columns = make_pair_maker({"name": "columns", "anchor": "title", "positive": "joined"})
    assert plain == columns(record, np.random.default_rng(0))
    assert drawn(1, words=1)[0].views["positive"] in ITEMS


def test_titles_are_joined_with_their_items(tmp_path: Path) -> None:
    source = make_source(tmp_path, tables(tmp_path))
    found = [source[i] for i in range(len(source))]
    assert [(r["title"], r["name"], r["items"], r["group"]) for r in found] == [
        ("Bakers", "Bakers", ("dough", "knead"), 0),
        ("bread maker", "Bakers", ("dough", "knead"), 0),
        ("Cooks", "Cooks", ("soup", "boil", "cut"), 1),
        ("chef", "Cooks", ("soup", "boil", "cut"), 1),
    ]
    assert found[1]["described"] == "bread maker. dough, knead"
    with pytest.raises(ValueError, match="empty"):
        make_source(tmp_path, tables(tmp_path) | {"least": 4})
    with pytest.raises(ValueError, match="items"):
        title_and_skills(found[0], np.random.default_rng(0), least=3)
    with pytest.raises(ValueError, match="least"):
        title_and_skills(found[0], np.random.default_rng(0), least=3, most=2)


def test_retrieval_of_a_column_counts_as_a_loop_does(tmp_path: Path) -> None:
    rows = [("abc", "aabbcc"), ("abd", "d"), ("abc", "xyz"), ("xy", "xyz"), ("mm", "mm")]
    text = "\n".join("\t".join(row) for row in [("query", "document"), *rows]) + "\n"
    (tmp_path / "pairs.tsv").write_text(text)
    spec = {"name": "column_retrieval", "source": {"name": "tsv", "path": "pairs.tsv"}}
    task: Any = make_task(tmp_path, spec | {"query": "query", "document": "document"})
    assert list(task.queries) == ["abc", "abd", "xy", "mm"]
    scores = task.score(ReadingEncoder().encode)
    documents = list(dict.fromkeys(document for _, document in rows))
    unit = [x / np.linalg.norm(x) for x in ReadingEncoder().encode([*task.queries, *documents])]
    hits = []
    for query, vector in zip(task.queries, unit, strict=False):
        wanted = {d for q, d in rows if q == query}
        best = documents[int(np.argmax([vector @ x for x in unit[len(task.queries) :]]))]
        hits.append((best in wanted) / len(wanted))
    assert scores["recall@1"] == pytest.approx(np.mean(hits))
    assert scores["recall@1"] <= scores["recall@5"] <= scores["recall@10"]
    half: Any = make_task(tmp_path, spec | {"query": "query", "document": "document", "every": 2})
    assert list(half.queries) == ["abc", "mm"]


def test_heads_are_linear_maps_of_each_view_and_the_identity_at_first() -> None:
    rng = np.random.default_rng(0)
    embeddings = {v: rng.normal(size=(6, 4)).astype("f4") for v in ("anchor", "positive")}
    headed, plain = InfoNCE(view_heads=True), InfoNCE()

    class Four:
        dimension = 4

    params, _, _ = headed.init(jax.random.key(0), Four(), {}, {})
    facts = (facts_of(6), view_facts_of(6))
    loss = evaluate(plain, embeddings, *facts)[0]
    assert float(evaluate(headed, embeddings, *facts, params=params)[0]) == float(loss)
    maps = {v: rng.normal(size=(4, 4)).astype("f4") for v in embeddings}
    mapped = {v: jnp.asarray(x @ maps[v]) for v, x in embeddings.items()}
    found = evaluate(headed, embeddings, *facts, params={"heads": maps})[0]
    assert float(found) == pytest.approx(float(evaluate(plain, mapped, *facts)[0]), rel=1e-5)
