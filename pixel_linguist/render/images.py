"""Pictures of text from elsewhere: scans, screenshots, other renderers."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pixel_linguist.caller import warn_caller

if TYPE_CHECKING:
    from PIL.Image import Image

    # A file, its content, an opened picture, or pixels: uint8 or float in [0, 1], white being the
    # highest, [height, width] or [height, width, 3 or 4].
    Picture = str | Path | bytes | Image | np.ndarray

# Pictures with fewer rows do not show letters; a line of text is not so many times as high as wide.
_LOWEST, _STEEPEST = 6, 2


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


def pictures_patches(
    pictures: Sequence["Picture"], patch: tuple[int, int], max_patches: int
) -> list[np.ndarray]:
    """Cut pictures into patches as `image_patches` does, with one warning for all."""
    strips = [_strip(picture, patch) for picture in pictures]
    if wide := [i for i, strip in enumerate(strips) if len(strip) > max_patches]:
        warn_caller(
            f"{len(wide)} of {len(strips)} pictures are wider than {max_patches} patches and are "
            f"cut; the first of them, {_name(pictures[wide[0]])}, has {len(strips[wide[0]])}"
        )
    return [strip[:max_patches] for strip in strips]


def _strip(picture: "Picture", patch: tuple[int, int]) -> np.ndarray:
    """Cut a picture into all its patches."""
    grey = _grey(picture)
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


def _grey(picture: "Picture") -> "Image":
    """Open a picture as 8-bit grey; transparent pixels are white."""
    # Pillow is slow to import, and few users read pictures.
    from PIL import Image

    if isinstance(picture, np.ndarray):
        opened = Image.fromarray(_levels(picture))
    elif isinstance(picture, Image.Image):
        opened = picture
    else:
        try:
            opened = Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture)
            opened.load()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ValueError(f"{_name(picture)} is no picture, or damaged: {error}") from error
    if opened.mode.startswith("I;16"):
        # Pillow would clip 16-bit levels.
        opened = Image.fromarray((np.asarray(opened) // 257).astype(np.uint8))
    if opened.has_transparency_data:
        seen = opened.convert("RGBA")
        opened = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return opened.convert("L")


def _levels(pixels: np.ndarray) -> np.ndarray:
    """Check an array of pixels and return it as uint8."""
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(
            f"an array of pixels is [height, width] or [height, width, 3 or 4]; this is of shape "
            f"{pixels.shape}"
        )
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind != "f" or not (pixels.min() >= 0 and pixels.max() <= 1):
        raise ValueError(
            f"an array of pixels is uint8, or float from 0 to 1; this is {pixels.dtype} from "
            f"{pixels.min()} to {pixels.max()}"
        )
    return np.round(pixels * 255).astype(np.uint8)


def _name(picture: object) -> str:
    return str(picture) if isinstance(picture, str | Path) else f"a {type(picture).__name__}"
