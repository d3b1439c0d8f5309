"""Pictures of text drawn by Pillow: lines and pages in named families, in black on white.

Nothing here is shared with the package's own renderer but the font files, so that an encoder which
reads these pictures reads more than its own drawing.
"""

import itertools
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixel_linguist.render.fonts import characters, family, find, installed, manifest

WHITE = 255


class Margins(NamedTuple):
    """Blank pixels around the text."""

    left: int
    top: int
    right: int
    bottom: int


@lru_cache(maxsize=64)
def installed_fonts(name: str) -> tuple[str, ...]:
    """Return the installed fonts of a family, or of a font file, in order of preference.

    Raises:
        ValueError: there is no such family or file, or its first font is not installed.
    """
    found = family(name)
    fonts = tuple(member.font for member in found.fonts if find(member.font))
    if found.fonts[0].font not in fonts:
        raise ValueError(
            f"the font {found.fonts[0].font} of the family {name!r} is not installed; "
            f"pixel-linguist render --install-fonts {name} installs it"
        )
    return fonts


def draw_page(
    lines: Sequence[str], family: str, size: int, line_height: float, margins: Margins
) -> np.ndarray:
    """Draw lines of text below each other, left-aligned: uint8 [height, width], 0 is ink.

    Each character is drawn in the first font of the family that has it. A line with right-to-left
    letters is drawn as a whole in the first font that has all of it; if there is none, its runs
    follow each other from left to right.

    Args:
        family: of the manifest, or the path of a font file.
        size: of the font, in pixels an em.
        line_height: distance of baselines, in ems.
        margins: around the text, from the highest ascender to the lowest descender of its fonts.
    """
    chain = installed_fonts(family)
    fonts = {_font(chain[0], size)}
    # (font, text, distance from the left) of the runs of each line.
    runs: list[list[tuple[ImageFont.FreeTypeFont, str, float]]] = []
    width, step = 0.0, line_height * size
    for line in lines:
        x = 0.0
        runs.append([])
        for name, text in _runs(line, chain):
            font = _font(name, size)
            runs[-1].append((font, text, x))
            x += font.getlength(text)
            fonts.add(font)
        width = max(width, x)
    ascent, descent = (max(sizes) for sizes in zip(*(f.getmetrics() for f in fonts), strict=True))
    height = margins.top + ascent + round(step * (len(lines) - 1)) + descent + margins.bottom
    shape = (margins.left + int(np.ceil(width)) + margins.right, height)
    page = Image.new("L", shape, WHITE)
    pen = ImageDraw.Draw(page)
    for number, own in enumerate(runs):
        y = margins.top + ascent + round(step * number)
        for font, text, x in own:
            pen.text((margins.left + x, y), text, fill=0, font=font, anchor="ls")
    return np.asarray(page)


@lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Open a font in regular weight, whatever its file's own is."""
    number = manifest()["fonts"].get(name, {}).get("number", 0)
    font = ImageFont.truetype(str(installed(name)), size, index=number)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font
    values = [axis["default"] or 0 for axis in axes]
    for place, axis in enumerate(axes):
        if axis["name"] in (b"Weight", "Weight"):
            values[place] = min(max(400, axis["minimum"] or 0), axis["maximum"] or 400)
    font.set_variation_by_axes([*values])
    return font


def _runs(line: str, chain: Sequence[str]) -> list[tuple[str, str]]:
    """Split a line into runs of one font each: (font, text)."""
    needed = {ord(c) for c in line if unicodedata.category(c)[0] not in "CZ"}
    leftward = any(unicodedata.bidirectional(c) in ("R", "AL") for c in line)
    whole = next((font for font in chain if needed <= characters(font)), None)
    if leftward and whole:
        # Pillow orders the words of one run.
        return [(whole, line)]
    fonts: list[str] = []
    for character in line:
        # Marks and joiners shape the letter before them.
        if fonts and unicodedata.category(character) in ("Mn", "Me", "Cf"):
            fonts.append(fonts[-1])
        else:
            has = (font for font in chain if ord(character) in characters(font))
            fonts.append(next(has, chain[0]))
    runs = itertools.groupby(zip(fonts, line, strict=True), lambda pair: pair[0])
    return [(font, "".join(character for _, character in run)) for font, run in runs]
