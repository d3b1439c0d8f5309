"""Augmentations of pictures: effects, limits, and what random numbers depend on."""

import math
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from pixel_linguist.render import augment
from pixel_linguist.render.augment import (
    AUGMENTATIONS,
    LEVEL,
    PLACE,
    Augmentation,
    Line,
    compose,
    to_line,
)

HEIGHT, WIDTH, PATCHES = 8, 8, 6
COUNT = np.array([6, 1, 3, 5, 6, 2, 4, 6], np.int32)
EXAMPLES = np.arange(len(COUNT))
LINE = Line(HEIGHT, WIDTH, PATCHES, jnp.int32(5 * WIDTH))
TEXT = 5 * WIDTH
KEYS = jax.random.split(jax.random.key(11), 300)
COORDINATES = tuple(np.mgrid[:HEIGHT, : PATCHES * WIDTH].astype(np.float32))

_run = jax.jit(lambda augmentation, *arguments: augmentation(*arguments), static_argnums=0)


def run(augmentation: Augmentation, *arguments: Any) -> np.ndarray:
    return np.asarray(_run(augmentation, *arguments))


def pictures(length: int = PATCHES, kind: type = np.uint8) -> np.ndarray:
    """Return random ink in the text's patches, 0 behind them."""
    rng = np.random.default_rng(3)
    drawn = rng.integers(0, 256, (len(COUNT), PATCHES, HEIGHT, WIDTH)) / 1.0
    drawn *= rng.random(drawn.shape) < 0.4
    drawn *= (np.arange(PATCHES) < COUNT[:, None])[..., None, None]
    return np.pad(drawn, ((0, 0), (0, length - PATCHES), (0, 0), (0, 0))).astype(kind)


def alone(name: str, strength: float = 1.0) -> Augmentation:
    return Augmentation(((name, strength),))


def places(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of 300 random augmentations: [300, H, S * W] each."""
    one = jax.jit(jax.vmap(lambda key: PLACE[name](*COORDINATES, LINE, key, strength=1.0)))
    y, x = one(KEYS)
    shape = (len(KEYS), HEIGHT, PATCHES * WIDTH)
    return np.broadcast_to(y, shape), np.broadcast_to(x, shape)


def levels_of(name: str, levels: np.ndarray) -> np.ndarray:
    """Return the results of 300 random augmentations of one line."""
    change = LEVEL[name]
    one = jax.jit(jax.vmap(lambda key: change(jnp.asarray(levels), LINE, key, strength=1.0)))
    return np.asarray(one(KEYS))


def line_of_text(level: float | None = None) -> np.ndarray:
    levels = np.zeros((HEIGHT, PATCHES * WIDTH), np.float32)
    levels[:, :TEXT] = (
        np.random.default_rng(5).integers(0, 256, (HEIGHT, TEXT)) if level is None else level
    )
    return levels


def test_without_strength_nothing_changes_and_with_little_not_much() -> None:
    patches, key = pictures(kind=np.float32), jax.random.key(0)
    still, weak = (Augmentation(tuple((n, s) for n in AUGMENTATIONS)) for s in (0.0, 1e-4))
    np.testing.assert_array_equal(run(still, patches, COUNT, key, EXAMPLES), patches)
    assert np.abs(run(weak, patches, COUNT, key, EXAMPLES) - patches).max() < 0.6


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_picture_changes_by_its_key_and_number_alone(name: str) -> None:
    patches, key, view = pictures(), jax.random.key(4), alone(name)
    expected = run(view, patches, COUNT, key, EXAMPLES)
    assert (expected != patches).any(axis=(1, 2, 3)).mean() > 0.7
    assert not expected[np.arange(PATCHES) >= COUNT[:, None]].any()
    longer = run(view, pictures(length=9), COUNT, key, EXAMPLES)
    np.testing.assert_array_equal(longer[:, :PATCHES], expected)
    order = np.random.default_rng(0).permutation(EXAMPLES)
    shuffled = run(view, patches[order], COUNT[order], key, EXAMPLES[order])
    np.testing.assert_array_equal(shuffled, expected[order])
    if name in ("rotate", "noise"):
        single = run(view, patches[3], COUNT[3], key, EXAMPLES[3])
        np.testing.assert_array_equal(single, expected[3])
    same = np.broadcast_to(patches[4], patches.shape)
    if name not in ("invert", "flip_horizontally", "flip_vertically"):
        twice = run(view, same, np.full_like(COUNT, COUNT[4]), key, EXAMPLES)
        assert len(np.unique(twice.reshape(len(twice), -1), axis=0)) > 6


def test_devices_and_other_steps_change_nothing() -> None:
    names = ("rotate", "blur", "noise", "mask_spans")
    view = compose({name: {"strength": 0.7} for name in names}, 0.8)
    patches, key = pictures(), jax.random.key(2)
    expected = run(view, patches, COUNT, key, EXAMPLES)

    def on_device(patches: jax.Array, count: jax.Array) -> jax.Array:
        number = jnp.arange(2) + 2 * jax.lax.axis_index("data")
        return view(patches, count, key, number)

    parts = patches.reshape(4, 2, *patches.shape[1:])
    shared = jax.pmap(on_device, "data")(parts, COUNT.reshape(4, 2))
    np.testing.assert_array_equal(np.asarray(shared).reshape(patches.shape), expected)
    grey = np.full_like(patches, 200), np.full_like(COUNT, PATCHES), key, EXAMPLES
    masked = run(alone("mask_spans"), *grey) == 0
    both = compose({"mask_spans": {"strength": 1.0}, "contrast": {"strength": 0.3}})
    np.testing.assert_array_equal(run(both, *grey) == 0, masked)
    assert masked.any()


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        (["flip_horizontally"], 1),
        (["flip_vertically"], 0),
        (["flip_horizontally", "flip_vertically"], (0, 1)),
    ],
)
def test_flips_mirror_the_text_and_not_its_padding(names: list[str], axes: Any) -> None:
    view, patches = compose({name: {"strength": 1.0} for name in names}), pictures()
    mirrored = run(view, patches, COUNT, jax.random.key(0), EXAMPLES)
    for before, after, count in zip(patches, mirrored, COUNT, strict=True):
        expected = np.flip(np.concatenate([*before[:count]], axis=1), axes)
        np.testing.assert_array_equal(to_line(after[:count]), expected)


@pytest.mark.parametrize(
    "view",
    [
        *(alone(name, 0.3) for name in ("flip_horizontally", "flip_vertically", "invert")),
        compose({"invert": {"strength": 1.0}}, 0.3),
    ],
)
def test_probabilities_are_shares_of_changed_pictures(view: Augmentation) -> None:
    patches = np.zeros((1000, 1, 4, 4), np.uint8)
    patches[:, :, 0, 0] = 9
    changed = run(view, patches, np.ones(1000, np.int32), jax.random.key(0), np.arange(1000))
    share = (changed != patches).any(axis=(1, 2, 3)).mean()
    assert share == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 1000) ** 0.5)


def test_the_baseline_goes_up_and_down_smoothly() -> None:
    y, x = places("jitter_baseline")
    np.testing.assert_array_equal(x, np.broadcast_to(COORDINATES[1], x.shape))
    rise = y - COORDINATES[0]
    limit = augment.WAVE_HEIGHT * HEIGHT
    assert limit / 2 < np.abs(rise).max() <= limit
    # The same for a whole column, and no steeper than the shortest wave.
    np.testing.assert_allclose(rise, np.broadcast_to(rise[:, :1], rise.shape), atol=1e-5)
    steepest = 2 * math.pi * limit / (augment.WAVE_LENGTHS[0] * HEIGHT)
    assert np.abs(np.diff(rise[:, 0])).max() <= steepest + 1e-5


@pytest.mark.parametrize("patches", [1, 5, 40])
def test_rotation_keeps_distances_and_its_limits(patches: int) -> None:
    line = LINE._replace(columns=jnp.int32(patches * WIDTH))
    middle, centre = (HEIGHT - 1) / 2, (patches * WIDTH - 1) / 2
    down = np.array([middle, middle + 1, middle], np.float32)
    right = np.array([centre, centre, centre + 1], np.float32)
    one = jax.jit(jax.vmap(lambda key: PLACE["rotate"](down, right, line, key, strength=1.0)))
    y, x = map(np.asarray, one(KEYS))
    np.testing.assert_allclose([y[:, 0], x[:, 0]], [[middle] * 300, [centre] * 300], atol=1e-4)
    turn = (x[:, 2] - centre) + 1j * (y[:, 2] - middle)
    quarter = (x[:, 1] - centre) + 1j * (y[:, 1] - middle)
    np.testing.assert_allclose(np.abs(turn), 1, atol=1e-4)
    np.testing.assert_allclose(quarter / turn, 1j, atol=1e-4)
    end_rise = augment.ROTATION_RISE * HEIGHT / (patches * WIDTH / 2)
    limit = min(math.radians(15), math.asin(min(end_rise, 1)))
    angles = np.angle(turn)
    assert 0.95 * limit < angles.max() <= limit + 1e-4
    assert -0.95 * limit > angles.min() >= -limit - 1e-4


def test_shift_moves_all_alike_in_every_direction() -> None:
    limits = augment.SHIFT_HEIGHT * HEIGHT, augment.SHIFT_WIDTH * WIDTH
    for moved, grid, limit in zip(places("shift"), COORDINATES, limits, strict=True):
        by = moved - grid
        assert np.ptp(by, axis=(1, 2)).max() < 1e-4
        assert 0.95 * limit < by.max() <= limit and -0.95 * limit > by.min() >= -limit


def test_a_crop_is_a_box_of_the_text_stretched_over_it() -> None:
    for seen, axis, size in zip(places("resized_crop"), (1, 2), (HEIGHT, TEXT), strict=True):
        line = np.moveaxis(seen, axis, -1)[:, 0]
        step = np.diff(line, axis=1)
        assert np.ptp(step, axis=1).max() < 1e-4
        share = step[:, 0]
        assert 0.5 <= share.min() < 0.55 and 0.95 < share.max() <= 1
        first, last = line[:, 0] - share / 2, line[:, size - 1] + share / 2
        assert first.min() > -0.5 - 1e-4 and last.max() < size - 0.5 + 1e-4


def test_a_moved_picture_is_interpolated_between_pixels() -> None:
    patches, key = pictures(kind=np.float32), jax.random.key(8)
    moved = run(alone("shift"), patches, COUNT, key, EXAMPLES)

    @jax.jit
    @jax.vmap
    def coordinates(example: jax.Array) -> augment.Coordinates:
        own = augment._own_key(jax.random.fold_in(key, example), "shift")
        return PLACE["shift"](*COORDINATES, LINE, own, strength=1.0)

    for example, (y, x) in enumerate(zip(*map(np.asarray, coordinates(EXAMPLES)), strict=True)):
        # Outside is as blank as a border of two pixels.
        bordered = np.pad(to_line(patches[example]), 2)
        expected = ndimage.map_coordinates(bordered, [y + 2, x + 2], order=1)
        expected[:, COUNT[example] * WIDTH :] = 0
        np.testing.assert_allclose(to_line(moved[example]), expected, atol=0.05)


def test_background_is_behind_the_ink_and_varied() -> None:
    blank = levels_of("background", line_of_text(0))[..., :TEXT]
    assert blank.min() >= 0 and 0.5 * augment.BACKGROUND < blank.max() <= augment.BACKGROUND
    assert (np.ptp(blank, axis=(1, 2)) > 0.2 * blank.max(axis=(1, 2))).all()
    # Neighbours are alike, more than pixels far apart.
    near = np.abs(np.diff(blank, axis=2)).mean()
    assert near < 0.85 * np.abs(blank[..., 20:] - blank[..., :-20]).mean()
    np.testing.assert_array_equal(levels_of("background", line_of_text(255))[..., :TEXT], 255)


def test_contrast_and_inversion_are_linear_in_the_level() -> None:
    before = line_of_text()
    after = levels_of("contrast", before)
    lowest, highest = after[:, before == 0].max(axis=1), after[:, before == 255].min(axis=1)
    limit = augment.CONTRAST
    assert 0.95 * limit < lowest.max() <= limit and 0 <= lowest.min() < 0.05 * limit
    assert 0.95 * limit < 255 - highest.min() <= limit and highest.max() <= 255
    scale = (highest - lowest)[:, None, None] / 255
    np.testing.assert_allclose(after, lowest[:, None, None] + scale * before, atol=1e-3)
    np.testing.assert_array_equal(levels_of("invert", before)[0], 255 - before)


def test_blur_is_gaussian_and_keeps_edges_bright() -> None:
    np.testing.assert_allclose(levels_of("blur", line_of_text(90))[..., :TEXT], 90, rtol=1e-5)
    before, inside = line_of_text(), line_of_text(1)
    widest = augment.BLUR * HEIGHT
    drawn = np.asarray(jax.vmap(jax.random.uniform)(KEYS))[:40]
    options: dict[str, Any] = {"mode": "constant", "radius": math.ceil(3 * widest)}
    for deviation, blurred in zip(widest * drawn, levels_of("blur", before), strict=False):
        expected, share = (
            ndimage.gaussian_filter(np.float64(levels), max(deviation, 1e-3), **options)[:, :TEXT]
            for levels in (before, inside)
        )
        np.testing.assert_allclose(blurred[:, :TEXT], expected / share, atol=0.01)


def test_noise_is_gaussian_and_independent() -> None:
    added = levels_of("noise", line_of_text(100)) - line_of_text(100)
    deviation = added.std(axis=(1, 2))
    assert 0.9 * augment.NOISE < deviation.max() < 1.1 * augment.NOISE
    assert deviation.mean() == pytest.approx(augment.NOISE / 2, rel=0.1)
    unit = (added / deviation[:, None, None]).reshape(len(KEYS), -1)
    assert abs(unit.mean()) < 0.02
    assert (unit**4).mean() == pytest.approx(3, abs=0.2)
    assert abs((unit[:, 1:] * unit[:, :-1]).mean()) < 0.02


def test_masked_spans_are_few_whole_and_of_the_text() -> None:
    before = line_of_text(50)
    after = levels_of("mask_spans", before)
    masked = (after == 0) & (before > 0)
    np.testing.assert_array_equal(after, np.where(masked, 0, before))
    column = masked.all(axis=1)
    np.testing.assert_array_equal(column, masked.any(axis=1))
    share = column.sum(axis=1) / TEXT
    assert 0.35 < share.max() <= augment.MASKED and 0.1 < share.mean() < augment.MASKED / 2
    spans = np.diff(np.pad(column, ((0, 0), (1, 0))).astype(int), axis=1) == 1
    assert spans.sum(axis=1).max() == augment.SPANS
    assert column[:, 0].any() and column[:, TEXT - 1].any()


def test_steps_have_the_order_of_the_registry_and_can_be_static() -> None:
    spec = {name: {"strength": 0.5} for name in ("noise", "invert", "rotate")}
    view = compose(spec | {"blur": {"strength": 0}}, 0.5)
    assert [name for name, _ in view.steps] == ["rotate", "invert", "noise"]
    assert view == pickle.loads(pickle.dumps(view)) and hash(view) == hash(compose(spec, 0.5))


@pytest.mark.parametrize(
    ("spec", "probability", "word"),
    [
        ({"rotatoin": {"strength": 0.5}}, 1.0, "'rotate'"),
        ({"blur": {"strengh": 0.5}}, 1.0, "'strength'"),
        ({"blur": {}}, 1.0, "strength"),
        ({"noise": {"strength": 1.2}}, 1.0, "noise"),
        ({"noise": {"strength": "all"}}, 1.0, "noise"),
        ({}, -1, "probability"),
    ],
)
def test_mistakes_are_named(spec: dict[str, Any], probability: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        compose(spec, probability)


def test_patches_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="patches"):
        alone("blur")(jnp.zeros((8, 8)), jnp.int32(1), jax.random.key(0), jnp.int32(0))


def words_on_blank(widths: tuple[int, ...]) -> np.ndarray:
    """Draw pictures of words, uint8 [S, 20, 80]: strokes up to a width, and blank behind them."""
    pixels = np.zeros((len(widths), 20, 80), np.uint8)
    for picture, width in zip(pixels, widths, strict=True):
        picture[3:17, : width + 1 : 4] = 255
        picture[9:11, :width] = 200
    return pixels


def ends(pixels: np.ndarray) -> np.ndarray:
    """Return the columns behind the last ink of pictures [S, H, W]."""
    return np.asarray(((pixels > 0).any(axis=1) * np.arange(1, pixels.shape[2] + 1)).max(axis=1))


@pytest.mark.parametrize("steps", [{"contrast": 1.0}, {"contrast": 0.7, "noise": 0.3}])
def test_words_keep_their_width_and_lose_their_paper(steps: dict[str, float]) -> None:
    spec = {name: {"strength": strength} for name, strength in steps.items()}
    widths = (17, 33, 61)
    patches, count = words_on_blank((*widths, 0)), np.int32(3)
    patches[3] = 0
    key, number = jax.random.key(0), np.int32(5)
    worn = run(compose(spec), patches, count, key, number)
    assert (ends(worn)[:3] == 80).all()
    read = run(compose(spec, of_words=True), patches, count, key, number)
    assert np.abs(ends(read)[:3] - widths).max() <= 3 and not read[3].any()
    assert (read[:3].max(axis=(1, 2)) == 255).all()
    for word, before in zip(read[:3], patches[:3], strict=True):
        assert np.corrcoef(word.ravel(), before.ravel())[0, 1] > 0.9


def test_words_begin_at_the_left_whatever_becomes_of_their_neighbours() -> None:
    view = compose({"shift": {"strength": 0.5}, "invert": {"strength": 0.5}}, of_words=True)
    patches, key = words_on_blank((21, 45, 61, 29)), jax.random.key(1)
    changed = run(view, patches, np.int32(4), key, np.int32(0))
    assert changed[:, :, :2].any(axis=(1, 2)).all() and (ends(changed) < 64).all()
    patches[1:] = 0
    alone = run(view, patches, np.int32(4), key, np.int32(0))
    np.testing.assert_array_equal(alone[0], changed[0])
