"""Alignment and uniformity in closed form."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_linguist.objective.geometry import (
    alignment,
    log_mean_potential,
    normalise,
    potential,
    uniformity,
)


def circle(count: int) -> np.ndarray:
    angles = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def spread(anchors: np.ndarray, others: np.ndarray, different: np.ndarray) -> float:
    return float(uniformity(*map(jnp.asarray, (anchors, others, different))))


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3).filter(
        lambda x: np.linalg.norm(x) > 1e-3
    )
)
@settings(deadline=None, max_examples=50)
def test_normalise_gives_unit_length_and_keeps_direction(x: list[float]) -> None:
    vector = np.array(x, np.float32)
    scaled = np.asarray(normalise(jnp.asarray(vector)))
    np.testing.assert_allclose(scaled, vector / np.linalg.norm(vector.astype(float)), atol=1e-6)


def test_zero_stays_zero_with_a_zero_gradient() -> None:
    zero = jnp.zeros((2, 3))
    assert not np.any(normalise(zero))
    gradient = jax.grad(lambda x: normalise(x).sum() ** 2)(zero)
    assert np.array_equal(gradient, zero)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, math.pi])
def test_alignment_of_a_rotation(angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    found = alignment(jnp.asarray(circle(7)), jnp.asarray(circle(7) @ turn.T))
    assert float(found) == pytest.approx(2 - 2 * math.cos(angle), abs=1e-6)


def test_uniformity_of_points_on_a_circle_at_once_and_row_by_row() -> None:
    points, different = circle(12), ~np.eye(12, dtype=bool)
    distances = [2 - 2 * math.cos(2 * math.pi * k / 12) for k in range(1, 12)]
    expected = math.log(sum(math.exp(-2 * d) for d in distances) / 11)
    assert spread(points, points, different) == pytest.approx(expected, rel=1e-5)
    total, number = potential(jnp.asarray(points @ points.T), jnp.asarray(different))
    np.testing.assert_allclose(total, np.full(12, 11 * math.exp(expected)), rtol=1e-4)
    assert number.tolist() == [11] * 12
    assert float(log_mean_potential(total[3], number[3])) == pytest.approx(expected, rel=1e-4)


def test_uniformity_counts_the_pairs_named_alone_and_ranges_from_one_point_to_two_poles() -> None:
    one_point, others = np.ones((3, 1), np.float32), ~np.eye(3, dtype=bool)
    assert spread(one_point, one_point, others) == pytest.approx(0, abs=1e-6)
    points = circle(4)
    for pairs, expected in (([(0, 2)], -8), ([(0, 1)], -4), ([], -8)):
        different = np.zeros((4, 4), bool)
        for pair in pairs:
            different[pair] = True
        assert spread(points, points, different) == pytest.approx(expected, abs=1e-4)
