"""Examples are of the tasks' texts, and are left out where these do not allow them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.evaluate.embedding_geometry import Geometry
from pixel_linguist.evaluate.sts import STS
from pixel_linguist.inference import Embedder
from pixel_linguist.model import ViTEncoder
from pixel_linguist.render import Renderer
from pixel_linguist.report import examples
from pixel_linguist.report.examples import draw_examples, map_groups

SHORT = ("a cat", "a dog", "the door", "a mouse", "a hat")


def sts(first: tuple[str, ...], second: tuple[str, ...]) -> STS:
    return STS(first, second, tuple(map(float, range(len(first)))))


@pytest.fixture
def make_model(tiny_encoder: Callable[..., ViTEncoder]) -> Callable[[int], Embedder]:
    """Return a maker of untrained models, by seed, that read at most 8 patches."""
    vit = tiny_encoder(max_patches=8, width=16, depth=1)
    renderer = Renderer(patch=8, max_patches=8)
    return lambda seed: Embedder(vit, vit.init(seed), renderer, 4)


@pytest.mark.slow
def test_each_picture_has_what_it_needs(
    tmp_path: Path, make_model: Callable[[int], Embedder]
) -> None:
    short = {"sts": sts(SHORT, SHORT[1:] + SHORT[:1])}
    draw_examples(tmp_path / "one", [make_model(0)], short)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"neighbours.png", "map.svg"}
    draw_examples(tmp_path / "two", [make_model(0), make_model(1)], short)
    assert {path.name for path in (tmp_path / "two").iterdir()} - names == {"moved.png"}
    for path in (tmp_path / "two").glob("*.png"):
        assert np.asarray(Image.open(path).convert("L")).std() > 1
    draw_examples(tmp_path / "none", [make_model(0)], {})
    assert not (tmp_path / "none").exists()


def test_the_map_is_of_languages_where_they_are_known() -> None:
    sides = {"en": ("a", "b"), "de": ("c", "d")}
    tasks = {"sts-en": sts(("x",), ("y",)), "sts-de": sts(("z",), ("y",))}
    assert map_groups(tasks) == {"sts-en": ("x",), "sts-de": ("z",)}
    assert map_groups(tasks | {"geometry": Geometry(sides)}) == sides


class Turned:
    """Embeds the second sentences at angles to the first ones, and draws like a model."""

    renderer = Renderer()

    def __init__(self, angles: np.ndarray):
        self.angles = angles

    def __call__(self, texts: tuple[str, ...]) -> np.ndarray:
        angles = self.angles if texts[0].isupper() else 0 * self.angles
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_the_pairs_that_moved_most_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(examples, "save_texts", lambda renderer, rows, path: drawn.extend(rows))
    angles = 0.1 * np.arange(8)
    before, after = Turned(angles), Turned(angles[::-1])
    task = sts(tuple("abcdefgh"), tuple("ABCDEFGH"))
    examples.draw_moved(before, after, task, tmp_path / "moved.png")  # type: ignore[arg-type]
    # The last were the farthest apart and are the nearest; the first the other way round.
    assert [first for (_, first), _ in drawn] == ["h", "g", "f", "a", "b", "c"]
    for (label, first), (_, second) in drawn:
        place = "abcdefgh".index(first)
        assert second == first.upper()
        assert label == f"{np.cos(angles[place]):.2f} → {np.cos(angles[7 - place]):.2f}"
