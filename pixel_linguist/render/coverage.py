"""Coverage of scripts by the fonts of a family, by the samples of the manifest."""

import functools
from collections.abc import Iterator

from pixel_linguist.render.fallback import BOX_FONT, Chain
from pixel_linguist.render.fonts import family, manifest


def coverage(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield script, the fonts of a family that draw it, and missing letters ("" for none)."""
    chain = _chain(name)
    for script, sample in manifest()["samples"].items():
        sample = sample.replace(" ", "")
        parts = chain.split(sample)
        numbers = [n for part in parts for n in (part.font, *(font for _, font in part.marks))]
        fonts = dict.fromkeys(chain.names[number] for number in numbers if number != BOX_FONT)
        yield script, ", ".join(fonts), missing_letters(name, sample)


@functools.lru_cache(maxsize=4)
def _chain(name: str) -> Chain:
    return Chain(family(name), 16)


def missing_letters(name: str, text: str) -> str:
    """Return the distinct grapheme clusters of a text that a family draws as boxes, in order."""
    parts = _chain(name).split(text)
    return "".join(dict.fromkeys(part.text for part in parts if part.font == BOX_FONT))


def describe(name: str) -> Iterator[str]:
    """Yield lines on the scripts that a family covers, and the fonts that would cover more."""
    yield f"{name}: {manifest()['families'].get(name, {}).get('about', 'by path, then Noto')}"
    for script, fonts, missing in coverage(name):
        drawn = [fonts] if fonts else []
        boxes = [f"boxes for {missing}"] if missing else []
        yield f"  {script:20}{'; '.join(drawn + boxes)}"
    for font in _chain(name).absent:
        scripts = ", ".join(manifest()["fonts"][font]["scripts"])
        yield f"  not installed: {font} ({scripts})"
