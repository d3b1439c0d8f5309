"""Clusters, shared tags, similarity of years and calibration, against loops and known truth."""

from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.calibration import calibrate, standardise
from pixel_linguist.evaluate.clustering import Clustering, SharedTags, similarity_of_years


def by_table(vectors: np.ndarray) -> Any:
    return lambda texts: vectors[[int(text) for text in texts]]


def test_clusters_that_stand_apart_are_found() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(10 * np.eye(4), 5, axis=0)
    records: Any = [
        {"texts": tuple(str(5 * c + i) for i in range(5)), "group": 7 + c} for c in range(4)
    ]
    task = Clustering.from_source(records)
    assert task.score(by_table(centres + rng.normal(size=(20, 4)))) == {
        "v_measure": 1.0,
        "precision@1": 1.0,
    }
    mixed = task.score(by_table(rng.normal(size=(20, 4))))
    assert mixed["v_measure"] < 0.7 and mixed["precision@1"] < 0.7
    assert len(Clustering.from_source(records, limit=2).texts()) == 8
    with pytest.raises(ValueError, match="clusters"):
        Clustering.from_source(records[:1])


def test_the_nearest_post_may_share_any_tag() -> None:
    records: Any = [{"posts": ("0 #a", "1", "2"), "post_tags": ((0,), (0, 1), (2,)), "group": 0}]
    task = SharedTags.from_source(records)
    assert task.posts == ("0", "1", "2")
    vectors = np.array([[1, 0], [0.9, 0.1], [0.8, 0.3]])
    assert task.score(by_table(vectors)) == {"precision@1": pytest.approx(2 / 3)}


def test_similarity_of_years_is_that_of_a_loop_and_1_on_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    years = [rng.normal(size=(n, 5)) for n in (4, 6, 3)]
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in years]
    expected = [[np.mean([max(a @ b for b in v) for a in u]) for v in unit] for u in unit]
    found = similarity_of_years(years)
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(np.diagonal(found), 1)


def test_calibration_recovers_a_rotation_and_leaves_equal_clouds() -> None:
    rng = np.random.default_rng(0)
    x = rng.exponential(size=(300, 6)) @ rng.normal(size=(6, 6))
    # Standardising commutes with a rotation of white data alone.
    white = standardise(x) @ np.linalg.inv(np.linalg.cholesky(np.cov(standardise(x).T))).T
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    turned = white @ turn + 0.01 * rng.normal(size=x.shape)
    for first, second in ((white, turned), (x, x)):
        a, b = calibrate(first, second)
        cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert np.median(cosine) > 0.95
    scaled, _ = calibrate(3 * x + 5, x, rotate=False)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    with pytest.raises(ValueError, match="2"):
        calibrate(x[:1], x)


def test_bitext_is_scored_after_calibration() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5))
    vectors = np.concatenate([x, 3 * x + 10])
    texts = tuple(map(str, range(80)))
    plain, scaled = (
        Bitext(texts[:40], texts[40:], how).score(by_table(vectors))["accuracy"]
        for how in ("", "scale")
    )
    assert scaled == 1.0 > plain
    source = {"name": "toy", "task": "parallel", "split": "dev", "size": 4, "seed": 0}
    source["languages"] = ("en", "vel")
    spec = {"name": "bitext", "source": source, "first": "sentence1", "second": "sentence2"}
    with pytest.raises(ValueError, match="calibrated"):
        make_task(".", {**spec, "calibrated": "shift"})
