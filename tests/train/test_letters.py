"""Letters in disguise against what each stands for."""

import string
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.text import compose
from pixel_linguist.train.dictionary import ClosedForm, map_cells
from pixel_linguist.train.letters import Standing, cut_apart, matching_cells, solve_letters

SETTINGS = ClosedForm(texts=1, shortest=1, longest=1, tolerance=0.5, penalty=0.05, fit="letters")
DISGUISES: dict[str, Any] = {
    "change_case": {"rate": 1.0},
    "leetspeak": {"rate": 0.7},
    "add_diacritics": {"rate": 0.7},
}
RENDERER = Renderer(family="cells", strategy="words", patch=(16, 64), max_patches=16)


def draw(texts: list[str]) -> Any:
    """Return pictures of texts, of equal lengths."""
    rendered = RENDERER(texts)
    room = ((0, 0), (0, 16 - rendered.patches.shape[1]), (0, 0), (0, 0))
    return SimpleNamespace(patches=np.pad(rendered.patches, room), count=rendered.count)


def cells_of(word: str) -> np.ndarray:
    """Return the pictures of a word's letters, uint8 [letters, pixels]."""
    cells = cut_apart(draw([word]).patches[0, :1], 8)[0]
    return cells[cells.any(axis=(1, 2))].reshape(-1, 128)


def test_cells_of_two_views_match_one_for_one() -> None:
    # Of the third pair, the last word is longer in one view; of the fourth, words are missing.
    first = draw(["so is", "no", "ten to", "one two three"])
    second = draw(["5O i5", "NO", "TEN too", "one two"])
    one, other = matching_cells(first.patches, second.patches, (first.count, second.count), 8)
    np.testing.assert_array_equal(one, np.concatenate([*map(cells_of, ("so", "is", "no", "ten"))]))
    np.testing.assert_array_equal(
        other, np.concatenate([*map(cells_of, ("5O", "i5", "NO", "TEN"))])
    )


def test_what_stands_for_what_is_counted_both_ways() -> None:
    a, b, c = np.eye(3, 4, dtype=np.uint8)
    standing = Standing()
    standing.add(np.stack([a, a, b]), np.stack([a, b, b]))
    standing.add(np.stack([c, a]), np.stack([c, b]))
    pixels, counts = standing.counts()
    assert not pixels[0].any()
    place = {tuple(cell): number for number, cell in enumerate(pixels)}
    a_, b_, c_ = (place[tuple(cell)] for cell in (a, b, c))
    found = counts.toarray()[np.ix_([a_, b_, c_], [a_, b_, c_])]
    np.testing.assert_array_equal(found, [[2, 2, 0], [2, 2, 0], [0, 0, 2]])
    assert counts.toarray()[0, 1:].sum() == 0


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
    first, second = (draw([perturb(text, rng) for text in texts]) for _ in range(2))
    standing = Standing()
    standing.add(*matching_cells(first.patches, second.patches, (first.count, second.count), 8))
    encoder: Any = SimpleNamespace(cell_hidden=400, cell_width=24)
    return solve_letters(encoder, SETTINGS, standing)


def codes(params: dict[str, Any], word: str) -> np.ndarray:
    """Return the codes of a word's letters, one by one: they may be too many for a patch."""
    pictures = np.concatenate([cells_of(letter) for letter in word])
    return map_cells(params, pictures.astype(np.float32) / 255)


def test_letters_are_told_apart(solved: dict[str, Any]) -> None:
    own = codes(solved, string.ascii_lowercase)
    np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=0.05)
    alike = own @ own.T
    alike[np.diag_indices_from(alike)] = 0
    assert alike.max() < 0.5


@pytest.mark.parametrize(
    ("disguised", "means"),
    [("ABDEFGHKMNPQRTUVXY", "abdefghkmnpqrtuvxy"), ("4357", "aest"), ("êñöũ", "enou")],
)
def test_disguises_lie_where_their_letters_do(
    solved: dict[str, Any], disguised: str, means: str
) -> None:
    own, found = codes(solved, string.ascii_lowercase), codes(solved, disguised)
    nearest = (found @ own.T).argmax(axis=1)
    assert "".join(string.ascii_lowercase[i] for i in nearest) == means
    assert (found @ own.T).max(axis=1).min() > 0.6


def test_a_picture_that_was_never_seen_wakes_few(solved: dict[str, Any]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (50, 128)).astype(np.float32) / 255
    assert np.linalg.norm(map_cells(solved, noise), axis=1).max() < 1.001


def test_too_few_cells_are_refused() -> None:
    standing = Standing()
    standing.add(*[np.eye(3, 128, dtype=np.uint8)] * 2)
    encoder: Any = SimpleNamespace(cell_hidden=5, cell_width=2)
    with pytest.raises(ValueError, match=r"the texts have 4 cells; model.cell_hidden asks 5"):
        solve_letters(encoder, SETTINGS, standing)
