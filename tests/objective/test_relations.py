"""Relations against SciPy, what they leave free, and the nearest texts that they are asked of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

from pixel_linguist.data.pairs import make_pair_maker
from pixel_linguist.objective import make_objective
from pixel_linguist.objective.relations import Relations
from pixel_linguist.train import annotate as annotate_module
from pixel_linguist.train.annotate import annotate, annotated
from tests.fakes import evaluate, facts_of

RNG = np.random.default_rng(0)
STUDENT = RNG.normal(size=(6, 4, 5)).astype("f4")
TARGET = RNG.normal(size=(6, 4, 8)).astype("f4")
SPEC = {"name": "nearest_texts", "text": "text", "count": 3}


def losses(student: np.ndarray, target: np.ndarray, weight: float, devices: int = 1) -> Any:
    objective = Relations(3, weight)
    given = dict(zip(objective.views, np.moveaxis(student, 1, 0), strict=True))
    facts = facts_of(len(student), target=target)
    return evaluate(objective, given, facts, devices=devices)


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_the_loss_is_that_of_a_slow_loop_on_any_number_of_devices(devices: int) -> None:
    target = TARGET[..., :5]
    near: list[tuple[float, float]] = []
    far: list[tuple[float, float]] = []
    for b in range(6):
        for i in range(4):
            for j in range(i + 1, 4):
                near.append(
                    (cosine(STUDENT[b, i], STUDENT[b, j]), cosine(target[b, i], target[b, j]))
                )
                far.append(
                    (
                        cosine(STUDENT[b, i], STUDENT[b - 1, j]),
                        cosine(target[b, i], target[b - 1, j]),
                    )
                )
    mean = np.mean([cosine(STUDENT[b, i], target[b, i]) for b in range(6) for i in range(4)])
    r, near_r = (pearsonr(*np.array(x).T).statistic for x in (near + far, near))
    loss, metrics, gradients = losses(STUDENT, target, 0.3, devices)
    assert float(loss) == pytest.approx((1 - r) + (1 - near_r) + 0.3 * (1 - mean), abs=1e-5)
    assert float(metrics["near_correlation"]) == pytest.approx(near_r, abs=1e-5)
    # As on one device.
    for view, gradient in losses(STUDENT, target, 0.3)[2][0].items():
        np.testing.assert_allclose(gradients[0][view], gradient, atol=1e-6)


def test_a_teachers_space_may_be_turned_and_its_cosines_shifted_but_not_what_is_alike() -> None:
    turned = TARGET @ np.linalg.qr(RNG.normal(size=(8, 8)))[0].astype("f4")
    assert float(losses(turned, TARGET, 0.0)[0]) == pytest.approx(0, abs=1e-5)
    # One more number, the same for all, brings all vectors closer; each has length 1 before.
    unit = TARGET / np.linalg.norm(TARGET, axis=-1, keepdims=True)
    closer = np.concatenate([unit, np.full((6, 4, 1), 2, "f4")], axis=-1)
    assert float(losses(closer, TARGET, 0.0)[0]) == pytest.approx(0, abs=1e-5)
    swapped = TARGET[:, [1, 0, 2, 3]]
    assert float(losses(swapped, TARGET, 0.0)[0]) > 0.5


def test_a_teacher_of_another_width_needs_no_cosine() -> None:
    with pytest.raises(ValueError, match="cosine_weight"):
        losses(STUDENT, TARGET, 0.3)


def test_collapsed_embeddings_have_a_defined_loss() -> None:
    loss, _, gradients = losses(np.ones_like(STUDENT), TARGET, 0.0)
    assert float(loss) == pytest.approx(2)
    assert all(np.isfinite(x).all() for x in gradients[0].values())


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([np.random.default_rng(len(text)).normal(size=4) + 3 for text in texts])


def test_nearest_texts_are_those_of_a_full_sort_and_bring_their_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = [{"text": "x" * (n + 1)} for n in range(11)]
    monkeypatch.setattr(annotate_module, "PIECE", 4)
    annotate(source, SPEC, embed, tmp_path)
    found = annotated(source, tmp_path)
    vectors = embed([record["text"] for record in source])
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    spec = {"name": "with_nearest", "text": "text", "number": 2}
    maker = make_pair_maker(spec)
    for i in range(11):
        order = [j for j in np.argsort(-vectors @ vectors[i]).tolist() if j != i]
        assert found[i]["nearest"].tolist() == order[:3]
        example = maker(found[i], RNG)
        assert list(example.views) == ["anchor", "nearest_1", "nearest_2"]
        numbers = [len(str(text)) - 1 for text in example.views.values()]
        assert numbers[0] == i and len(set(numbers)) == 3 and set(numbers[1:]) <= set(order[:3])
        np.testing.assert_allclose(example.facts["target"], vectors[numbers], atol=1e-6)
    again = [make_pair_maker({**spec, "again": 0.5})(found[3], RNG) for _ in range(400)]
    same = [example for example in again if example.views["nearest_1"] == "x" * 4]
    assert len(same) / 400 == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(same[0].facts["target"][0], same[0].facts["target"][1])
    for changes, match in (({"number": 4}, "number"), ({"again": 1.5}, "again")):
        with pytest.raises(ValueError, match=match):
            make_pair_maker({**spec, **changes})(found[0], RNG)


def test_bad_settings_and_too_few_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="number"):
        make_objective({"name": "relations", "number": 1})
    with pytest.raises(ValueError, match="count"):
        annotate([{"text": "a"}], {**SPEC, "count": 0}, embed, tmp_path)
    with pytest.raises(ValueError, match="nearest"):
        annotate([{"text": "a"}] * 3, SPEC, embed, tmp_path)
    maker = make_pair_maker({"name": "with_nearest", "text": "text", "number": 2})
    with pytest.raises(ValueError, match="annotations"):
        maker({"text": "a"}, RNG)
