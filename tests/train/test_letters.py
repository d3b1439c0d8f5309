"""Letters in disguise against what each stands for."""

import string
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pixel_linguist.model.windows import cut_apart, map_cells, narrower
from pixel_linguist.render import Renderer
from pixel_linguist.text import compose
from pixel_linguist.train.dictionary import ClosedForm
from pixel_linguist.train.letters import Standing, read_cells, solve_letters

SETTINGS = ClosedForm(
    texts=1, tolerance=0.5, penalty=0.05, iterations=1, rarity=0.0, whitening=0.0, fit="letters"
)
DISGUISES: dict[str, Any] = {
    "change_case": {"rate": 1.0},
    "leetspeak": {"rate": 0.7},
    "add_diacritics": {"rate": 0.7},
    "full_width": {"rate": 1.0},
}
ENCODER: Any = SimpleNamespace(cell_pixels=8, cell_scales=2, cell_hidden=400, cell_width=24)
RENDERER = Renderer(family="cells", strategy="words", patch=(16, 64), max_patches=16)


def draw(texts: list[str]) -> dict[str, np.ndarray]:
    """Return pictures of texts, all of 16 patches, and how many each needs."""
    rendered = RENDERER(texts)
    room = ((0, 0), (0, 16 - rendered.patches.shape[1]), (0, 0), (0, 0))
    return {"patches": np.pad(rendered.patches, room), "count": rendered.count}


def cells_of(word: str, scale: int = 0) -> list[bytes]:
    """Return the pictures of a word's letters."""
    cells = cut_apart(narrower(draw([word])["patches"][0, :1], scale), 8)[0] >> scale
    return [cell.astype(np.uint8).tobytes() for cell in cells[cells.any(axis=(1, 2))]]


def stands(first: list[str], second: list[str]) -> tuple[dict[tuple[bytes, bytes], int], Standing]:
    """Return how often which cell stands for which."""
    standing = Standing()
    standing.add_views(*(read_cells(ENCODER, **draw(texts)) for texts in (first, second)))
    pixels, counts = standing.counts()
    names = [cell.tobytes() for cell in pixels]
    found = counts.tocoo()
    return {
        (names[i], names[j]): int(n)
        for i, j, n in zip(*found.coords, found.data, strict=True)
        if i and j
    }, standing


def test_cells_of_texts_with_as_many_stand_for_each_other() -> None:
    # The third has a letter more in one view.
    found, _ = stands(["so is", "no", "ten to"], ["5O i5", "NO", "TEN too"])
    expected: Counter[tuple[bytes, bytes]] = Counter()
    for one, other in (("so", "5O"), ("is", "i5"), ("no", "NO")):
        for pair in zip(cells_of(one), cells_of(other), strict=True):
            expected[pair] += 1
            expected[pair[::-1]] += 1
    assert found == expected


def test_wide_letters_stand_for_narrow_ones() -> None:
    found, standing = stands(["go to"], ["ＧＯ ｔｏ"])
    wide = cells_of("ＧＯ", 1) + cells_of("ｔｏ", 1)
    narrow = cells_of("go") + cells_of("to")
    assert all(found[pair] for pair in zip(narrow, wide, strict=True))
    assert {cell for pair in found for cell in pair} == {*wide, *narrow}
    # Their halves do not.
    assert {*standing.nothing} == {*cells_of("ＧＯ"), *cells_of("ｔｏ")}


def test_what_is_read_too_narrow_stands_for_nothing() -> None:
    _, standing = stands(["go"], ["GO"])
    assert set(standing.nothing) == {*cells_of("go", 1), *cells_of("GO", 1)}
    pixels, often = standing.empty()
    assert {cell.tobytes() for cell in pixels} == set(standing.nothing)
    np.testing.assert_array_equal(often, 1)


@pytest.fixture(scope="module")
def solved() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    # Letters as often as in English, roughly.
    often = np.array(
        [8, 2, 3, 4, 12, 2, 2, 6, 7, 1, 1, 4, 3, 7, 8, 2, 1, 6, 6, 9, 3, 1, 2, 1, 2, 1]
    )
    letters = np.array([*string.ascii_lowercase])
    words = ["".join(rng.choice(letters, 6, p=often / often.sum())) for _ in range(6000)]
    texts = [" ".join(words[i : i + 6]) for i in range(0, len(words), 6)]
    perturb = compose(DISGUISES, 0.6, 0.3)
    first, second = (
        read_cells(ENCODER, **draw([perturb(text, rng) for text in texts])) for _ in range(2)
    )
    standing = Standing()
    standing.add_views(first, second)
    return solve_letters(ENCODER, SETTINGS, standing)


def codes(params: dict[str, Any], word: str, scale: int = 0) -> np.ndarray:
    """Return the codes of letters, one by one: they may be too many for a patch."""
    pictures = b"".join(cells_of(letter, scale)[0] for letter in word)
    pixels = np.frombuffer(pictures, np.uint8).reshape(len(word), -1)
    return map_cells(params, pixels.astype(np.float32) / 255)


def test_letters_are_told_apart(solved: dict[str, Any]) -> None:
    own = codes(solved, string.ascii_lowercase)
    np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=0.2)
    alike = own @ own.T
    alike[np.diag_indices_from(alike)] = 0
    # The nearest are i and l, which 1 stands for both.
    assert alike.max() < 0.75


@pytest.mark.parametrize(
    ("disguised", "means", "scale"),
    [
        ("ABDEFGHKMNPQRTUVXY", "abdefghkmnpqrtuvxy", 0),
        ("4357", "aest", 0),
        ("êñöũ", "enou", 0),
        ("ａｅｎｓ", "aens", 1),
    ],
)
def test_disguises_lie_where_their_letters_do(
    solved: dict[str, Any], disguised: str, means: str, scale: int
) -> None:
    own, found = codes(solved, string.ascii_lowercase), codes(solved, disguised, scale)
    nearest = (found @ own.T).argmax(axis=1)
    assert "".join(string.ascii_lowercase[i] for i in nearest) == means
    assert (found @ own.T).max(axis=1).mean() > 0.7


def test_a_picture_that_was_never_seen_wakes_few(solved: dict[str, Any]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (50, 128)).astype(np.float32) / 255
    assert np.linalg.norm(map_cells(solved, noise), axis=1).max() < 1.001


def test_two_letters_squeezed_into_a_cell_are_none(solved: dict[str, Any]) -> None:
    pairs = [letter + other for letter in "aenst" for other in "aenst"]
    pictures = np.frombuffer(b"".join(cells_of(pair, 1)[0] for pair in pairs), np.uint8)
    found = map_cells(solved, pictures.reshape(len(pairs), -1).astype(np.float32) / 255)
    assert np.linalg.norm(found, axis=1).mean() < 0.2


def test_too_few_cells_are_refused() -> None:
    _, standing = stands(["it"], ["it"])
    with pytest.raises(ValueError, match=r"the texts have 3 cells; model.cell_hidden asks 400"):
        solve_letters(ENCODER, SETTINGS, standing)
