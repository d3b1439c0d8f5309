"""Topic segmentation: measures, copies and contrast against slow loops; limits; one sentence."""

import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.sources import make_source
from pixel_linguist.data.topics import NONE, contrasted, disarray, disarrayed_topics
from pixel_linguist.evaluate.segmentation import (
    Segmentation,
    best_boundaries,
    boundary_scores,
    tiled_boundaries,
    window_errors,
    window_size,
)
from pixel_linguist.objective.coherence import Coherence
from pixel_linguist.render.patches import one_text_a_row
from tests.fakes import evaluate, facts_of
from tests.train.tiny import encoder

ROOM, WIDTH, ROWS = 6, 8, 4


def test_measures_are_those_of_a_loop_over_positions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        number = int(rng.integers(2, 30))
        true, found = (rng.random(number - 1) < rng.random() for _ in range(2))
        size, errors = min(window_size(true), number - 1), np.zeros(2)
        for i in range(number - size):
            ours, theirs = int(found[i : i + size].sum()), int(true[i : i + size].sum())
            errors += (ours > 0) != (theirs > 0), ours != theirs
        expected = errors / (number - size)
        np.testing.assert_allclose(window_errors(true, found), expected)
        np.testing.assert_allclose(window_errors(true[::-1], found[::-1]), expected)
        assert window_errors(true, true) == (0, 0)
    true, found = (np.array(x, bool) for x in ((1, 0, 1, 0), (1, 1, 0, 0)))
    assert boundary_scores([true], [found]).scores["f1"] == 0.5


def test_the_best_boundaries_are_those_of_all_segmentations() -> None:
    rng = np.random.default_rng(0)
    for trial in range(20):
        x = rng.normal(size=(7, 3))
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        price, costs = 1.2 * x.var(axis=0).sum(), {}
        for code in range(64):
            ends = np.array([code >> i & 1 for i in range(6)], bool)
            parts = np.split(x, np.flatnonzero(ends) + 1)
            costs[code] = sum(len(p) * p.var(axis=0).sum() for p in parts), len(parts)
        wanted: dict[int | None, int] = {
            None: min(costs, key=lambda c: costs[c][0] + price * costs[c][1])
        }
        wanted[3] = min((c for c in costs if costs[c][1] == 3), key=lambda c: costs[c][0])
        for count, code in wanted.items():
            found = best_boundaries(x, count, penalty=1.2)
            assert (found << np.arange(6)).sum() == code, (trial, count)


def test_sides_that_turn_once_have_one_boundary() -> None:
    x = np.repeat(np.eye(2), 5, axis=0) + 0.01 * np.random.default_rng(0).normal(size=(10, 2))
    for way in (best_boundaries, tiled_boundaries):
        assert np.flatnonzero(way(x)).tolist() == [4]
        assert way(x[:1]).shape == (0,)
    with pytest.raises(ValueError, match="count"):
        best_boundaries(x, 11)


DOCUMENT = (("a1", "a2", "a3"), ("b1",), ("c1", "c2", "c3", "c4"))


def test_a_copy_keeps_sentences_ends_and_relations() -> None:
    rng, before = np.random.default_rng(0), dict.fromkeys("abc", 0)
    for _ in range(50):
        sentences, ends, relations = disarray(DOCUMENT, [], rng)
        assert sorted(sentences) == sorted(x for topic in DOCUMENT for x in topic)
        assert ends.count(1) == 2 and ends[-1] == NONE
        for i, (sentence, relation) in enumerate(zip(sentences, relations, strict=True)):
            opens = i == 0 or sentences[i - 1][0] != sentence[0]
            follows = not opens and int(sentence[1]) == int(sentences[i - 1][1]) + 1
            assert relation == (2 if opens else 0 if follows else 1)
            # A topic's last sentence stays the last.
            if ends[i]:
                assert sentence in ("a3", "b1", "c4")
        before[sentences[0][0]] += 1
    assert min(before.values()) > 5
    exchanged = [
        disarray(DOCUMENT, [(("z",),)], rng, replaced=1.0)[0].count("z") for _ in range(90)
    ]
    assert 1.2 < np.mean(exchanged) < 1.8


def test_contrasted_sentences_are_of_their_topic_and_of_others() -> None:
    of = [0, 0, 0, 1, 2, 2]
    for seed in range(20):
        positive, others = contrasted(of, np.random.default_rng(seed), negatives=3)
        assert positive[[1, 2, 3, 5]].tolist() == [0, 1, 3, 4]
        assert positive[0] in (1, 2) and positive[4] == 5
        assert others[0].tolist() == others[2].tolist() == [3, 4, 5]
        assert others[3][:2].tolist() == [4, 5] and others[3][2] in (4, 5)
        assert {*others[4].tolist(), *others[5].tolist()} <= {0, 1, 2}
    for short in ([0, 0, 0], [0, 1], [0]):
        assert (contrasted(short, np.random.default_rng(0), negatives=2)[0] == NONE).all()


def documents(seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is read of two views of four documents, the last of one topic, and facts."""
    rng = np.random.default_rng(seed)
    facts: list[Any] = []
    views: dict[str, Any] = {}
    topic = ((0, 0, 1, 1, 2, 2), (0, 1, 1), (0, 0, 0, 0, 1), (0, 0, 0))
    for row in topic:
        record: dict[str, Any] = {
            "sentences": tuple(map(str, range(len(row)))),
            "topic": row,
            "others": {}.items,
        }
        facts.append(disarrayed_topics({**record, "group": None}, rng, sentences=ROOM).facts)
    for view in ("document", "copy"):
        x = rng.normal(size=(ROWS, ROOM, WIDTH)).astype(np.float32)
        present = np.array([np.arange(ROOM) < len(row) for row in topic])
        views[view] = {"tagged": x, "contrasted": x, "present": present}
    stacked = {name: np.stack([of[name] for of in facts]) for name in facts[0]}
    return views, facts_of(ROWS, **stacked)


class Wide:
    dimension = WIDTH


def drawn(objective: Coherence) -> Any:
    return objective.init(jax.random.key(0), Wide(), None, {})[0]  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_contrast_is_that_of_a_loop_and_weights_of_zero_leave_a_plain_tagger() -> None:
    views, facts = documents()
    whole = Coherence(ROOM, width=8, heads=2, depth=0)
    params = drawn(whole)
    loss, metrics, _ = evaluate(whole, views, facts, {}, params=params)
    losses = []
    u = views["document"]["contrasted"].astype(np.float64)
    u /= np.linalg.norm(u, axis=-1, keepdims=True)
    for row, positive, negatives in zip(u, facts["positive"], facts["negatives"], strict=True):
        for x, p, others in zip(row, positive, negatives, strict=True):
            if p != NONE:
                scores = np.array([x @ row[p], *(x @ row[q] for q in others)]) / 0.1
                losses.append(np.logaddexp.reduce(scores) - scores[0])
    assert float(metrics["contrast"]) == pytest.approx(np.mean(losses), rel=1e-4)
    total = metrics["boundaries"] + metrics["copy_boundaries"] + metrics["relations"]
    assert float(loss) == pytest.approx(float(total + 0.5 * metrics["contrast"]), rel=1e-5)
    plain = Coherence(
        ROOM, width=8, heads=2, depth=0, copy_weight=0, contrast_weight=0, relation_weight=0
    )
    alone = evaluate(plain, {"document": views["document"]}, facts, {}, params=params)
    assert plain.views == ("document",) and alone[0] == metrics["boundaries"]
    # Cosines do not change with the size of vectors, nor anything with the number of devices.
    views = {name: {**x, "contrasted": 3 * x["contrasted"]} for name, x in views.items()}
    split = evaluate(whole, views, facts, {}, params=params, devices=2)
    assert float(split[0]) == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.slow
def test_a_document_of_one_topic_or_cut_off_has_no_contrast() -> None:
    views, facts = documents()
    last, of_last = jax.tree.map(lambda x: x[3:], (views, facts))
    objective = Coherence(ROOM, width=8, heads=2, depth=0)
    _, metrics, gradients = evaluate(objective, last, of_last, {}, params=drawn(objective))
    assert metrics["contrast"] == 0 and np.isfinite(gradients[0]["document"]["tagged"]).all()
    views["document"]["present"][:] = False
    found = evaluate(objective, views, facts, {}, params=drawn(objective))[1]
    assert found["contrast"] == found["boundaries"] == 0


def test_sentences_read_apart_have_their_own_embeddings_and_a_page_has_its_maxima() -> None:
    tiny, rng = encoder(dropout=0.0, head="none"), np.random.default_rng(0)
    pixels = rng.integers(0, 255, (1, 6, 8, 8), np.uint8)
    unit = np.array([[0, 0, 1, 2, 2, -1]], np.int32)
    page = one_text_a_row(pixels, np.array([5]))._replace(unit=unit)
    params = tiny.init(0)
    apart, together = (
        jax.jit(functools.partial(Coherence(4, page=whole).read, tiny))(params, page)
        for whole in (False, True)
    )
    alone = np.zeros((4, 6, 8, 8), np.uint8)
    for number in range(3):
        own = pixels[0, unit[0] == number]
        alone[number, : len(own)] = own
    alone[3] = pixels[0]
    outputs = ("embedding", "patch_features")
    read = jax.jit(lambda params, x: tiny.encode(params, x, outputs=outputs))
    whole = read(params, one_text_a_row(alone, np.array([2, 1, 2, 5])))
    np.testing.assert_allclose(apart["tagged"][0, :3], whole["embedding"][:3, 0], atol=1e-5)
    assert apart["present"].tolist() == [[True, True, True, False]]
    for number in range(3):
        own = np.asarray(whole["patch_features"])[3, unit[0] == number]
        np.testing.assert_allclose(together["contrasted"][0, number], own.max(axis=0), atol=1e-5)
        np.testing.assert_allclose(together["tagged"][0, number], own.mean(axis=0), atol=1e-5)
    assert not together["contrasted"][0, 3].any()


def test_documents_of_three_kinds_are_read_in_windows(tmp_path: Path) -> None:
    rows = (
        {"segments": [["a", "b"], ["c", "d", "e"]]},
        {"sections": [{"heading": "H", "paragraphs": ["One. Two."]}, {"paragraphs": ["Three."]}]},
        {"turns": list("vwxyz"), "topics": [{"spans": [[1, 2]]}, {"spans": [[3, 3], [4, 4]]}]},
        {"segments": [["alone"], []]},
    )
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"name": "topics", "path": path.name}
    whole: Any = make_source(tmp_path, source)
    assert [x["sentences"][0] for x in whole] == ["a", "One.", "v"]
    assert [x["topic"] for x in whole] == [(0, 0, 1, 1, 1), (0, 0, 1), (0, 1, 1, 2, 2)]
    windows: Any = make_source(tmp_path, {**source, "sentences": 3})
    assert [x["sentences"] for x in windows[:2]] == [("a", "b", "c"), ("c", "d", "e")]
    # Grain walks through all that a record holds, which is not all documents.
    assert len(jax.tree.leaves(windows[0])) == 3 + 3 + 1 + 1
    example = disarrayed_topics(windows[0], np.random.default_rng(0), sentences=4)
    assert example.facts["boundary"].tolist() == [0, 1, NONE, NONE]
    scores = Segmentation.from_source(whole).score(lambda x: np.eye(30)[: len(x)])
    assert scores["none_f1"] == 0 and 0 <= scores["p_k"] <= 1
    path.write_text(json.dumps(rows[3]) + "\n")
    for change, word in (({}, "empty"), ({"sentences": 1}, "window")):
        with pytest.raises(ValueError, match=word):
            make_source(tmp_path, {**source, **change})
    path.write_text('{"text": "a"}\n')
    with pytest.raises(ValueError, match="segments"):
        make_source(tmp_path, source)


def test_users_segment_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SentenceEncoder.load("tiny")
    monkeypatch.setattr(model, "encode", lambda texts: np.eye(26)[[ord(x[0]) - 65 for x in texts]])
    text = "Ants dig. Ants eat. Ants run. Boats sail. Boats sink."
    found = model.segment(text)
    assert found == [["Ants dig.", "Ants eat.", "Ants run."], ["Boats sail.", "Boats sink."]]
    assert model.segment(iter(["A", "B"]), count=1) == [["A", "B"]]
    assert model.segment(["A"]) == [["A"]] and model.segment("") == []
    with pytest.raises(ValueError, match="count"):
        model.segment(["A"], count=2)


@pytest.mark.parametrize("change", [{"sentences": 1}, {"temperature": 0.0}, {"copy_weight": -1.0}])
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Coherence(**({"sentences": 4} | change))
    with pytest.raises(ValueError, match="room"):
        objective = Coherence(ROOM + 1)
        views, facts = documents()
        evaluate(objective, views, facts, {}, params=jnp.zeros(1))
    with pytest.raises(ValueError, match="sentences"):
        disarrayed_topics({}, np.random.default_rng(0), sentences=1)
