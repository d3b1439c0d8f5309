"""How often perturbations change what, against closed forms over many draws."""

import itertools
from collections import Counter
from collections.abc import Callable
from math import factorial, sqrt

import numpy as np
import pytest

from pixel_linguist.text import PERTURBATIONS
from pixel_linguist.text.character_noise import (
    delete_characters,
    scramble_inner_letters,
    substitute_characters,
    transpose_characters,
)
from pixel_linguist.text.word_noise import (
    change_whitespace,
    drop_words,
    shuffle_words,
    shuffle_words_within_window,
)

DRAWS = 400
DEVANAGARI = "कि" * 20
WORDS = " ".join(f"wOrd{number}" for number in range(20))
LETTERS = "the quick brown fox" * 3
ATTACKED = "a" * 50


def mean_over_draws(
    count: Callable[[str], int], text: str, perturbation: Callable[..., str], rate: float
) -> float:
    rng = np.random.default_rng(7)
    return float(np.mean([count(perturbation(text, rng, rate=rate)) for _ in range(DRAWS)]))


def differing(text: str, unit: int = 1) -> Callable[[str], int]:
    return lambda output: sum(
        output[index : index + unit] != text[index : index + unit]
        for index in range(0, len(text), unit)
    )


def other_words(text: str) -> Callable[[str], int]:
    return lambda output: sum(a != b for a, b in zip(output.split(), text.split(), strict=True))


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize(
    ("name", "text", "changed", "units"),
    [
        ("substitute_characters", LETTERS, differing(LETTERS), 48),
        ("keyboard_neighbours", LETTERS, differing(LETTERS), 48),
        ("keyboard_neighbours", DEVANAGARI, differing(DEVANAGARI, 2), 20),
        ("insert_characters", LETTERS, lambda output: len(output) - len(LETTERS), 48),
        ("delete_characters", LETTERS, lambda output: len(LETTERS) - len(output), 48),
        ("repeat_characters", LETTERS, lambda output: len(output) - len(LETTERS), 48),
        ("drop_words", WORDS, lambda output: 20 - len(output.split()), 20),
        ("repeat_words", WORDS, lambda output: len(output.split()) - 20, 20),
        ("change_case", WORDS, other_words(WORDS), 20),
        ("look_alikes", ATTACKED, lambda output: 50 - output.count("a"), 50),
        ("leetspeak", ATTACKED, lambda output: 50 - output.count("a"), 50),
        ("full_width", ATTACKED, lambda output: 50 - output.count("a"), 50),
        ("add_diacritics", ATTACKED, lambda output: len(output) - 50, 50),
        ("insert_zero_width", ATTACKED, lambda output: len(output) - 50, 50),
    ],
)
def test_the_share_that_changes_is_the_rate(
    name: str, text: str, changed: Callable[[str], int], units: int, rate: float
) -> None:
    deviation = sqrt(units * rate * (1 - rate) / DRAWS)
    mean = mean_over_draws(changed, text, PERTURBATIONS[name], rate)
    assert mean == pytest.approx(units * rate, abs=5 * deviation)


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_share_of_transposed_clusters(rate: float) -> None:
    # Expected number of moved clusters by length of the word, by recursion over its first cluster.
    swap = rate / (2 - rate)
    moved = [0.0, 0.0]
    for _ in range(2, 1001):
        moved.append(swap * (2 + moved[-2]) + (1 - swap) * moved[-1])
    text = "abcdefghijklmnopqrst uvw x"
    mean = mean_over_draws(differing(text), text, transpose_characters, rate)
    tolerance = 5 * sqrt(2 * 24 / DRAWS) * (rate < 1) + 1e-9
    assert mean == pytest.approx(moved[20] + moved[3], abs=tolerance)
    assert moved[1000] / 1000 == pytest.approx(rate, abs=1e-2)


@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_share_of_displaced_words(rate: float) -> None:
    # A random permutation has one fixed point on average, whatever its length.
    expected = 20 * rate - (1 - (1 - rate) ** 20)
    mean = mean_over_draws(other_words(WORDS), WORDS, shuffle_words, rate)
    assert mean == pytest.approx(expected, abs=5 * sqrt(20 / DRAWS))


def test_share_of_scrambled_words() -> None:
    text = " ".join(["xabcdx"] * 10 + ["abc"] * 5)
    mean = mean_over_draws(other_words(text), text, scramble_inner_letters, 0.5)
    assert mean == pytest.approx(10 * 0.5 * (1 - 1 / factorial(4)), abs=5 * sqrt(2.5 / DRAWS))


def test_whitespace_is_removed_doubled_or_inserted_equally_often() -> None:
    text = " ".join(["abcd"] * 31)
    rng = np.random.default_rng(3)
    outputs = [change_whitespace(text, rng, rate=0.6) for _ in range(DRAWS)]
    removed = np.array([output.count("da") for output in outputs])
    doubled = np.array([output.count("  ") for output in outputs])
    # Of the spaces, a removed gap takes one away and the two other ways add one.
    inserted = [output.count(" ") - 30 for output in outputs] + removed - doubled
    for counts in (removed, doubled, inserted):
        assert counts.mean() == pytest.approx(30 * 0.2, abs=5 * sqrt(30 * 0.2 * 0.8 / DRAWS))


def test_all_permutations_are_equally_likely() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(shuffle_words("a b c", rng, rate=1.0) for _ in range(3000))
    assert set(counts) == {" ".join(order) for order in itertools.permutations("abc")}
    assert all(abs(count - 500) < 5 * sqrt(500 * 5 / 6) for count in counts.values())


def test_all_orders_with_inversions_only_within_the_window_are_reached() -> None:
    rng = np.random.default_rng(0)
    reached = {shuffle_words_within_window("0 1 2 3", rng, rate=1.0, window=2) for _ in range(3000)}
    assert reached == {
        " ".join(map(str, order))
        for order in itertools.permutations(range(4))
        if all(right - left >= -2 for left, right in itertools.combinations(order, 2))
    }


@pytest.mark.parametrize("perturbation", [drop_words, delete_characters])
def test_the_unit_that_stays_of_all_is_drawn_uniformly(perturbation: Callable[..., str]) -> None:
    rng = np.random.default_rng(0)
    counts = Counter(perturbation("a b c", rng, rate=1.0).strip() for _ in range(3000))
    assert set(counts) == set("abc")
    assert all(abs(count - 1000) < 5 * sqrt(1000 * 2 / 3) for count in counts.values())


def test_substitutes_are_drawn_uniformly_from_the_other_letters() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(substitute_characters("E" * 10_000, rng, rate=1.0))
    assert set(counts) == set("ABCDFGHIJKLMNOPQRSTUVWXYZ")
    assert all(abs(count - 400) < 5 * sqrt(400) for count in counts.values())
    assert set(substitute_characters("한글말한글말", rng, rate=1.0)) <= set("한글말")
    assert substitute_characters("한", rng, rate=1.0) == "한"
