"""Coverage of scripts by the fonts of a family, by the samples of the manifest."""

from collections.abc import Iterator

from pixel_linguist.render.fallback import BOX_FONT, Chain
from pixel_linguist.render.fonts import family, manifest


def coverage(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield script, the fonts of a family that draw it, and missing letters ("" for none)."""
    chain = Chain(family(name), 16)
    for script, sample in manifest()["samples"].items():
        parts = chain.split(sample.replace(" ", ""))
        numbers = [n for part in parts for n in (part.font, *(font for _, font in part.marks))]
        fonts = dict.fromkeys(chain.names[number] for number in numbers if number != BOX_FONT)
        yield script, ", ".join(fonts), "".join(p.text for p in parts if p.font == BOX_FONT)


def describe(name: str) -> Iterator[str]:
    """Yield lines on the scripts that a family covers, and the fonts that would cover more."""
    yield f"{name}: {manifest()['families'].get(name, {}).get('about', 'by path, then Noto')}"
    for script, fonts, missing in coverage(name):
        drawn = [fonts] if fonts else []
        boxes = [f"boxes for {missing}"] if missing else []
        yield f"  {script:20}{'; '.join(drawn + boxes)}"
    for font in Chain(family(name), 16).absent:
        scripts = ", ".join(manifest()["fonts"][font]["scripts"])
        yield f"  not installed: {font} ({scripts})"
