"""Each input once, in full rows, in few shapes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.packing import lengths, most_inputs, pack, plan, room

COUNTS = st.lists(st.integers(1, 64), max_size=200)


@given(counts=COUNTS, batch=st.integers(1, 20), single=st.integers(1, 4), most=st.integers(1, 16))
def test_a_plan_holds_each_input_once_in_rows_of_their_length(
    counts: list[int], batch: int, single: int, most: int
) -> None:
    batches = [*plan(np.array(counts, int), batch * single, single, 64, most)]
    found = [row for batch in batches for packed in batch.rows for row in packed]
    assert sorted(found) == [*range(len(counts))]
    for each in batches:
        assert 1 <= len(each.rows) <= each.size <= batch * single and each.size % single == 0
        for packed in each.rows:
            assert 1 <= len(packed) <= most
            assert sum(counts[row] for row in packed) <= each.length <= 64


@pytest.mark.parametrize("single", [1, 4])
@pytest.mark.parametrize("longest", [5, 64, 529])
def test_plans_are_of_at_most_8_shapes(longest: int, single: int) -> None:
    rng = np.random.default_rng(0)
    shapes = set()
    for most in (1, most_inputs(longest, True), most_inputs(longest, False)):
        for number in (*range(1, 40), 400):
            for highest in range(1, longest + 1, longest // 5):
                counts = rng.integers(1, highest + 1, number)
                batches = plan(counts, 64, single, longest, most)
                shapes |= {(batch.size, batch.length) for batch in batches}
    assert len(shapes) <= 8


@pytest.mark.parametrize("mean", [6, 12, 20, 35])
def test_rows_of_sentences_are_nearly_full(mean: int) -> None:
    counts = np.random.default_rng(0).gamma(4, mean / 4, 1024).astype(int).clip(1, 64)
    rows = pack(counts, room(64), most_inputs(64, False))
    assert counts.sum() / (64 * len(rows)) > 0.97


def test_what_is_longer_than_a_strip_of_several_stands_alone() -> None:
    assert pack(np.array([3, 90, 64, 60, 1, 30, 5]), 64, 16) == [[1], [2], [3, 0, 4], [5, 6]]


@pytest.mark.parametrize("most", [1, 5, 8, 9, 16, 33, 64, 529, 4096])
def test_lengths_are_few_and_reach_the_most(most: int) -> None:
    found = lengths(most)
    assert len(found) <= 6 and found == sorted(set(found)) and found[-1] == most
    assert room(most) in found and most_inputs(most, True) >= 1
