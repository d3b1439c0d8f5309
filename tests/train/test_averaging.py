"""Greedy averages against a search by hand."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.train.averaging import greedy_average


def model(value: float) -> dict[str, Any]:
    return {"kernel": np.array([value], np.float32)}


def nearness(params: Any) -> float:
    """Be highest where the kernel is 1."""
    return -abs(float(params["kernel"][0]) - 1)


def test_models_join_the_best_first_and_only_if_they_help() -> None:
    # 0.5 is nearest; with 1.75 the mean is 1.125, nearer; with 9 it is farther.
    params, chosen, score = greedy_average([model(9), model(1.75), model(0.5)], nearness)
    assert chosen == [2, 1]
    assert params["kernel"] == 1.125 and score == -0.125


@given(st.lists(st.floats(-8, 8, width=16), min_size=1, max_size=6))
def test_the_average_is_no_worse_than_any_model(values: list[float]) -> None:
    models = [model(value) for value in values]
    params, chosen, score = greedy_average(models, nearness)
    assert score == nearness(params) >= max(map(nearness, models))
    mean = np.mean([models[place]["kernel"] for place in chosen], dtype=np.float32)
    np.testing.assert_allclose(params["kernel"], mean, rtol=1e-6)
