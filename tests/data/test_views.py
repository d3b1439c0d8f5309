"""Examples to pixels: the same pictures, whichever host or process draws them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.data.example import Content, Example
from pixel_linguist.data.loader import make_batches, make_examples, preview
from pixel_linguist.data.views import OneStyle, Pair, ViewPipeline
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.render.patches import PADDING
from pixel_linguist.render.styles import compose_styles
from tests.data.pipeline import (
    assert_same,
    settings,
    stop_and_resume,
    take,
    tsv,
)

pytestmark = pytest.mark.usefixtures("parsed_flags")

VIEWS = ("anchor", "positive", "negative")
BATCH, LENGTH = 8, 6
STYLES: dict[str, Any] = {
    "family": {"strength": 0.5, "families": ("mono",)},
    "size": {"strength": 1.0},
    "spacing": {"strength": 1.0},
}
RENDERER = Renderer(patch=8, max_patches=8)
ONE_STYLE = OneStyle(RENDERER)


def render(styled: bool) -> Any:
    return StyledRenderer(RENDERER, compose_styles(STYLES, 1)) if styled else ONE_STYLE


@pytest.fixture
def examples(tmp_path: Path) -> Any:
    """Return the endless examples of a file, perturbed."""
    words = ["naïve", "слово", "λόγος", "word", "and", "some", "more", "of", "them,", "at", "last"]
    rows = ["a\tb\tc"]
    for i in range(24):
        texts = (" ".join(words[i % 5 : i % 5 + 1 + (i + j) % 5]) for j in range(3))
        rows.append("\t".join(f"{text} {i}" for text in texts))
    (tmp_path / "data.tsv").write_text("\n".join(rows))
    stage = settings({"all": tsv("data.tsv", "c")}, perturb={"delete_characters": {"rate": 0.1}})
    return make_examples(tmp_path, stage, seed=2)


def batches(examples: Any, views: ViewPipeline, **changes: Any) -> Any:
    options = {"batch_size": BATCH, "length": LENGTH, "workers": 0, "seed": 0} | changes
    return make_batches(examples, views, **options)


@pytest.mark.slow
def test_styled_batches_are_the_same_by_threads_processes_and_after_a_stop(examples: Any) -> None:
    views = ViewPipeline(render(True), VIEWS)
    expected = take(batches(examples, views), 7)
    assert_same(stop_and_resume(batches(examples, views, workers=2), 4, 3), expected)


def test_a_text_is_drawn_in_another_style_each_time_and_in_each_view(examples: Any) -> None:
    epochs = 5
    styles: dict[str, set[tuple[int, ...]]] = {}
    for original, view in preview(examples, 24 * epochs):
        own = tuple(view.view_facts[name]["style"] for name in VIEWS)
        assert not original.view_facts and len(set(own)) == 3
        styles.setdefault(str(original.views), set()).add(own)
    assert set(map(len, styles.values())) == {epochs}


def pair(views: dict[str, Content], styles: tuple[int, ...] = (0, 0, 0)) -> Pair:
    facts = {name: {"style": style} for name, style in zip(VIEWS, styles, strict=True)}
    original = Example(views, {"group": (-1,)})
    return original, original._replace(view_facts=facts)


def test_sentences_of_a_document_are_units_that_follow_one_another() -> None:
    documents: list[Content] = [("one", "two words"), ("a", "b", "c"), "one sentence", ()]
    pairs = [pair({"anchor": document}) for document in documents]
    views = ViewPipeline(ONE_STYLE, ("anchor",))
    batch = views.batch(pairs, 8)
    drawn = batch.views["anchor"]
    totals = []
    for row, document in enumerate(documents):
        sentences = (document,) if isinstance(document, str) else document
        assert isinstance(sentences, tuple)
        alone = [RENDERER([sentence], 8) for sentence in sentences]
        counts = [int(one.count[0]) for one in alone]
        unit = np.repeat(np.arange(len(counts)), counts)
        totals.append(len(unit))
        rest = 8 - len(unit)
        assert drawn.unit[row].tolist() == [*unit, *[PADDING] * rest]
        assert drawn.segment[row].tolist() == [0] * len(unit) + [PADDING] * rest
        pixels = [one.patches[0, :count] for one, count in zip(alone, counts, strict=True)]
        expected = np.concatenate([*pixels, np.zeros((rest, 8, 8), np.uint8)])
        np.testing.assert_array_equal(drawn.pixels[row, ..., 0], expected)
    # Columns run on through a document.
    assert (drawn.position[..., 1] == np.arange(8)).all() and not drawn.position[..., 0].any()
    assert views.count_patches(pairs).tolist() == [max(total, 1) for total in totals]
    assert batch.cut == 0
    assert batch.view_facts["anchor"]["present"].tolist() == [True, True, True, False]


def test_a_document_is_cut_at_the_length() -> None:
    views = ViewPipeline(ONE_STYLE, ("anchor",))
    whole = views.batch([pair({"anchor": ("one", "two")})], 8).views["anchor"]
    used = int((whole.unit[0] >= 0).sum())
    pairs = [pair({"anchor": ("one", "two", "three")})]
    batch = views.batch(pairs, used - 1)
    cut = batch.views["anchor"]
    assert_same((cut.pixels, cut.unit), (whole.pixels[:, : used - 1], whole.unit[:, : used - 1]))
    # The second sentence in part, the third whole.
    assert batch.cut == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_grids_of_patches(tmp_path: Path, channels: int) -> None:
    pictures = np.random.default_rng(0).integers(256, size=(2, 16, 24, channels), dtype=np.uint8)
    contents: list[Content] = [*pictures]
    if channels == 3:
        Image.fromarray(pictures[1]).save(tmp_path / "one.png")
        contents[1] = tmp_path / "one.png"
    views = ViewPipeline(ONE_STYLE, ("anchor",))
    drawn = views.batch([pair({"anchor": content}) for content in contents], LENGTH).views["anchor"]
    assert drawn.pixels.shape == (2, 6, 8, 8, channels)
    for place, (row, column) in enumerate(itertools.product(range(2), range(3))):
        assert drawn.position[:, place].tolist() == [[row, column]] * 2
        block = pictures[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        np.testing.assert_array_equal(drawn.pixels[:, place], block)
    assert not drawn.segment.any() and not drawn.unit.any()


PICTURE = np.full((8, 16, 1), 7, np.uint8)


@pytest.mark.parametrize(
    ("contents", "word"),
    [
        ([PICTURE, PICTURE[:, :8]], "sizes"),
        ([PICTURE, "a text"], "texts"),
        ([PICTURE[:5]], "divide"),
        ([PICTURE[..., 0]], "channels"),
        ([PICTURE.astype(np.float32)], "uint8"),
        ([np.full((8, 72, 1), 7, np.uint8)], "9 patches"),
        ([np.full((24, 8, 1), 7, np.uint8)], "3 rows"),
    ],
)
def test_pictures_that_cannot_be_drawn_together_are_refused(
    contents: list[Content], word: str
) -> None:
    views = ViewPipeline(ONE_STYLE, ("anchor",), grid=(2, 8))
    with pytest.raises(ValueError, match=word):
        views.batch([pair({"anchor": content}) for content in contents], LENGTH)


@pytest.mark.parametrize("content", ["a text", ("one", "two"), PICTURE])
@pytest.mark.parametrize("order", [1, -1])
def test_a_view_that_an_example_lacks_is_blank(content: Content, order: int) -> None:
    pairs = [pair({"anchor": "x", "positive": content}), pair({"anchor": "x"})][::order]
    batch = ViewPipeline(ONE_STYLE, ("anchor", "positive")).batch(pairs, LENGTH)
    assert batch.view_facts["positive"]["present"].tolist() == [True, False][::order]
    assert batch.view_facts["anchor"]["present"].all()
    shown, blank = batch.views["positive"].pixels[::order]
    assert shown.any() and not blank.any()
