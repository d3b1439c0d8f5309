"""What the encoder is shown: the same on any devices, as it was asked for."""

import dataclasses
import functools
import zlib
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.data.views import OneStyle, ViewPipeline
from pixel_linguist.objective import Objective, View
from pixel_linguist.render import Renderer, StyledRenderer
from pixel_linguist.render.augment import compose
from pixel_linguist.train.hosts import Backend, place, place_state
from pixel_linguist.train.pictures import seen_patches
from pixel_linguist.train.step import NO_AUGMENTATION, init_state, make_step
from pixel_linguist.train.step_encode import StepEncode, example_keys
from tests.train.steps import AUGMENT, SEED, STYLES, pairs, pipeline
from tests.train.tiny import BATCH, LENGTH, OPTIMIZER, encoder, random_batch

VIEWS = ("anchor", "positive")


@dataclasses.dataclass(frozen=True)
class Recorder(Objective):
    """Keeps the pixels and counts that were to be encoded in its state."""

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are drawn."""
        return VIEWS

    def init(self, key: Any, encoder: Any, encoder_params: Any, annotations: Any) -> Any:
        """Return no parameters, and room for each view's pixels and counts."""
        shape = (BATCH, LENGTH, 8, 8)
        view = {"pixels": np.zeros(shape, np.uint8), "count": np.zeros(BATCH, np.int32)}
        return {}, dict.fromkeys(VIEWS, view), {}

    def loss(self, params: Any, state: Any, constants: Any, batch: Any, encode: Any, key: Any):  # type: ignore[no-untyped-def]
        """Return what is drawn as rows."""

        def look(params: Any, patches: Any, keys: Any) -> Any:
            count = (patches.segment >= 0).sum(axis=1).astype(jnp.int32)
            return {"pixels": patches.pixels[..., 0], "count": count}

        rows = {view: encode.rows(look, params, batch.views[view], key=key) for view in self.views}
        return 0.0 * params["encoder"]["embed"]["kernel"].sum(), {}, rows, {}

    def after_update(self, params: Any, state: Any, rows: Any, totals: Any) -> Any:
        """Keep the rows."""
        return rows


def stage(styles: Any = STYLES, augment: Any = AUGMENT) -> Any:
    """Return what `seen_patches` asks of a stage."""
    return SimpleNamespace(
        views=pipeline(VIEWS, styles),
        settings=SimpleNamespace(length=LENGTH),
        augmentation=compose(augment),
        context=SimpleNamespace(encoder=encoder()),
        seed=SEED,
    )


@pytest.mark.parametrize(("backend", "chunk_size"), [("pmap", 0), ("shard_map", 1)])
def test_the_encoder_sees_what_the_picture_of_pairs_shows(
    backend: Backend, chunk_size: int
) -> None:
    assert jax.device_count() == 4
    own, objective = stage(), Recorder()
    options = {"augmentation": own.augmentation, "chunk_size": chunk_size}
    step_fn = make_step(encoder(), objective, OPTIMIZER, backend, **options)
    state, constants = init_state(encoder(), encoder().init(0), objective, OPTIMIZER, seed=0)
    state = place_state(state, backend, shard_optimizer=False)
    for step in range(2):
        batch = place(own.views.batch(pairs(step), LENGTH)._replace(cut=None), backend)
        state, _ = step_fn(state, constants, batch, np.float32(0), np.uint32(SEED))
    found = jax.device_get(state["objective"])
    look = seen_patches(own, pairs(1), step=1)
    for view in VIEWS:
        for row, expected in enumerate(look[view]):
            count = found[view]["count"][row]
            assert len(expected) == count
            np.testing.assert_array_equal(found[view]["pixels"][row, :count], expected)
            assert not found[view]["pixels"][row, count:].any()


def test_each_text_is_styled_and_augmented_by_its_own_seed_and_number() -> None:
    """Text by text, by the renderer of its style and the augmentation of a single picture."""
    own = stage()
    assert isinstance(own.views.render, StyledRenderer)
    look = seen_patches(own, pairs(1), step=1)
    key = jax.random.fold_in(jax.random.key(np.uint32(SEED)), 1)
    key = jax.random.fold_in(key, zlib.crc32(b"augment"))
    styles = set()
    for row, (_, example) in enumerate(pairs(1)[:3]):
        for view in VIEWS:
            style = own.views.render.style(example.view_facts[view]["style"])
            styles.add(str(style))
            drawn = Renderer(**style)([str(example.views[view])], LENGTH)
            of_view = jax.random.fold_in(key, zlib.crc32(view.encode()))
            expected = own.augmentation(
                jnp.asarray(drawn.patches), drawn.count, of_view, jnp.array([row])
            )[0]
            difference = expected[: drawn.count[0]].astype(int) - look[view][row]
            # A rounding in the last bit of a float may fall to the other level.
            assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 0.01
    assert len(styles) > 3


def test_strength_0_is_the_fixed_picture() -> None:
    still = {"strength": 0.0}
    aspects = ("family", "size", "weight", "slant", "spacing")
    names = ("rotate", "noise", "mask_spans", "invert")
    own = stage(dict.fromkeys(aspects, still), dict.fromkeys(names, still))
    assert own.augmentation == NO_AUGMENTATION
    plain = ViewPipeline(OneStyle(Renderer(patch=8, max_patches=LENGTH)), VIEWS)
    drawn = plain.batch(pairs(0), LENGTH).views
    look = seen_patches(own, pairs(0), step=0)
    for view in VIEWS:
        for row, patches in enumerate(look[view]):
            np.testing.assert_array_equal(patches, drawn[view].pixels[row, : len(patches), ..., 0])


def views(seed: int) -> list[View]:
    batch = random_batch(seed)
    return [View(name, batch.views[name], np.arange(BATCH, dtype=np.int32)) for name in VIEWS]


def test_chunks_and_views_together_encode_as_each_text_alone() -> None:
    params, key = encoder().init(0), jax.random.key(3)
    both, alone_of, found = views(0), jax.jit(encoder().encode), {}
    for chunk in (0, 2):
        encode = StepEncode(encoder(), NO_AUGMENTATION, chunk)
        found[chunk] = jax.jit(lambda e=encode: e.many(params, both, key=key))()
    for view in both:
        keys = example_keys(key, view.name, view.example)
        alone = alone_of(params, view.patches, keys=keys)["embedding"][:, 0]
        for chunk in (0, 2):
            np.testing.assert_allclose(found[chunk][view.name], alone, atol=1e-5)


def test_dropout_differs_between_passes_views_and_stages_and_goes_by_example() -> None:
    params, encode = encoder().init(0), StepEncode(encoder(), NO_AUGMENTATION, 0)
    anchor, _ = views(0)

    @functools.partial(jax.jit, static_argnums=0)
    def embed(name: str, patches: Any, example: Any, key: Any) -> Any:
        return encode(params, View(name, patches, example), key=key)["embedding"]

    def run(view: View, key: Any) -> Any:
        return embed(view.name, view.patches, view.example, key)

    stages = [jax.random.fold_in(jax.random.key(np.uint32(seed)), 0) for seed in (1, 2)]
    first = run(anchor, stages[0])
    others = [
        run(anchor, stages[1]),
        run(anchor, jax.random.fold_in(stages[0], 1)),
        run(anchor._replace(name="positive"), stages[0]),
        run(anchor._replace(example=anchor.example + BATCH), stages[0]),
    ]
    for other in others:
        assert np.abs(np.asarray(first) - other).max(axis=1).min() > 1e-3
    np.testing.assert_array_equal(run(anchor, stages[0]), first)
    half = jax.tree.map(lambda x: x[4:], anchor.patches)
    np.testing.assert_allclose(run(View("anchor", half, anchor.example[4:]), stages[0]), first[4:])
