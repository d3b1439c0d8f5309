"""Contriever against a slow loop, on any number of devices, resumed, and in its limits."""

import collections
from pathlib import Path
from typing import Any, get_args

import jax
import numpy as np
import pytest

from pixel_linguist import config as configs
from pixel_linguist.data.pairs import crops
from pixel_linguist.objective.contriever import Contriever
from pixel_linguist.train.hosts import Backend
from pixel_linguist.train.preemption import Preempted, Preemption
from pixel_linguist.train.rehearsal import StopsAfter
from pixel_linguist.train.run import run_recipe
from pixel_linguist.train.step import NO_AUGMENTATION
from pixel_linguist.train.step_encode import StepEncode, device_batch
from tests.train.steps import states
from tests.train.tiny import BATCH, encoder, random_batch

RECIPE = Path(__file__).parents[2] / "experiments" / "methods" / "contriever.py"


STEPS = 7
OBJECTIVE = Contriever(queue_size=20, momentum=0.7, temperature=0.5)
# The slow loop has neither dropout nor a head.
PLAIN: dict[str, Any] = {"dropout": 0.0, "head": "none"}
_encode = jax.jit(encoder(**PLAIN).encode)


def embed(params: Any, patches: Any) -> np.ndarray:
    return np.asarray(_encode(params, patches)["embedding"][:, 0], np.float64)


def slow_loss(own: np.ndarray, entries: list[Any], queue: Any, temperature: float) -> float:
    """Return the mean loss of a batch, a row and a key at a time, in float64."""
    losses = []
    for anchor, (key, ids, group) in zip(own, entries, strict=True):
        scores = [anchor @ key / temperature]
        for other, other_ids, other_group in queue:
            if not set(ids) & set(other_ids) and not (group == other_group and group >= 0):
                scores.append(anchor @ other / temperature)
        losses.append(np.logaddexp.reduce(scores) - scores[0])
    return float(np.mean(losses))


def moved(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    return OBJECTIVE.momentum * old + (1 - OBJECTIVE.momentum) * new


def entries_of(step: int, keys: np.ndarray) -> list[Any]:
    batch = random_batch(step)
    views = batch.view_facts
    return [
        (key, (int(views["anchor"]["text_id"][i]), int(views["positive"]["text_id"][i])),
         int(batch.facts["group"][i, 0]))
        for i, key in enumerate(keys)
    ]  # fmt: skip


@pytest.mark.parametrize("backend", get_args(Backend))
@pytest.mark.slow
def test_losses_queue_and_teacher_are_those_of_a_slow_loop(backend: Backend) -> None:
    found = states(OBJECTIVE, backend, steps=STEPS, **PLAIN)
    teacher = found[0]["params"]["encoder"]
    queue: Any = collections.deque(maxlen=OBJECTIVE.queue_size)
    for step, state in enumerate(found):
        held = state["objective"]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
                     held["teacher"], teacher)  # fmt: skip
        # The oldest is at the place that is written next, once the queue has gone round.
        filled = int(held["queue"]["filled"].sum())
        assert filled == len(queue) == min(step * BATCH, OBJECTIVE.queue_size)
        first = int(held["next"]) if filled == OBJECTIVE.queue_size else 0
        order = [(first + i) % OBJECTIVE.queue_size for i in range(filled)]
        for place, (key, ids, group) in zip(order, queue, strict=True):
            np.testing.assert_allclose(held["queue"]["key"][place], key, atol=1e-5)
            assert tuple(held["queue"]["ids"][place]) == ids
            assert held["queue"]["group"][place] == [group]
        if step == STEPS:
            break
        params, batch = state["params"]["encoder"], random_batch(step)
        entries = entries_of(step, embed(teacher, batch.views["positive"]))
        own = embed(params, batch.views["anchor"])
        expected = slow_loss(own, entries, queue, OBJECTIVE.temperature)
        assert state["metrics"]["loss"] == pytest.approx(expected, abs=1e-5)
        queue.extend(entries)
        teacher = jax.tree.map(moved, teacher, found[step + 1]["params"]["encoder"])
    # The queue has gone round, and not by whole batches.
    assert 2 * OBJECTIVE.queue_size < STEPS * BATCH and OBJECTIVE.queue_size % BATCH
    assert found[-2]["metrics"]["loss"] > 0.5


@pytest.mark.slow
def test_chunks_of_a_batch_change_nothing() -> None:
    whole, chunked = (states(OBJECTIVE, "pmap", chunk_size=size, **PLAIN) for size in (0, 1))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
        whole[-1]["objective"],
        chunked[-1]["objective"],
    )


@pytest.mark.slow
def test_an_empty_queue_has_no_negatives_and_a_batch_twice_is_info_nce_against_itself() -> None:
    objective = Contriever(queue_size=BATCH, momentum=0.0, temperature=0.5)
    first, *_ = states(objective, "pmap", steps=1, rate=0.0, **PLAIN)
    assert first["metrics"]["loss"] == 0 and first["metrics"]["gradient_norm"] == 0
    # The same batch again: each row's own key is in the queue too, and its group keeps it out.
    batch = random_batch(0)
    ids = {"text_id": np.arange(BATCH, dtype=np.int32)}
    facts = {"group": np.arange(BATCH, dtype=np.int32)[:, None]}
    batch = batch._replace(facts=facts, view_facts={"anchor": ids, "positive": ids})
    params = encoder(**PLAIN).init(0)
    anchor, key = (embed(params, batch.views[view]) for view in objective.views)
    queue = {"key": key.astype(np.float32), "ids": np.stack([ids["text_id"]] * 2, axis=1),
             "group": facts["group"], "filled": np.ones(BATCH, bool)}  # fmt: skip
    state = {"teacher": params, "queue": queue, "next": np.int32(0)}

    def loss(batch: Any) -> Any:
        encode = StepEncode(encoder(**PLAIN), NO_AUGMENTATION, 0)
        own = device_batch(batch)
        given = {"encoder": params, "objective": {}}
        return objective.loss(given, state, {}, own, encode, jax.random.key(0))[0]

    one_device = jax.tree.map(lambda x: x[None], batch)
    found = float(jax.vmap(loss, axis_name="data")(one_device)[0])
    scores = anchor @ key.T / objective.temperature
    expected = np.mean(np.logaddexp.reduce(scores, axis=1) - np.diagonal(scores))
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "word"),
    [({"queue_size": 0}, "queue_size"), ({"momentum": 1.5}, "momentum")],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Contriever(**({"queue_size": 8} | change))


def test_a_queue_smaller_than_the_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="queue_size"):
        states(Contriever(queue_size=BATCH - 1), "pmap", steps=1)


@pytest.mark.slow
def test_the_recipe_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    config = configs.load(RECIPE).unlock()
    config.model.update(width=16, depth=1, heads=2, mlp_width=16, patch_hidden=0)
    config.train.compilation_cache = str(tmp_path / "compilation")
    config.evaluate.update(report_tasks=(), batch_size=16)
    config.tasks = {}
    for stage in config.stages.values():
        stage.update(steps=4, batch_size=8, evaluate_tasks=())
        stage.objective.queue_size = 12
        stage.schedule.warmup = 1
    config.lock()
    run_recipe(config, tmp_path / "whole", Preemption())
    for step in (1, 2):
        with pytest.raises(Preempted):
            run_recipe(config, tmp_path / "stopped", StopsAfter(step))
    run_recipe(config, tmp_path / "stopped", Preemption())
    whole, stopped = (
        (tmp_path / name / "model" / "weights.safetensors").read_bytes()
        for name in ("whole", "stopped")
    )
    assert whole == stopped


def test_crops_are_shares_of_a_chunk_at_uniform_places() -> None:
    document = " ".join(f"w{i}" for i in range(40))
    options: Any = {"chunk_words": 20, "shortest_share": 0.25, "longest_share": 0.25}
    rng = np.random.default_rng(0)
    starts, overlaps, draws = collections.Counter[int](), 0, 4000
    for _ in range(draws):
        example = crops({"text": document, "group": 3}, rng, text="text", **options)
        assert example.facts["group"] == (3,)
        first, second = (
            [int(word[1:]) for word in str(example.views[view]).split()]
            for view in ("anchor", "positive")
        )
        assert len(first) == len(second) == 5
        # A crop is one span of the text.
        assert first == list(range(first[0], first[0] + 5))
        overlaps += bool(set(first) & set(second))
        starts[first[0]] += 1
    # Of 16 places each, those less than 5 apart overlap: 16 + 2 (15 + 14 + 13 + 12) of 256.
    share = (16 + 2 * (15 + 14 + 13 + 12)) / 256
    assert overlaps / draws == pytest.approx(share, abs=4 * (share * (1 - share) / draws) ** 0.5)
    # A place in a chunk at a place in the document: the sum of two uniform draws.
    expected = np.convolve(np.ones(21) / 21, np.ones(16) / 16) * draws
    observed = np.array([starts[i] for i in range(36)])
    assert ((observed - expected) ** 2 / expected).sum() < 67  # 0.1 % of chi-square, 35 degrees


def test_shares_of_crops_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="shares"):
        crops({"text": "a"}, np.random.default_rng(0), text="text", shortest_share=0.6)


def test_a_short_document_is_cropped_to_one_word() -> None:
    example = crops({"text": "one two"}, np.random.default_rng(0), text="text")
    assert set(example.views.values()) <= {"one", "two"}
