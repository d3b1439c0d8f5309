"""Examples to pixels or glyph runs: the same pictures, and what is drawn does not depend on who."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from pixel_linguist.data.draw import Draw, OneStyle, Pair
from pixel_linguist.data.loader import make_batches, make_examples, preview
from pixel_linguist.data.pairs import Example
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.render.device import rasterise
from pixel_linguist.render.styles import compose_styles

pytestmark = pytest.mark.usefixtures("parsed_flags")

VIEWS = ("anchor", "positive", "negative")
BATCH, LENGTH = 8, 6
STYLES: dict[str, Any] = {
    "family": {"strength": 0.5, "families": ("mono",)},
    "size": {"strength": 1.0},
    "spacing": {"strength": 1.0},
}
RENDERER = Renderer(patch=8, max_patches=8)


def render(styled: bool) -> Any:
    return StyledRenderer(RENDERER, compose_styles(STYLES, 1)) if styled else OneStyle(RENDERER)


@pytest.fixture
def examples(tmp_path: Path, stage: Callable[..., dict[str, Any]]) -> Any:
    """Return the endless examples of a file, perturbed."""
    words = ["naïve", "слово", "λόγος", "word", "and", "some", "more", "of", "them,", "at", "last"]
    rows = ["a\tb\tc"]
    for i in range(24):
        texts = (" ".join(words[i % 5 : i % 5 + 1 + (i + j) % 5]) for j in range(3))
        rows.append("\t".join(f"{text} {i}" for text in texts))
    (tmp_path / "data.tsv").write_text("\n".join(rows))
    columns = {
        "name": "columns",
        "anchor": "a",
        "positive": "b",
        "negative": "c",
        "alternatives": False,
    }
    part = {"source": {"name": "tsv", "path": "data.tsv"}, "pairs": columns, "weight": 1.0}
    perturb = {"delete_characters": {"rate": 0.1}}
    settings = stage(data={"all": part}, perturb=perturb, batch_size=BATCH)
    return make_examples(tmp_path, settings, seed=2)


def batches(examples: Any, draw: Draw, **options: Any) -> Any:
    settings = {"batch_size": BATCH, "length": LENGTH, "workers": 0, "seed": 0} | options
    return make_batches(examples, draw, **settings)


def take(dataset: Any, count: int) -> list[Any]:
    iterator = iter(dataset)
    found = list(itertools.islice(iterator, count))
    iterator.close()
    return found


def assert_same(a: Any, b: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, a, b)


def rasterised(batch: Any, devices: int) -> dict[str, np.ndarray]:
    """Return view → pixels, each device's rows drawn from its own part of the runs."""
    parts = jax.tree.map(lambda a: a.reshape(devices, -1, *a.shape[1:]), batch["runs"])
    drawn = [
        np.asarray(jax.jit(rasterise)(jax.tree.map(lambda a, d=d: a[d], parts)))
        for d in range(devices)
    ]
    patches = np.concatenate(drawn).reshape(-1, len(VIEWS), *drawn[0].shape[1:])
    return {view: patches[:, number] for number, view in enumerate(VIEWS)}


@pytest.mark.parametrize("options", [{}, {"window": 2, "length_buckets": 3}])
@pytest.mark.parametrize("styled", [False, True])
def test_runs_are_those_of_the_pixels(examples: Any, styled: bool, options: Any) -> None:
    pixels = take(batches(examples, Draw(render(styled), VIEWS), **options), 4)
    runs = take(batches(examples, Draw(render(styled), VIEWS, devices=4), **options), 4)
    assert sum(batch["cut"] for batch in pixels) > 0
    for host, device in zip(pixels, runs, strict=True):
        drawn, count = rasterised(device, 4), device["runs"].count.reshape(BATCH, -1)
        for number, view in enumerate(VIEWS):
            np.testing.assert_array_equal(drawn[view], host[view]["patches"])
            np.testing.assert_array_equal(count[:, number], host.pop(view)["count"])
        del device["runs"]
        assert_same(device, host)


@pytest.mark.parametrize("options", [{}, {"window": 2, "length_buckets": 2}])
def test_hosts_runs_are_parts_of_those_of_one(examples: Any, options: Any) -> None:
    """Shapes too: all hosts run one program."""
    draw = Draw(render(True), VIEWS, devices=4)
    alone = take(batches(examples, draw, **options), 4)
    shares = [
        take(batches(examples, draw, **options, process=host, processes=2), 4) for host in (0, 1)
    ]
    for whole, *parts in zip(alone, *shares, strict=True):
        assert sum(part.pop("cut") for part in parts) == whole.pop("cut")
        assert_same(jax.tree.map(lambda *rows: np.concatenate(rows), *parts), whole)


@pytest.mark.parametrize("devices", [pytest.param(0, marks=pytest.mark.slow), 2])
def test_styled_batches_are_the_same_by_threads_processes_and_after_a_stop(
    examples: Any, devices: int
) -> None:
    draw = Draw(render(True), VIEWS, devices)
    expected = take(batches(examples, draw), 7)
    iterator = iter(batches(examples, draw, workers=2))
    assert_same([next(iterator) for _ in range(4)], expected[:4])
    state = iterator.get_state()
    iterator.close()
    resumed = iter(batches(examples, Draw(render(True), VIEWS, devices), workers=2))
    resumed.set_state(state)
    found = [next(resumed) for _ in range(3)]
    resumed.close()
    assert_same(found, expected[4:])


def test_a_text_is_drawn_in_another_style_each_time_and_in_each_view(examples: Any) -> None:
    epochs = 5
    styles: dict[str, set[tuple[int, ...]]] = {}
    for clean, shown in preview(examples, 24 * epochs):
        assert clean.styles == (0, 0, 0) and len(set(shown.styles)) == 3
        styles.setdefault(str(clean[:3]), set()).add(shown.styles)
    assert set(map(len, styles.values())) == {epochs}


def test_texts_are_drawn_by_their_seed() -> None:
    varied = StyledRenderer(RENDERER, compose_styles(STYLES, 1))
    pairs: list[Pair] = [
        (Example("a", "b"), Example("one text", "one text", "one text", styles=(i, 5, 60 - i)))
        for i in range(4)
    ]
    batch = Draw(varied, VIEWS)(pairs, LENGTH)
    for number, view in enumerate(VIEWS):
        for row, (_, shown) in enumerate(pairs):
            alone = Renderer(**varied.style(shown.styles[number]))(["one text"], LENGTH)
            np.testing.assert_array_equal(batch[view]["patches"][row], alone.patches[0])
            assert batch[view]["count"][row] == alone.count[0]


def test_batches_of_runs_have_few_shapes() -> None:
    """Each is a compilation: sizes are powers of two, so that a length has four or so."""
    rng = np.random.default_rng(0)
    source = ["the", "model", "reads", "what", "a", "renderer", "draws", "of", "any", "script"]
    draw = Draw(OneStyle(Renderer()), ("anchor", "positive"), devices=4)
    shapes = set()
    for _ in range(40):
        texts = [" ".join(rng.choice(source, rng.integers(1, 12))) for _ in range(64)]
        pairs = [(Example("", ""), Example(a, b)) for a, b in itertools.pairwise(texts + texts[:1])]
        runs = draw(pairs, 32)["runs"]
        shapes.add((runs.glyphs.shape, runs.tiles.shape))
    assert len(shapes) <= 4
