"""Opening pictures of text from elsewhere: scans, screenshots, other renderers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from pixel_linguist.caller import warn_caller

T = TypeVar("T")

if TYPE_CHECKING:
    from PIL.Image import Image

    # A file, its content, an opened picture, or pixels [height, width] or [height, width, 1, 3 or
    # 4], white being the highest: bool, uint8, uint16, or float from 0 to 1.
    Picture = str | Path | bytes | IO[bytes] | Image | np.ndarray

# Pictures with fewer rows do not show letters; a line of text is not so many times as high as wide.
_LOWEST, _STEEPEST = 6, 2
# Mean level from which the ink of a transparent picture counts as light.
_LIGHT = 0.8
# Luminance hides text below this share of the principal component's contrast; variances of colour
# below _FLAT are noise.
_HIDDEN, _FLAT = 0.5, 1e-5
# Levels of white, of pictures that do not tell theirs.
_TOPS = (1.0, 255.0, 65535.0, 2.0**31 - 1, 2.0**32 - 1)


def image_patches(picture: "Picture", patch: tuple[int, int], max_patches: int) -> np.ndarray:
    """Cut a picture of one line of text into patches like the renderer's, with ink on 0.

    The picture is resized to the height of a patch. Dark text on light paper and light text on
    dark both become ink; blank paper behind the text is dropped. A picture of more than
    max_patches is cut, with a warning.

    Returns:
        uint8 [S, H, W], S at least 1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no picture, or does not have the shape of a line of text.
    """
    return pictures_patches([picture], patch, max_patches)[0]


def read_each(
    read: Callable[["Picture"], T], pictures: Iterable["Picture"], first: int = 0
) -> Iterator[T]:
    """Yield pictures read; an error about one without a path says its place, from `first` on."""
    for number, picture in enumerate(pictures, start=first):
        try:
            found = read(picture)
        except (TypeError, ValueError) as error:
            if isinstance(picture, str | Path):
                raise
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"picture {number}: {error}") from error
        yield found


def pictures_patches(
    pictures: Sequence["Picture"], patch: tuple[int, int], max_patches: int, first: int = 0
) -> list[np.ndarray]:
    """Cut pictures into patches as `image_patches` does, with one warning for all.

    Errors and the warning count pictures from `first`.
    """
    strips = list(read_each(lambda picture: _strip(picture, patch), pictures, first))
    if wide := [i for i, strip in enumerate(strips) if len(strip) > max_patches]:
        warn_caller(
            f"{len(wide)} of {len(strips)} pictures are wider than {max_patches} patches and are "
            f"cut; the first of them, {_name(pictures[wide[0]])} (number {first + wide[0]}), has "
            f"{len(strips[wide[0]])}"
        )
    return [strip[:max_patches] for strip in strips]


def _strip(picture: "Picture", patch: tuple[int, int]) -> np.ndarray:
    """Cut a picture into all its patches."""
    from PIL import Image

    grey = Image.fromarray(np.round(read_grey(picture) * 255).astype(np.uint8))
    width, height = grey.size
    if height < _LOWEST or height > _STEEPEST * width:
        raise ValueError(
            f"a picture of one line of text is wider than high, and at least {_LOWEST} pixels "
            f"high; {_name(picture)} is {width} wide and {height} high: cut pages into lines first"
        )
    if height != patch[0]:
        grey = grey.resize((max(round(width * patch[0] / height), 1), patch[0]))
    ink = np.asarray(grey)
    # Most of a picture of text is paper.
    if np.median(ink) >= 128:
        ink = 255 - ink
    inked = np.flatnonzero(ink.max(axis=0) >= 32)
    count = inked[-1] // patch[1] + 1 if len(inked) else 1
    ink = ink[:, : count * patch[1]]
    ink = np.pad(ink, ((0, 0), (0, count * patch[1] - ink.shape[1])))
    return ink.reshape(patch[0], count, patch[1]).swapaxes(0, 1)


def read_grey(picture: "Picture") -> np.ndarray:
    """Open a picture and return its grey levels, float32 [height, width] from 0 (black) to 1.

    Photos are turned as their EXIF orientation says, of an animation the first frame is read, and
    transparent pixels show white paper (black paper under light ink). Colours become luminance, or
    their first principal component if luminance would hide text that differs in hue.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: it is none of the types of `Picture`.
        ValueError: it is damaged, no picture, empty, or an array of another shape, type or range.
    """
    # Pillow is slow to import, and few users read pictures.
    from PIL import Image

    if isinstance(picture, Image.Image):
        pixels = _image_pixels(picture, picture)
    elif isinstance(picture, np.ndarray):
        pixels = _array_pixels(picture)
    elif isinstance(picture, str | Path | bytes) or hasattr(picture, "read"):
        pixels = _image_pixels(_open(picture), picture)
    else:
        raise TypeError(
            "a picture is a path, bytes, a binary file, a PIL image or an array of pixels; this is "
            f"{_name(picture)}"
        )
    if pixels.shape[2] == 4:
        pixels = _on_paper(pixels)
    return pixels[:, :, 0] if pixels.shape[2] == 1 else _luminance(pixels)


def _open(picture: "str | Path | bytes | IO[bytes]") -> "Image":
    from PIL import Image

    try:
        opened = Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture)
        opened.load()
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{_name(picture)} is no picture, or damaged: {error}") from error
    return opened


def _image_pixels(image: "Image", picture: object) -> np.ndarray:
    """Return the pixels of a PIL image, float32 [height, width, 1, 3 or 4]."""
    from PIL import ImageOps

    if 0 in image.size:
        raise ValueError(f"{_name(picture)} is empty: {image.width} x {image.height} pixels")
    # A turned picture has no tags any more.
    tags = dict(getattr(image, "tag_v2", {}))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_pixels(image, tags, _name(picture))
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode == "LAB":
        image = image.getchannel(0)
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    return _array_pixels(np.asarray(image))


def _deep_pixels(image: "Image", tags: dict[int, Any], name: str) -> np.ndarray:
    """Return the pixels of a PIL image of more than 8 bits, float32 [height, width, 1].

    TIFF's tags tell bits, sign, and whether white is 0; PNG has 16 bits; of others the highest
    level tells the range.
    """
    bits, signed = tags.get(258, (0,))[0], tags.get(339, (1,))[0] == 2
    levels = np.asarray(image)
    if bits == 32 and image.mode == "I" and not signed:
        levels = levels.view(np.uint32)
    if not np.isfinite(levels).all():
        raise ValueError(f"{name} has levels that are not finite")
    if 8 < bits <= 16:
        top = 2.0 ** (bits - signed) - 1
    elif ";16" in image.mode:
        top = 65535.0
    else:
        highest = float(levels.max())
        top = next((top for top in _TOPS if highest <= top), highest)
    pixels = np.clip(levels / top, 0, 1).astype(np.float32)[..., None]
    return 1 - pixels if tags.get(262) == 0 and image.mode != "F" else pixels


def _array_pixels(pixels: np.ndarray) -> np.ndarray:
    """Check an array and return it as float32 [height, width, 1, 3 or 4] from 0 to 1."""
    shape = pixels.shape
    if len(shape) not in (2, 3) or 0 in shape or shape[2:] not in ((), (1,), (3,), (4,)):
        raise ValueError(
            "an array of pixels is [height, width] or [height, width, 1, 3 or 4], and not empty; "
            f"this is of shape {shape}"
        )
    # Of any byte order.
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        pixels = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    elif pixels.dtype.kind not in "bf" or not (pixels.min() >= 0 and pixels.max() <= 1):
        raise ValueError(
            "an array of pixels is bool, uint8, uint16, or float from 0 to 1; this is "
            f"{pixels.dtype} from {pixels.min()} to {pixels.max()}"
        )
    return pixels.astype(np.float32).reshape(*shape[:2], -1)


def _on_paper(pixels: np.ndarray) -> np.ndarray:
    """Lay pixels [height, width, 4] on white paper, or on black if their ink is light."""
    colour, alpha = pixels[:, :, :3], pixels[:, :, 3:]
    seen = alpha.sum()
    light = seen < alpha.size and (colour * alpha).sum() / 3 > _LIGHT * seen
    return colour * alpha + (1 - alpha) * np.float32(not light)


def _luminance(pixels: np.ndarray) -> np.ndarray:
    """Return the grey levels of colours [height, width, 3] that show most of their contrast."""
    if (pixels == pixels[:, :, :1]).all():
        return pixels[:, :, 0]
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    spread, axes = np.linalg.eigh(np.cov(pixels.reshape(-1, 3).T))
    # Of black and white pictures the principal component is luminance times sqrt(3).
    if grey.var() * 3 > _HIDDEN**2 * spread[-1] or spread[-1] < _FLAT:
        return grey
    main = (pixels @ (axes[:, -1] * np.sign(axes[:, -1].sum() or 1))).astype(np.float32)
    low, high = main.min(), main.max()
    return (main - low) / (high - low)


def _name(picture: object) -> str:
    return str(picture) if isinstance(picture, str | Path) else f"a {type(picture).__name__}"
