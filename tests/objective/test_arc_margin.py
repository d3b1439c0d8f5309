"""Tuning for retrieval: the margin, captions as proxies, two towers, classes of pictures."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.evaluate.picture_retrieval import PictureRetrieval
from pixel_linguist.model.adapters import adapt
from pixel_linguist.model.encoders import make_encoder
from pixel_linguist.objective.arc_margin import ArcMargin, with_margin
from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.render.patches import one_text_a_row, picture_patches
from pixel_linguist.train import run
from pixel_linguist.train.annotate import Embeddings, annotate_stage
from pixel_linguist.train.results import Result, save_result
from tests.experiments.test_reading_recipes import of_shared_data, step
from tests.fakes import evaluate, facts_of

ROWS, WIDTH = 8, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, WIDTH)).astype(np.float32)
CAPTIONS = RNG.normal(size=(ROWS, 3, WIDTH)).astype(np.float32)
LABEL = np.array([0, 1, 2, 3, 1, 0, 2, -1], np.int32)
ENCODER: Any = SimpleNamespace(dimension=WIDTH)


def unit(x: Any) -> np.ndarray:
    return np.asarray(x, np.float64) / np.linalg.norm(x, axis=-1, keepdims=True)


def loss(objective: ArcMargin, params: Any = None, devices: int = 1, **facts: Any) -> Any:
    given = facts_of(ROWS, **facts)
    return evaluate(objective, {"anchor": X}, given, params=params or {}, devices=devices)


def test_the_margin_turns_the_angle_and_the_score_rises_everywhere() -> None:
    angle = np.linspace(0, np.pi, 401)
    found = np.asarray(with_margin(jnp.cos(angle), 0.3))
    near = angle < np.pi - 0.3
    np.testing.assert_allclose(found[near], np.cos(angle[near] + 0.3), atol=2e-3)
    assert (np.diff(found) < 1e-6).all()
    slope = jax.vmap(jax.grad(lambda c: with_margin(c, 0.3)))(jnp.array([-1.0, 0.0, 1.0]))
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("devices", [1, 4])
def test_both_lines_are_those_of_slow_loops(devices: int) -> None:
    objective = ArcMargin(classes=4, captions=3, margin=0.2, scale=10.0)
    params = objective.init(jax.random.key(0), ENCODER, {}, {})[0]
    x, proxies, captions = unit(X), unit(params["proxies"]), unit(CAPTIONS)

    def turned(cosine: float) -> float:
        return float(np.exp(10 * np.cos(np.arccos(cosine) + 0.2)))

    total = 0.0
    for i, y in enumerate(LABEL):
        if y >= 0:
            others = sum(np.exp(10 * x[i] @ proxies[c]) for c in range(4) if c != y)
            own = turned(x[i] @ proxies[y])
            total -= np.log(own / (own + others))
        alike = [j == i or (y >= 0 and LABEL[j] == y) for j in range(ROWS)]
        others = sum(
            np.exp(10 * x[i] @ t) for j in range(ROWS) if not alike[j] for t in captions[j]
        )
        for t in captions[i]:
            total -= np.log(turned(x[i] @ t) / (turned(x[i] @ t) + others)) / 3
    facts: dict[str, Any] = {"label": LABEL, "captions": CAPTIONS}
    found, _, gradients = loss(objective, params, devices, **facts)
    assert float(found) == pytest.approx(total / ROWS, rel=1e-4)
    assert np.any(gradients[1]["proxies"])
    higher = loss(ArcMargin(classes=4, captions=3, margin=0.3, scale=10.0), params, **facts)
    assert higher[0] > found


def test_captions_are_proxies_of_info_nce_and_equal_ones_count_once() -> None:
    own = CAPTIONS[:, :1]
    one = ArcMargin(captions=1, margin=0.0, scale=5.0)
    found = loss(one, captions=own)[0]
    contrast = InfoNCE(temperature=0.2, symmetric=False)
    expected = evaluate(contrast, {"anchor": X, "positive": own[:, 0]}, facts_of(ROWS))[0]
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    # With one other row, its K equal captions would count K times: all rows share one caption.
    same = np.broadcast_to(own[:1], own.shape)
    assert float(loss(one, captions=same)[0]) == pytest.approx(0, abs=1e-6)
    three = ArcMargin(captions=3, margin=0.0, scale=5.0)
    thrice, single = (
        loss(objective, captions=np.repeat(same, k, axis=1))[0]
        for objective, k in ((three, 3), (one, 1))
    )
    assert float(thrice) == pytest.approx(float(single), abs=1e-6)


def test_bad_facts_and_settings_are_refused() -> None:
    params = ArcMargin(classes=2).init(jax.random.key(0), ENCODER, {}, {})[0]
    assert np.isnan(loss(ArcMargin(classes=2), params, label=LABEL)[0])
    with pytest.raises(ValueError, match="label"):
        loss(ArcMargin(classes=2), params)
    with pytest.raises(ValueError, match="captions"):
        loss(ArcMargin(captions=2), captions=CAPTIONS)
    for settings, word in (({}, "classes"), ({"classes": 1, "margin": 1.6}, "margin")):
        with pytest.raises(ValueError, match=word):
            ArcMargin(**settings)  # type: ignore[arg-type]


def test_captions_of_several_columns_are_annotated_in_their_order() -> None:
    records: Any = [{"a": "x", "b": "yy"}, {"a": "zzz", "b": ""}]
    found = Embeddings(("a", "b"), "captions")(
        records, range(2), lambda texts: np.array([[len(text), 1] for text in texts])
    )
    assert found["captions"].tolist() == [[[1, 1], [2, 1]], [[3, 1], [0, 1]]]


@pytest.mark.slow
def test_towers_read_apart_and_start_from_one_transformer() -> None:
    sizes: Any = {
        "patch_height": 4, "patch_width": 4, "max_patches": 4, "patch_hidden": 0, "width": 8,
        "depth": 1, "heads": 2, "mlp_width": 8, "positions": "learned", "pooling": "mean",
        "head": "none", "keep_head": False, "channels": 3, "dropout": 0.0, "norm_epsilon": 1e-6,
        "dtype": "float32", "remat": "none", "max_rows": 2,
    }  # fmt: skip
    vit, towers = (make_encoder({"name": name, **sizes}) for name in ("vit", "towers"))
    params = vit.init(0)
    both = adapt("to_towers", params, towers)
    shapes: Any = towers.shapes()
    assert jax.tree.map(np.shape, both) == jax.tree.map(lambda x: x.shape, shapes)
    text = one_text_a_row(RNG.integers(0, 256, (2, 3, 4, 4), np.uint8), np.array([3, 2]))
    picture = picture_patches(RNG.integers(0, 256, (2, 8, 16, 3), np.uint8), (4, 4))
    for patches, other in ((text, "picture"), (picture, "text")):
        expected = vit.encode(params, patches)["embedding"]
        spoiled = {**both, other: jax.tree.map(np.zeros_like, params)}
        found = towers.encode(spoiled, patches)["embedding"]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_scores_of_classes_are_those_of_slow_loops() -> None:
    classes = ("a", "b", "a", "c", "b", "a", "d", "a")
    pictures = tuple(np.full((2, 2, 3), i, np.uint8) for i in range(8))
    task = PictureRetrieval(pictures, tuple(map(str, range(8))), classes)
    x = RNG.normal(size=(20, 4))
    scores = task.score(lambda contents: x)
    cosines = unit(x[:8]) @ unit(x[:8]).T
    precision, right = [], 0
    for i in range(8):
        order = sorted((j for j in range(8) if j != i), key=lambda j: -cosines[i, j])
        hits = [rank for rank, j in enumerate(order, 1) if classes[j] == classes[i]]
        if hits:
            precision.append(np.mean([n / rank for n, rank in enumerate(hits, 1)]))
        right += Counter(classes[j] for j in order[:5]).most_common(1)[0][0] == classes[i]
    assert scores["picture_map"] == pytest.approx(np.mean(precision))
    assert scores["knn_accuracy"] == right / 8
    named = (unit(x[:8]) @ unit(x[16:]).T).argmax(axis=1)
    assert scores["zero_shot"] == np.mean(
        [("a", "b", "c", "d")[n] for n in named] == np.array(classes)
    )
    records: Any = [{"picture": pictures[0], "name": "x", "class": " "}]
    with pytest.raises(ValueError, match="class"):
        PictureRetrieval.from_source(records, classes="class")


@pytest.mark.slow
def test_the_recipe_holds_the_frozen_tower(tmp_path: Path, shared: Path) -> None:
    config = of_shared_data("clip_retrieval", shared, tmp_path)
    config.stages.captions.update(steps=1, batch_size=16)
    config.stages.captions.schedule.warmup = 0
    for name in set(config.stages) - {"captions", "clip"}:
        del config.stages[name]
    config.order, config.evaluate.report_tasks, config.tasks = ("clip", "captions"), (), {}
    context, _ = run.prepare(config.lock(), tmp_path / "run")
    start = Result(context.encoder.init(0), {})
    save_result(context.folder.model("clip"), context.model(start.encoder), {})
    annotate_stage(context, "captions")
    before, after = step(context, "captions", start)
    moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, after)
    assert not any(jax.tree.leaves(moved["text"])) and any(jax.tree.leaves(moved["picture"]))
