"""A patch embedded by windows, against the slow obvious sum."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_linguist.model import EncoderConfig, encode, init_params
from pixel_linguist.model.windows import (
    ALIKE,
    SHORTEST,
    WindowFeatures,
    decode_rows,
    find_rows,
    hash_letters,
    hash_windows,
    name_cells,
)
from pixel_linguist.train.dictionary import fill_buckets

Make = Callable[..., EncoderConfig]
CELLS: dict[str, Any] = {
    "cell_pixels": 2,
    "cell_width": 5,
    "window_cells": 3,
    "window_rows": 24,
    "row_codes": 4,
    "fine_codes": 8,
    "letters": 7,
    "final_norm": False,
}


def some_patches(number: int, cells: int, *, pictures: int = 12) -> np.ndarray:
    """Return patches uint8 [N, 8, 2 cells] of so many different cells, a blank one among them."""
    rng = np.random.default_rng(0)
    alphabet = rng.integers(0, 256, (pictures, 8, 2)).astype(np.uint8)
    alphabet[0] = 0
    chosen = alphabet[rng.integers(0, pictures, (number, cells))]
    return chosen.transpose(0, 2, 1, 3).reshape(number, 8, 2 * cells)


def squeeze(patch: np.ndarray, times: int) -> np.ndarray:
    """Return the sums of so many columns [H, W / times]."""
    return np.stack([patch[:, i::times].astype(int) for i in range(times)]).sum(axis=0)


def slow_code(params: Any, cell: np.ndarray, times: int) -> np.ndarray:
    """Map one cell's pixels to its numbers."""
    cell = cell.reshape(-1) / (255 * times)
    if "cell_hidden" in params:
        hidden = cell @ params["cell_hidden"]["kernel"] + params["cell_hidden"]["bias"]
        cell = np.maximum(hidden, 0)
    code = cell @ params["cell"]["kernel"] + params["cell"]["bias"]
    return code / max(np.sqrt((code**2).sum()), 1)


def slow_name(params: Any, cell: np.ndarray, times: int) -> Any:
    """Return what one cell is read as: None, a letter's number, its own pixels, or "?"."""
    if not cell.any():
        return None
    code = slow_code(params, cell, times)
    answers = [letter @ code / np.sqrt(letter @ letter) for letter in params["letters"]]
    if max(answers) >= ALIKE:
        return int(np.argmax(answers))
    return "?" if times > 1 else cell.astype(np.uint8).tobytes()


def slow_windows(params: Any, patch: np.ndarray, times: int, longest: int) -> list[tuple[Any, ...]]:
    """Return the windows of one patch [H, W], letter by letter."""
    cells = [patch[:, i : i + 2] for i in range(0, patch.shape[1], 2)]
    names = [None, *(slow_name(params, cell, times) for cell in cells), None]
    found = []
    for length in range(1, longest + 1):
        for first in range(len(names) - length + 1):
            window = tuple(names[first : first + length])
            inner_blank = None in window[1:-1]
            if "?" not in window and not inner_blank and any(n is not None for n in window):
                found.append(window)
    spelled = [name for name in names if name is not None]
    if len(spelled) >= SHORTEST and "?" not in spelled:
        inner = sorted(spelled[1:-1], key=repr)
        found.append(("in any order", spelled[0], *inner, spelled[-1]))
    return found


def slow_row(params: Any, number: int) -> np.ndarray:
    """Return one row, number by number."""
    row = np.zeros(12)
    bucket, within = divmod(number, 8)
    levels = [("codes", "book", number), ("fine_codes", "fine_book", 4 * bucket + within)]
    for codes, book, place in levels[: 2 if within < 4 else 1]:
        named, vectors = params[codes][place].astype(int), params[book]
        size = len(vectors)
        row += [vectors[d % size, named[d % size], d // size] for d in range(12)]
    return params["scales"][number] * row


def drawn(layer: WindowFeatures, patches: np.ndarray) -> Any:
    """Return parameters of which some cells are like letters and others are not."""
    params = layer.init(jax.random.key(1), patches)["params"]
    params = jax.tree.map(np.asarray, params)
    params["cell"]["kernel"] = params["cell"]["kernel"] * 2
    return params


@pytest.mark.parametrize(
    ("cell_hidden", "scales"), [pytest.param(0, 1, marks=pytest.mark.slow), (9, 1), (9, 3)]
)
def test_features_are_the_sum_of_the_rows_of_windows(cell_hidden: int, scales: int) -> None:
    layer = WindowFeatures(2, scales, cell_hidden, 5, 3, 7, 24, 4, 6, 12, jnp.dtype("float32"))
    patches = some_patches(20, 8)
    params = drawn(layer, patches)
    read = [
        [slow_windows(params, squeeze(p, 1 << s), 1 << s, 3) for s in range(scales)]
        for p in patches
    ]
    # Rows as they are drawn, which answer to every window; then to some of them alone.
    hashes = hashes_of(params, patches)
    some = np.array(sorted(hashes.values()), np.uint32)[::2]
    prints = fill_buckets(some, np.arange(len(some)), 3)
    kinds = {kind for of_patch in read for windows in of_patch for kind in sum(windows, ())}
    assert {int, bytes} <= {type(kind) for kind in kinds}
    for chosen in (params["prints"], prints.astype(np.float32)):
        own = {**params, "prints": chosen}
        found = np.asarray(layer.apply({"params": own}, patches))
        known = 0
        for of_patch, features in zip(read, found, strict=True):
            expected = np.zeros(12)
            for windows in of_patch:
                for window in windows:
                    row, there = find_rows(
                        np.array([hash_of(window)], np.uint32), chosen.astype(int)
                    )
                    known += there[0]
                    expected += slow_row(own, int(row[0])) if there[0] else 0
            np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4)
        assert known > 20


def hash_of(window: tuple[Any, ...]) -> int:
    """Return the hash of one window of names, as `slow_windows` gives them."""
    whole = window[0] == "in any order"
    window = window[1:] if whole else window
    pixels = np.zeros((len(window), 16), np.uint8)
    letters = np.eye(9, dtype=np.float32)[:7]
    codes = np.zeros((len(window), 9), np.float32)
    for place, name in enumerate(window):
        if isinstance(name, int):
            codes[place, name], pixels[place] = 1, 1
        elif name is not None:
            pixels[place] = np.frombuffer(name, np.uint8)
    names, told = name_cells(codes, letters, pixels, 0)
    if whole:
        return int(hash_letters(names[None], names[None] > 0, told[None])[0][0, 0])
    every = hash_windows(names[None], names[None] > 0, told[None], len(window))
    # A blank cell was put on either side.
    return int(every[-1][0][0, 1])


def hashes_of(params: Any, patches: np.ndarray) -> dict[Any, int]:
    """Return the hash of each distinct window of patches."""
    windows = {w for patch in patches for w in slow_windows(params, squeeze(patch, 1), 1, 3)}
    return {window: hash_of(window) for window in windows}


def test_different_windows_have_different_hashes() -> None:
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 24, 4, 6, 12, jnp.dtype("float32"))
    patches = some_patches(20, 8)
    hashes = hashes_of(drawn(layer, patches), patches)
    assert len(set(hashes.values())) == len(hashes) > 100


@given(st.lists(st.integers(0, 2**32 - 1), min_size=24, max_size=200, unique=True))
def test_a_bucket_keeps_its_most_frequent_windows(numbers: list[int]) -> None:
    hashes = np.array(numbers, np.uint32)
    counts = np.arange(len(hashes))
    row, there = find_rows(hashes, fill_buckets(hashes, counts, 3))
    for bucket in range(3):
        inside = np.flatnonzero(hashes % 3 == bucket)
        np.testing.assert_array_equal(there[inside[-8:]], True)
        assert set(row[inside[-8:]]) <= set(range(8 * bucket, 8 * bucket + 8))


def test_rows_are_decoded_number_by_number() -> None:
    rng = np.random.default_rng(0)
    coded = {
        "codes": rng.integers(0, 256, (16, 4)),
        "fine_codes": rng.integers(0, 256, (8, 6)),
        "scales": rng.random(16),
        "book": rng.normal(size=(4, 256, 3)),
        "fine_book": rng.normal(size=(6, 256, 2)),
    }
    expected = [slow_row(coded, number) for number in range(16)]
    np.testing.assert_allclose(decode_rows(coded, np.arange(16)), expected)
    assert decode_rows(coded, np.arange(0)).shape == (0, 12)
    turned = decode_rows(coded, np.arange(16)[::-1].reshape(2, 8))
    np.testing.assert_allclose(turned.reshape(16, 12)[::-1], expected)


def test_a_word_whose_inner_letters_change_places_has_one_hash() -> None:
    names = np.array(
        [[3, 1, 2, 4, 0, 0], [3, 2, 1, 4, 0, 0], [1, 3, 2, 4, 0, 0], [3, 1, 2, 0, 0, 0]]
    )
    names = np.concatenate([names, [[3, 1, 1, 4, 0, 0]]]).astype(np.uint32)
    told = np.ones_like(names, bool)
    hashes, there = hash_letters(names, names > 0, told)
    np.testing.assert_array_equal(there[:, 0], [True, True, True, False, True])
    assert hashes[0] == hashes[1]
    assert len({int(h) for h in hashes[[0, 2, 4], 0]}) == 3
    told[0, 2] = False
    assert not hash_letters(names, names > 0, told)[1][0, 0]


def test_a_letter_brings_the_same_wherever_it_stands() -> None:
    layer = WindowFeatures(2, 1, 0, 5, 3, 7, 24, 4, 6, 12, jnp.dtype("float32"))
    letter = np.random.default_rng(0).integers(0, 256, (8, 2)).astype(np.uint8)
    patches = np.zeros((3, 8, 12), np.uint8)
    for patch, column in zip(patches, (0, 4, 10), strict=True):
        patch[:, column : column + 2] = letter
    params = layer.init(jax.random.key(0), patches)
    first, *others = np.asarray(layer.apply(params, patches))
    assert first.any()
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_what_is_like_no_letter_is_read_by_its_pixels_but_not_narrower() -> None:
    letters, codes = np.eye(2, 3, dtype=np.float32), np.zeros((3, 3), np.float32)
    codes[0, 1] = ALIKE
    pixels = np.array([[9, 0], [9, 0], [8, 0]], np.uint8)
    for given_as in (np.asarray, jnp.asarray):
        own: tuple[Any, Any, Any] = (given_as(codes), given_as(letters), given_as(pixels))
        names, told = name_cells(*own, scale=0)
        assert names[0] == 2
        assert len({int(name) for name in names}) == 3
        assert np.all(told)
        np.testing.assert_array_equal(name_cells(*own, scale=1)[1], [True, False, False])


def test_blank_cells_have_finite_gradients() -> None:
    layer = WindowFeatures(2, 1, 7, 5, 3, 7, 24, 4, 6, 12, jnp.dtype("float32"))
    blank = np.zeros((1, 8, 12), np.uint8)
    params = layer.init(jax.random.key(0), blank)
    gradients = jax.grad(lambda p: jnp.sum(layer.apply(p, blank)))(params)  # type: ignore[arg-type]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


@pytest.mark.slow
def test_without_the_final_norm_a_mean_weighs_long_vectors_more(tiny_encoder: Make) -> None:
    config = tiny_encoder(**CELLS, depth=1, head="none")
    params = init_params(config, 0)
    silent = jax.tree.map(np.zeros_like, params["blocks"])
    params |= {"blocks": silent, "positions": np.zeros_like(params["positions"])}
    patches = jnp.asarray(np.random.default_rng(0).integers(0, 256, (1, 2, 8, 8), np.uint8))
    outputs = encode(config, params, patches, jnp.array([2]))
    alone = [
        np.asarray(encode(config, params, patches[:, i : i + 1], jnp.array([1]))["embedding"][0])
        for i in range(2)
    ]
    np.testing.assert_allclose(outputs["embedding"][0], np.mean(alone, axis=0), atol=1e-6)
    assert "norm" not in params


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell_pixels": 3}, "cell_pixels 3 does not divide the patch's width, 8"),
        ({"cell_scales": 4}, "cell_pixels 2 does not .*, at each of 4 model.cell_scales"),
        ({"window_cells": 0}, "must be at least 1; they are 5, 0"),
        ({"window_rows": 20}, "window_rows is 20; .* a multiple of 8, above 0"),
        ({"window_rows": 0}, "window_rows is 0"),
        ({"row_codes": 5}, "row_codes is 5; it must divide model.width, 32"),
        ({"row_codes": 0}, "row_codes is 0"),
        ({"fine_codes": 5}, "fine_codes is 5; it must divide model.width, 32"),
        ({"patch_hidden": 9}, "model.patch_hidden 0"),
        ({"letters": 0}, "letters is 0; with model.cell_pixels it must be 1 to 2048"),
        ({"letters": 2049}, "letters is 2049"),
        ({"channels": 3}, "cell_pixels needs model.channels 1"),
    ],
)
def test_impossible_cells_are_refused(
    tiny_encoder: Make, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tiny_encoder(**(CELLS | changes))
