"""The dictionary against n-grams of letters, and its regression against closed forms."""

from collections import Counter

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.model.reading import distinct
from pixel_linguist.model.windows import bag_letters
from pixel_linguist.render import Renderer
from pixel_linguist.train import dictionary
from pixel_linguist.train.closed_form import inverse_document_frequency
from pixel_linguist.train.dictionary import (
    FREQUENCY_POWER,
    Cells,
    ClosedForm,
    Normal,
    Outputs,
    add_texts,
    cut_cells,
    frequent_bags,
    frequent_windows,
    merge_cells,
    principal,
    regress,
    solve_symmetric,
    whiten,
    whiten_map,
)

WORDS = ("banana", "bandana", "band", "an", "nab", "banana", "ann", "banana", "abba")
SETTINGS = {
    "texts": 10,
    "shortest": 2,
    "longest": 3,
    "tolerance": 0.75,
    "penalty": 0.1,
    "whitening": 0.0,
    "fit": "target",
}


def cells_of(words: tuple[str, ...]) -> tuple[Cells, np.ndarray]:
    """Return the cells of words' pictures, a letter each, and how often each picture is there."""
    renderer = Renderer(family="cells", strategy="words", patch=(16, 64), max_patches=1)
    unique, inverse = distinct(renderer(words).patches[:, 0])
    counts = np.bincount(inverse)
    return cut_cells(unique, counts, 8), counts


def letters(cells: Cells) -> dict[int, str]:
    """Return which letter each cell is."""
    alphabet = sorted({letter for word in WORDS for letter in word})
    renderer = Renderer(family="cells", strategy="words", patch=(16, 64), max_patches=1)
    pictures = renderer(alphabet).patches[:, 0, :, :8].reshape(len(alphabet), -1) / 255
    same = [np.flatnonzero((cells.pixels == p.astype(np.float32)).all(1)) for p in pictures]
    return {int(place[0]): letter for place, letter in zip(same, alphabet, strict=True)} | {
        cells.blank: " "
    }


def test_windows_are_the_n_grams_of_letters() -> None:
    grams: Counter[str] = Counter()
    for word in WORDS:
        # Cells after the end of a word are blank, and windows with two of them are left out.
        padded = f" {word} "
        for size in (2, 3):
            grams.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    cells, counts = cells_of(WORDS)
    names = letters(cells)
    windows = frequent_windows(cells, counts, len(grams), 2, 3)
    found = ["".join(names[cell] for cell in window if cell >= 0) for window in windows]
    assert sorted(found) == sorted(grams)
    # The most frequent come first.
    ordered = [grams[gram] for gram in found]
    assert ordered == sorted(ordered, reverse=True)
    with pytest.raises(ValueError, match=rf"have {len(grams)} windows; model.patch_hidden asks"):
        frequent_windows(cells, counts, len(grams) + 1, 2, 3)


def test_cells_are_counted() -> None:
    cells, _ = cells_of(WORDS)
    names = letters(cells)
    expected = Counter(letter for word in WORDS for letter in word)
    found = dict(zip((names[i] for i in range(len(names))), cells.counts, strict=True))
    assert {name: n for name, n in found.items() if name != " "} == expected
    # Eight cells a patch, and one beside it on either side.
    assert cells.counts.sum() == len(WORDS) * 10


def test_cells_are_merged_with_more_frequent_ones_that_are_alike() -> None:
    codes = np.array([[1, 0, 0], [0, 1, 0], [0.8, 0.1, 0], [0, 0.1, 0.1], [0.1, 0.6, 0.6]])
    number = np.array([[0, 1, 2], [3, 4, -1]])
    pixels = np.arange(10.0).reshape(5, 2)
    cells = Cells(pixels, np.array([9.0, 5, 4, 2, 1]), number, blank=0)
    merged, kept = merge_cells(cells, codes, 9)
    # The third is read as the first, the last as the second; the fourth's code is too short.
    np.testing.assert_array_equal(kept, codes[:2])
    np.testing.assert_array_equal(merged.pixels, pixels[:2])
    np.testing.assert_array_equal(merged.counts, [13, 6])
    np.testing.assert_array_equal(merged.number, [[0, 1, 0], [-1, 1, -1]])
    assert merged.blank == 0
    fewer, kept = merge_cells(cells, codes, 1)
    np.testing.assert_array_equal(kept, codes[:1])
    np.testing.assert_array_equal(fewer.number, [[0, -1, 0], [-1, -1, -1]])


def test_whitening_evens_out_variance() -> None:
    cells, _ = cells_of(WORDS)
    kernel, bias = whiten(cells, 3)
    mapped = cells.pixels @ kernel + bias
    weight = cells.counts**FREQUENCY_POWER / (cells.counts**FREQUENCY_POWER).sum()
    np.testing.assert_allclose(weight @ mapped, 0, atol=1e-5)
    covariance = (mapped * weight[:, None]).T @ mapped
    assert np.trace(covariance) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
    assert np.diag(covariance).min() > 0.8 * np.diag(covariance).max()


@pytest.mark.parametrize("frequent", [3, 4096])
def test_regression_is_ridge_on_rows_of_length_one(
    frequent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of which units products are dense, and of which they are not.
    monkeypatch.setattr(dictionary, "FREQUENT", frequent)
    rng = np.random.default_rng(0)
    features, targets = rng.random((30, 7), np.float32), rng.normal(size=(30, 4))
    features[rng.random(features.shape) < 0.5] = 0
    normal = Normal(np.zeros((7, 7)), np.zeros((7, 4)))
    for rows in (slice(0, 10), slice(10, 30)):
        add_texts(normal, sparse.csr_array(features[rows]), targets[rows])
    x = features / np.linalg.norm(features, axis=1, keepdims=True)
    y = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    # Ridge regression as least squares with rows more.
    stacked = np.vstack([x, np.sqrt(0.3) * np.eye(7)]), np.vstack([y, np.zeros((7, 4))])
    expected = np.linalg.lstsq(*stacked, rcond=None)[0]
    directions, moment = principal(normal, 3)
    _, values, axes = np.linalg.svd(x)
    np.testing.assert_allclose(np.abs(axes[:3] @ directions), np.eye(3)[::-1], atol=1e-4)
    np.testing.assert_allclose(np.diag(moment)[::-1], values[:3] ** 2, atol=1e-4)
    solution, moment = regress(normal, 0.3)
    np.testing.assert_allclose(solution, expected, atol=1e-4)
    np.testing.assert_allclose(moment, (x @ expected).T @ (x @ expected), atol=1e-3)


@pytest.mark.parametrize("size", [3, 5, 10, 11])
def test_a_symmetric_system_is_solved_in_blocks(size: int) -> None:
    rng = np.random.default_rng(0)
    root, right = rng.normal(size=(12, 10)), rng.normal(size=(10, 4))
    matrix = root.T @ root
    found = solve_symmetric(np.triu(matrix), right, size)
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-9)


def test_a_map_is_whitened_by_degrees() -> None:
    rng = np.random.default_rng(0)
    features, solution = rng.random((200, 7), np.float32), rng.normal(size=(7, 4))
    plain = features @ solution
    own = Outputs(solution, plain.T @ plain)
    squares = np.linalg.svd(plain)[1] ** 2
    for share, width in ((0.0, 4), (0.3, 4), (1.0, 4), (0.3, 2)):
        outputs = features @ whiten_map(own, share, width)
        widest = squares[:width]
        expected = widest * (widest / widest.mean()) ** -share
        np.testing.assert_allclose(
            outputs.T @ outputs, np.diag(expected), atol=1e-3 * expected.max()
        )
    # Of the same cosines.
    turned = features @ whiten_map(own, 0.0, 4)
    np.testing.assert_allclose(turned @ turned.T, plain @ plain.T, rtol=1e-4)


def test_frequent_windows_weigh_less() -> None:
    blocks = [[[1.0, 0, 0], [1, 1, 0]], [[1.0, 0, 0.1]]]
    weight = inverse_document_frequency(sparse.csr_array(np.array(block)) for block in blocks)
    np.testing.assert_allclose(weight, np.log(3 / (1 + np.array([3, 1, 0]))) + 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shortest": 4}, "shortest 4 and longest 3 must be"),
        ({"tolerance": 1.0}, r"tolerance is 1.0; it must be in \(0, 1\)"),
        ({"penalty": 0.0}, "penalty is 0.0; it must be above 0"),
        ({"whitening": 1.5}, r"whitening is 1.5; it must be in \[0, 1\]"),
        ({"fit": "least"}, "fit is 'least'; choose one of"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClosedForm(**(SETTINGS | changes))  # type: ignore[arg-type]


def bags_of(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bags of words whose letters have codes at right angles, and their lengths."""
    letters = np.array([len(word) for word in words])
    codes = np.zeros((len(words), letters.max(), 26), np.float32)
    for number, word in enumerate(words):
        codes[number, np.arange(len(word)), [ord(letter) - ord("a") for letter in word]] = 1
    return bag_letters(codes, np.arange(letters.max()) < letters[:, None]), letters


def test_bags_are_of_the_most_frequent_long_words_and_forgive_scrambling() -> None:
    words = ["reading", "raeding", "the", "person", "mouths", "dealing"]
    bags, letters = bags_of(words)
    units = frequent_bags(bags, letters, np.array([9, 8, 20, 7, 5, 4]), 3)
    answers = np.maximum(bags @ units["kernel"] + units["bias"], 0)
    # "raeding" is "reading", "the" is short, and "dealing" comes too late.
    own = answers[[0, 3, 4], [0, 1, 2]]
    np.testing.assert_allclose(own, 1, atol=1e-5)
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    # It shares six letters and the last with "reading": 6 + 1 / 4 of 7 + 2 / 4.
    assert answers[5, 0] == pytest.approx((6.25 / 7.5 - 0.7) / 0.3, abs=1e-5)


def test_too_few_words_for_bags_are_refused() -> None:
    bags, letters = bags_of(["reading", "raeding", "the"])
    with pytest.raises(
        ValueError, match=r"the texts have 1 bags of letters; model.letter_bags asks 2"
    ):
        frequent_bags(bags, letters, np.ones(3), 2)
