"""Wear of pictures of text, as scanning, photographing and compressing leave it.

Each kind is a function of a picture, uint8 [height, width] with dark text on white, the size of its
letters in pixels an em, a strength in (0, 1] and a random generator; it returns such a picture,
`tilt` and `shift` a larger one. At strength 1 people still read every word.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Grey = np.ndarray
Random = np.random.Generator
Wear = Callable[[Grey, float, float, Random], Grey]


def _uint8(levels: np.ndarray) -> Grey:
    return np.clip(levels, 0, 255).round().astype(np.uint8)


def _ramp(picture: Grey, rng: Random) -> Grey:
    """Return distances along a random direction, from 0 to 1 over the picture: [height, width]."""
    height, width = picture.shape
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * np.linspace(0, 1, width)
    along = across + np.sin(angle) * np.linspace(0, 1, height)[:, None]
    return (along - along.min()) / max(np.ptp(along), 1e-6)


def _resized(picture: np.ndarray, width: int, height: int) -> Grey:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def blur(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Blur by a Gaussian of up to 0.07 em."""
    filtered = ImageFilter.GaussianBlur(0.07 * size * strength)
    return np.asarray(Image.fromarray(picture).filter(filtered))


def noise(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Add Gaussian noise of up to 60 levels to every pixel."""
    return _uint8(picture + 60 * strength * rng.standard_normal(picture.shape))


def jpeg(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Compress as JPEG of quality down to 8."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=round(60 - 52 * strength))
    return np.asarray(Image.open(file))


def low_contrast(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Bring ink and paper together, to as little as 0.15 of the range, anywhere in it."""
    span = 255 * (1 - 0.85 * strength)
    return _uint8(rng.uniform(0, 255 - span) + picture * (span / 255))


def tilt(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Rotate by 2.5 to 5 degrees at full strength, to either side."""
    angle = rng.choice((-1, 1)) * rng.uniform(2.5, 5) * strength
    bicubic = Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).rotate(angle, bicubic, expand=True, fillcolor=255))


def shift(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Add blank paper of up to two ems, of another width on each side."""
    sides = (2 * size * strength * rng.random((2, 2))).astype(int)
    return np.pad(picture, sides, constant_values=255)


def gradient(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Let the light fall off evenly in one direction, to 0.4."""
    return _uint8(picture * (1 - 0.6 * strength * _ramp(picture, rng)))


def texture(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Draw on paper with spots of a quarter, a half and a whole em."""
    height, width = picture.shape
    paper = np.zeros(picture.shape)
    for scale in (0.25, 0.5, 1.0):
        cells = [int(side // (scale * size)) + 2 for side in (height, width)]
        paper += _resized(rng.standard_normal(cells).astype(np.float32), width, height)
    return _uint8(picture * (1 - 0.12 * strength * np.abs(paper)))


def invert(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Draw light text on dark; the ground is black at full strength and grey below it."""
    ground = 110 * (1 - strength)
    return _uint8(ground + (255 - picture) * ((255 - ground) / 255))


def low_resolution(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Shrink letters to as little as 0.4 of their size, but not below 9 pixels, and enlarge again.

    Letters of less than 9 pixels stay as they are.
    """
    factor = min(max(1 - 0.6 * strength, 9 / size), 1)
    height, width = picture.shape
    small = _resized(picture, max(round(width * factor), 1), max(round(height * factor), 1))
    return _resized(small, width, height)


def _strokes(picture: Grey, size: float, strength: float, way: int) -> Grey:
    """Blend a picture with one whose strokes are a pixel thinner or thicker on each side."""
    filters = {-1: ImageFilter.MaxFilter, 1: ImageFilter.MinFilter}
    changed = np.asarray(Image.fromarray(picture).filter(filters[way](3)), float)
    # A pixel weighs the more, the smaller the letters are.
    share = strength * min(0.6 if way < 0 else 1.0, size / 40)
    return _uint8(picture + share * (changed - picture))


def thin(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Thin the strokes."""
    return _strokes(picture, size, strength, -1)


def thick(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Thicken the strokes."""
    return _strokes(picture, size, strength, 1)


def salt(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Make up to 5 % of the pixels black or white."""
    hit = rng.random(picture.shape) < 0.05 * strength
    return np.where(hit, rng.choice(np.array((0, 255), np.uint8), picture.shape), picture)


def underline(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Draw a rule through the lower end of each line of text, up to 0.08 em thick."""
    inked = np.r_[False, (picture < 128).any(axis=1), False]
    starts, ends = np.flatnonzero(np.diff(inked.astype(int))).reshape(-1, 2).T
    worn = picture.copy()
    for start, end in zip(starts, ends, strict=True):
        # Dots and rules are no lines of text.
        if end - start > 0.3 * size:
            row = int(end - rng.uniform(0, 0.2) * size)
            worn[row : row + max(round(0.08 * size * strength), 1)] = 0
    return worn


def shadow(picture: Grey, size: float, strength: float, rng: Random) -> Grey:
    """Darken one side of a soft edge across the picture to as little as 0.4."""
    edge = rng.uniform(0.25, 0.75)
    dark = 1 / (1 + np.exp(40 * (_ramp(picture, rng) - edge)))
    return _uint8(picture * (1 - 0.6 * strength * dark))


WEAR: dict[str, Wear] = {
    function.__name__: function
    for function in (
        blur, noise, jpeg, low_contrast, tilt, shift, gradient, texture, invert, low_resolution,
        thin, thick, salt, underline, shadow,
    )
}  # fmt: skip
