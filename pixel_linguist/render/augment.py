"""Augmentations of pictures in JAX, chosen by name.

The patches of a text side by side are one line of H rows and S * W columns, of which the first
count * W are the text's (pictures of words are each a line). Levels are 0 for the background to 255
for ink. Random numbers depend on the key and the example's number alone, so that neither devices,
nor the rest of the batch, nor the padding of a text change its picture; padding stays 0.

Each augmentation has a strength from 0, which changes nothing, to 1, the limit of its constant
below. The amount for an example is uniform up to that; of flips and inversion the strength is the
probability. There are two kinds:

- of place, `(y, x, line, key, *, strength) -> (y, x)`: for each pixel of the result, the row and
  column, float32 [H, S * W], at which it is sampled. All of them together cost one resampling.
- of level, `(levels, line, key, *, strength) -> levels`: float32 [H, S * W].

Sources: random resized crop, flips and Gaussian blur as in Pixel-Linguist (arXiv 2402.08183) and
SimCLR (arXiv 2002.05709); rotation, jitter and textured backgrounds as in Pixel Linguist II; masked
spans as in Mirror-BERT (arXiv 2104.08027). The limits are ours.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from pixel_linguist.registry import choose
from pixel_linguist.text.rate import check_rate

# Limits at strength 1. Heights and widths are those of a patch, shares are of the whole text.
WAVE_HEIGHT = 1 / 4  # heights, amplitude of the baseline
WAVE_LENGTHS = 2.0, 8.0  # heights from crest to crest
ROTATION = 15.0  # degrees
ROTATION_RISE = 1 / 2  # heights by which rotation may move the ends of a text
SHIFT_HEIGHT = 1 / 4  # heights
SHIFT_WIDTH = 1 / 2  # widths
CROP = 1 / 2  # share cut away, of the height and of the width
BACKGROUND = 192.0  # levels
CONTRAST = 96.0  # levels by which background and ink each approach the other
BLUR = 1 / 8  # heights, standard deviation
NOISE = 64.0  # levels, standard deviation
MASKED = 1 / 2  # share of the columns
SPANS = 3
# Share of the darkest, both of 3 x 3 pixels, from which a page's reader takes levels for ink.
_INK = 0.4

Coordinates = tuple[jax.Array, jax.Array]


class Line(NamedTuple):
    """The line of a text: size of a patch, number of patches S, columns of the text, int32 []."""

    height: int
    width: int
    patches: int
    columns: jax.Array


def jitter_baseline(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Move the baseline up and down by the sum of three waves, at most by WAVE_HEIGHT."""
    height, length, start = jax.random.uniform(key, (3, 3))
    shortest, longest = (line.height * limit for limit in WAVE_LENGTHS)
    length = shortest + (longest - shortest) * length
    rise = sum(height[i] * jnp.sin(2 * jnp.pi * (x / length[i] + start[i])) for i in range(3))
    return y + strength * WAVE_HEIGHT * line.height / 3 * rise, x


def rotate(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Turn the line about its middle, by up to ROTATION either way.

    The ends of a long line would leave the canvas, so the angle is limited such that they move by
    ROTATION_RISE at most (for 16 pixels: 15 degrees up to 3 patches, 1.4 degrees for 40).
    """
    rise = jnp.minimum(2 * ROTATION_RISE * line.height / line.columns, 1.0)
    most = jnp.minimum(math.radians(ROTATION), jnp.arcsin(rise))
    angle = strength * jax.random.uniform(key, minval=-1.0) * most
    middle, centre = (line.height - 1) / 2, (line.columns - 1) / 2
    down, right = y - middle, x - centre
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    return cosine * down + sine * right + middle, cosine * right - sine * down + centre


def shift(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Move the line, at most by SHIFT_HEIGHT up or down and by SHIFT_WIDTH left or right."""
    down, right = strength * jax.random.uniform(key, (2,), minval=-1.0)
    return y - down * SHIFT_HEIGHT * line.height, x - right * SHIFT_WIDTH * line.width


def resized_crop(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Stretch a random box over the whole text; at most CROP of each side is cut away.

    Height and width are independent, so that the box has any aspect ratio.
    """
    drawn = jax.random.uniform(key, (2, 2))

    def cut(at: jax.Array, size: int | jax.Array, drawn: jax.Array) -> jax.Array:
        gone = strength * CROP * drawn[0]
        return (at + 0.5) * (1 - gone) + drawn[1] * gone * size - 0.5

    return cut(y, line.height, drawn[0]), cut(x, line.columns, drawn[1])


def flip_horizontally(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Mirror the text left to right with probability `strength`."""
    return y, jnp.where(jax.random.bernoulli(key, strength), line.columns - 1 - x, x)


def flip_vertically(
    y: jax.Array, x: jax.Array, line: Line, key: jax.Array, *, strength: float
) -> Coordinates:
    """Mirror the text top to bottom with probability `strength`."""
    return jnp.where(jax.random.bernoulli(key, strength), line.height - 1 - y, y), x


def _between(points: jax.Array, spacing: int, size: int) -> jax.Array:
    """Interpolate float [N, ...], `spacing` pixels apart, along the first axis to `size` pixels."""
    share = (jnp.arange(spacing) / spacing).reshape(1, -1, *[1] * (points.ndim - 1))
    filled = points[:-1, None] * (1 - share) + points[1:, None] * share
    return filled.reshape(-1, *points.shape[1:])[:size]


def background(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Put a texture of three scales behind the ink, with levels up to BACKGROUND."""
    how, where = jax.random.split(key)
    amount, *parts = jax.random.uniform(how, (4,), minval=0.05)
    width = line.patches * line.width
    fine = max(line.height // 8, 1)
    spacings = fine, 4 * fine, 16 * fine
    # Keys by column, so that a longer line begins like a shorter one.
    columns = jax.vmap(lambda i: jax.random.fold_in(where, i))(jnp.arange(width // fine + 2))
    rows = [line.height // spacing + 2 for spacing in spacings]
    points = jax.vmap(lambda k: jax.random.uniform(k, (sum(rows),)))(columns)
    texture = jnp.zeros(())
    for number, (part, spacing) in enumerate(zip(parts, spacings, strict=True)):
        grid = points[: width // spacing + 2, sum(rows[:number]) : sum(rows[: number + 1])]
        layer = _between(_between(grid.T, spacing, line.height).T, spacing, width).T
        texture = texture + part / sum(parts) * layer
    return levels + (1 - levels / 255) * strength * BACKGROUND * amount * texture


def contrast(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Reduce the contrast: raise the background and lower the ink, by up to CONTRAST each."""
    dark, bright = strength * CONTRAST * jax.random.uniform(key, (2,))
    return dark + levels * ((255 - bright - dark) / 255)


def invert(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Exchange ink and background with probability `strength`."""
    return jnp.where(jax.random.bernoulli(key, strength), 255 - levels, levels)


def blur(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Blur with a Gaussian of standard deviation up to BLUR, normalised at the edges."""
    widest = strength * BLUR * line.height
    radius = math.ceil(3 * widest)
    # Near 0, only the pixel itself has a weight.
    deviation = jnp.maximum(widest * jax.random.uniform(key), 1e-3)

    def weights(distance: jax.Array) -> jax.Array:
        return jnp.exp(-0.5 * (distance / deviation) ** 2) * (jnp.abs(distance) <= radius)

    # Matrix products rather than sums of shifted lines, which the compiler would fuse with the
    # steps before and compute these again for every distance.
    down = weights(jnp.arange(line.height) - jnp.arange(line.height)[:, None])
    seen = jnp.arange(-radius, line.width + radius)[:, None]
    right = weights(seen - jnp.arange(line.width))
    column = (jnp.arange(line.patches) * line.width)[:, None] + seen.T
    inside = (column >= 0) & (column < line.columns)
    # Each patch with its neighbourhood, [H, S, W + 2 * radius].
    near = jnp.where(inside, jnp.take(levels, column, axis=1, mode="clip"), 0)
    exact = jax.lax.Precision.HIGHEST
    rows = jnp.einsum("hsn,nw->hsw", near, right, precision=exact)
    share = jnp.einsum("sn,nw->sw", inside.astype(right.dtype), right, precision=exact)
    rows = (rows / jnp.maximum(share, 1e-6)).reshape(levels.shape)
    return jnp.matmul(down / down.sum(axis=1, keepdims=True), rows, precision=exact)


def noise(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Add Gaussian noise of standard deviation up to NOISE to each pixel."""
    amount, grain = jax.random.split(key)
    keys = jax.vmap(lambda i: jax.random.fold_in(grain, i))(jnp.arange(line.patches))
    drawn = jax.vmap(lambda k: jax.random.normal(k, (line.height, line.width)))(keys)
    return levels + strength * NOISE * jax.random.uniform(amount) * to_line(drawn)


def mask_spans(levels: jax.Array, line: Line, key: jax.Array, *, strength: float) -> jax.Array:
    """Blank SPANS spans of columns, which may overlap; at most MASKED of the text in all."""
    size, place = jax.random.uniform(key, (2, SPANS))
    sizes = jnp.floor(size * (strength * MASKED / SPANS) * line.columns)
    starts = jnp.floor(place * (line.columns - sizes + 1))
    column = jnp.arange(levels.shape[1])[:, None]
    masked = ((column >= starts) & (column < starts + sizes)).any(axis=1)
    return jnp.where(masked, 0.0, levels)


# In the order of application: text is written, turned and cut, printed on a background, and then
# photographed.
PLACE: dict[str, Callable[..., Coordinates]] = {
    augmentation.__name__: augmentation
    for augmentation in (
        jitter_baseline,
        rotate,
        shift,
        resized_crop,
        flip_horizontally,
        flip_vertically,
    )
}
LEVEL: dict[str, Callable[..., jax.Array]] = {
    augmentation.__name__: augmentation
    for augmentation in (background, contrast, invert, blur, noise, mask_spans)
}
AUGMENTATIONS = (*PLACE, *LEVEL)


def to_line(patches: jax.Array) -> jax.Array:
    """Put patches [S, H, W] side by side, [H, S * W]."""
    return patches.swapaxes(0, 1).reshape(patches.shape[1], -1)


def to_patches(line: jax.Array, width: int) -> jax.Array:
    """Cut a line [H, S * W] into patches [S, H, W]."""
    return line.reshape(line.shape[0], -1, width).swapaxes(0, 1)


def as_read(words: jax.Array) -> jax.Array:
    """Take the paper away from pictures of words and move them to the left, as reading a page does.

    Args:
        words: float32 [S, H, W], levels from 0 to 255 of ink and paper, or of paper and ink.

    Returns:
        The same shape; paper is 0 and the darkest ink 255.
    """
    sides = (1, 2)
    low = words <= words.mean(sides, keepdims=True)
    # Paper is what most pixels are.
    bright = low.mean(sides, keepdims=True) < 0.5
    paper = jnp.mean(words, sides, keepdims=True, where=low ^ bright)
    ink = jnp.where(bright, paper - words, words - paper)
    around = jax.lax.reduce_window(ink, 0.0, jax.lax.add, (1, 3, 3), (1, 1, 1), "SAME")
    inked = around > _INK * jnp.maximum(around.max(sides, keepdims=True), 9)
    ink = jnp.where(inked, jnp.maximum(ink, 0), 0)
    ink = ink * (255 / jnp.maximum(ink.max(sides, keepdims=True), 1))
    column = jnp.arange(words.shape[2]) + (ink > 0).any(axis=1).argmax(axis=1)[:, None]
    return jnp.take_along_axis(ink, column[:, None], axis=2, mode="fill", fill_value=0)


@dataclass(frozen=True)
class Augmentation:
    """Augmentations of a picture; `compose` builds it from a checked specification.

    Attributes:
        steps: names in AUGMENTATIONS with their strengths, in that order.
        probability: of changing a picture at all.
        of_words: patches are pictures of words. Each is changed as a line of its own, and then
            given without its paper: see `as_read`.

    It is hashable, so that it can be a static argument of jit.
    """

    steps: tuple[tuple[str, float], ...]
    probability: float = 1.0
    of_words: bool = False

    def __call__(
        self, patches: jax.Array, count: jax.Array, key: jax.Array, example: jax.Array
    ) -> jax.Array:
        """Augment one picture or a batch.

        Args:
            patches: uint8 or float [S, H, W] or [B, S, H, W], levels from 0 to 255.
            count: int32 [] or [B], patches of text, at least 1; those behind them are 0.
            key: the same for all examples, for instance of (seed, step, view).
            example: int32 [] or [B], numbers of examples in the global batch: random numbers come
                from `fold_in(key, example)`.

        Returns:
            The same shape and type; uint8 is rounded once, at the end.

        Raises:
            ValueError: patches has another number of axes.
        """
        one = self._each_word if self.of_words else self._one
        if patches.ndim == 4:
            return jax.vmap(one, (0, 0, None, 0))(patches, count, key, example)
        if patches.ndim != 3:
            raise ValueError(
                f"patches are [S, H, W] or [B, S, H, W]; these are {list(patches.shape)}"
            )
        return one(patches, count, key, example)

    def _each_word(
        self, patches: jax.Array, count: jax.Array, key: jax.Array, example: jax.Array
    ) -> jax.Array:
        """Augment each patch as a line of its own."""
        key, number = jax.random.fold_in(key, example), jnp.arange(len(patches))

        def change(patch: jax.Array, number: jax.Array) -> jax.Array:
            return self._one(patch[None], jnp.int32(1), key, number)[0]

        changed = jax.vmap(change)(patches, number)
        return jnp.where((number < count)[:, None, None], changed, patches)

    def _one(
        self, patches: jax.Array, count: jax.Array, key: jax.Array, example: jax.Array
    ) -> jax.Array:
        if not self.steps:
            return patches
        length, height, width = patches.shape
        line = Line(height, width, length, count * width)
        key = jax.random.fold_in(key, example)
        levels = to_line(patches).astype(jnp.float32)
        place = [(name, strength) for name, strength in self.steps if name in PLACE]
        if place:
            grid = jnp.mgrid[:height, : length * width].astype(jnp.float32)
            y, x = grid[0], grid[1]
            # From the result back to the source: the last step comes first.
            for name, strength in reversed(place):
                y, x = PLACE[name](y, x, line, _own_key(key, name), strength=strength)
            levels = map_coordinates(levels, [y, x], order=1, mode="constant")
        for name, strength in self.steps[len(place) :]:
            levels = LEVEL[name](levels, line, _own_key(key, name), strength=strength)
        levels = jnp.where(jnp.arange(length * width) < line.columns, jnp.clip(levels, 0, 255), 0)
        changed = to_patches(levels, width)
        if self.of_words:
            changed = as_read(changed)
        if jnp.issubdtype(patches.dtype, jnp.integer):
            changed = jnp.round(changed)
        changed = changed.astype(patches.dtype)
        drawn = jax.random.bernoulli(_own_key(key, "probability"), self.probability)
        return jnp.where(drawn, changed, patches)


def _own_key(key: jax.Array, name: str) -> jax.Array:
    """Return the key of one augmentation, independent of the other steps."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def compose(
    spec: Mapping[str, Mapping[str, Any]], probability: float = 1.0, *, of_words: bool = False
) -> Augmentation:
    """Build an augmentation from names and strengths.

    Args:
        spec: name in AUGMENTATIONS -> keyword arguments, as in {"rotate": {"strength": 0.5},
            "blur": {"strength": 0.3}}. They are applied in the order of AUGMENTATIONS.
        probability: of changing a picture at all, from 0 to 1.
        of_words: patches are pictures of words.

    Raises:
        ValueError: a name or keyword is unknown (the nearest known name is given), the strength is
            missing, or a value is out of range.
    """
    check_rate(probability, "probability")
    for name, keywords in spec.items():
        choose("augmentation", dict.fromkeys(AUGMENTATIONS), name)
        for keyword in keywords:
            if keyword != "strength":
                raise ValueError(f"{name} takes no {keyword!r}: did you mean 'strength'?")
        if "strength" not in keywords:
            raise ValueError(f"{name} needs 'strength': it has {dict(keywords)}")
        check_rate(keywords["strength"], f"{name}: strength")
    steps = ((name, float(spec[name]["strength"])) for name in AUGMENTATIONS if name in spec)
    chosen = tuple(step for step in steps if step[1] > 0)
    return Augmentation(chosen, float(probability), of_words)
