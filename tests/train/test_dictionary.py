"""The dictionary against n-grams of letters, and its regression against closed forms."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from pixel_linguist.model import EncoderConfig
from pixel_linguist.model.reading import Reader, distinct
from pixel_linguist.model.windows import decode_rows, map_cells
from pixel_linguist.render import Renderer
from pixel_linguist.train import closed_form
from pixel_linguist.train.closed_form import Texts, count_windows, solve_rows
from pixel_linguist.train.dictionary import (
    FREQUENCY_POWER,
    Cells,
    ClosedForm,
    Outputs,
    choose_letters,
    cut_cells,
    fill_buckets,
    principal,
    regress,
    whiten,
    whiten_map,
)

Make = Callable[..., EncoderConfig]
WORDS = ("banana", "bandana", "band", "an", "nab", "banana", "ann", "banana", "abba", "bnaana")
SETTINGS = {
    "texts": 10,
    "tolerance": 0.75,
    "penalty": 0.1,
    "iterations": 9,
    "rarity": 0.7,
    "whitening": 0.0,
    "fit": "target",
}


def pictures_of(words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct pictures of words, and how often each is there."""
    renderer = Renderer(family="cells", strategy="words", patch=(16, 64), max_patches=1)
    unique, inverse = distinct(renderer(words).patches[:, 0])
    return unique, np.bincount(inverse)


def cells_of(words: tuple[str, ...]) -> Cells:
    """Return the cells of words' pictures, a letter each."""
    return cut_cells(*pictures_of(words), 8)


@pytest.mark.parametrize("part", [2, 4096])
def test_windows_are_the_n_grams_of_letters(
    tiny_encoder: Make, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(closed_form, "PART", part)
    grams: Counter[str] = Counter()
    for word in WORDS:
        # Cells after the end of a word are blank, and windows with two of them are left out.
        padded = f" {word} "
        for size in (1, 2, 3):
            found = [padded[i : i + size] for i in range(len(padded) - size + 1)]
            grams.update(gram for gram in found if gram != " ")
        if len(word) >= 4:
            grams[f"{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]} in any order"] += 1
    patches, counts = pictures_of(WORDS)
    cells = cut_cells(patches, counts, 8)
    kernel, bias = whiten(cells, 4)
    layers = {"cell": {"kernel": kernel, "bias": bias}}
    letters = choose_letters(cells, map_cells(layers, cells.pixels), 9)
    assert len(letters) == len(set("".join(WORDS)))
    shape = {"patch_height": 16, "patch_width": 64, "cell_pixels": 8, "cell_width": 4}
    rows = {
        "window_rows": 8,
        "row_codes": 4,
        "fine_codes": 8,
        "letters": len(letters),
        "window_cells": 3,
    }
    reader = Reader(tiny_encoder(**shape, **rows), {**layers, "letters": letters})
    hashes, often = count_windows(reader, patches, counts)
    assert len(hashes) == len(grams)
    assert sorted(often) == sorted(grams.values())


def test_too_few_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the texts have 15 windows; model.window_rows asks 16"):
        fill_buckets(np.arange(15, dtype=np.uint32), np.ones(15), 2)


def test_cells_are_counted() -> None:
    cells = cells_of(WORDS)
    blank = ~cells.pixels.any(axis=1)
    expected = Counter(letter for word in WORDS for letter in word)
    assert sorted(cells.counts[~blank]) == sorted(expected.values())
    # Eight cells a patch, and one beside it on either side.
    assert cells.counts.sum() == len(WORDS) * 10


def test_letters_are_the_most_frequent_cells_that_are_not_alike() -> None:
    codes = np.array([[1, 0, 0], [0, 0.9, 0], [0, 0, 1], [0.1, 0.6, 0.5], [0, 0.1, 0.1], [1, 1, 1]])
    cells = Cells(np.array([[1.0], [1], [1], [1], [1], [0]]), np.array([9.0, 5, 4, 2, 1, 1]))
    # The fourth is read as the second, which is no less frequent; the fifth's code is too short,
    # and the last has no ink.
    np.testing.assert_array_equal(choose_letters(cells, codes, 9), codes[:3])
    np.testing.assert_array_equal(choose_letters(cells, codes, 2), codes[:2])
    more = cells._replace(counts=np.array([5.0, 4, 4, 2, 1, 1]))
    np.testing.assert_array_equal(choose_letters(more, codes, 1), codes[1:2])


def test_whitening_evens_out_variance() -> None:
    cells = cells_of(WORDS)
    kernel, bias = whiten(cells, 3)
    mapped = cells.pixels @ kernel + bias
    weight = cells.counts**FREQUENCY_POWER / (cells.counts**FREQUENCY_POWER).sum()
    np.testing.assert_allclose(weight @ mapped, 0, atol=1e-5)
    covariance = (mapped * weight[:, None]).T @ mapped
    assert np.trace(covariance) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
    assert np.diag(covariance).min() > 0.8 * np.diag(covariance).max()


def test_regression_is_ridge() -> None:
    rng = np.random.default_rng(0)
    features, targets = rng.random((30, 7), np.float32), rng.normal(size=(30, 4))
    features[rng.random(features.shape) < 0.5] = 0
    # One that is a thousand times as large as others.
    features[:, 2] *= 1000
    # Ridge regression as least squares with rows more.
    stacked = (
        np.vstack([features, np.sqrt(0.3) * np.eye(7)]),
        np.vstack([targets, np.zeros((7, 4))]),
    )
    expected = np.linalg.lstsq(*stacked, rcond=None)[0]
    solution, moment = regress(
        sparse.csr_array(features), targets.astype(np.float32), 0.3, iterations=14
    )
    np.testing.assert_allclose(solution, expected, atol=1e-4)
    found = features @ expected
    np.testing.assert_allclose(moment, found.T @ found, atol=1e-3)


def test_principal_directions_are_those_of_the_singular_values() -> None:
    x = np.random.default_rng(0).random((30, 7), np.float32)
    directions, moment = principal(sparse.csr_array(x), 3)
    _, values, axes = np.linalg.svd(x)
    np.testing.assert_allclose(np.abs(axes[:3] @ directions), np.eye(3)[::-1], atol=1e-4)
    np.testing.assert_allclose(np.diag(moment)[::-1], values[:3] ** 2, rtol=1e-4)


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


def test_rows_give_texts_what_they_should_mean(tiny_encoder: Make) -> None:
    rng = np.random.default_rng(0)
    config = tiny_encoder(
        **{"width": 16, "heads": 1, "cell_pixels": 2, "cell_width": 3, "window_cells": 2},
        **{"window_rows": 16, "row_codes": 4, "fine_codes": 8, "letters": 5, "final_norm": False},
    )
    x = (rng.random((2000, 16)) < 0.3).astype(np.float32)
    x[np.arange(2000), np.arange(2000) % 16] = 1
    # The first is in nearly every text.
    x[:1800, 0] = 1
    weight = (np.log(2000 / (1 + (x > 0).sum(axis=0))) + 1) ** 0.7
    targets = (x * weight) @ np.linalg.qr(rng.normal(size=(16, 16)))[0]
    settings = ClosedForm(**(SETTINGS | {"penalty": 1e-4, "iterations": 32}))  # type: ignore[arg-type]
    lengths = np.full(2000, 5)
    texts = Texts(sparse.csr_array(x), targets, lengths)
    found = solve_rows(config, settings, texts, 0)
    for name in ("codes", "fine_codes"):
        found[name] = found[name].astype(int)
    rows = decode_rows(found, np.arange(16))
    embedded = x @ rows / 5
    assert np.mean(embedded**2) == pytest.approx(1, abs=0.05)
    # Along other axes, but as near to each other.
    near = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (embedded, targets)]
    both = np.triu_indices(2000, 1)
    cosines = [(v @ v.T)[both] for v in near]
    np.testing.assert_allclose(cosines[0], cosines[1], atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": 1.0}, r"tolerance is 1.0; it must be in \(0, 1\)"),
        ({"penalty": 0.0}, "penalty is 0.0; it must be above 0"),
        ({"iterations": 0}, "iterations is 0; it must be at least 1"),
        ({"rarity": -1.0}, "rarity is -1.0; it must be at least 0"),
        ({"whitening": 1.5}, r"whitening is 1.5; it must be in \[0, 1\]"),
        ({"fit": "least"}, "fit is 'least'; choose one of"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClosedForm(**(SETTINGS | changes))  # type: ignore[arg-type]
