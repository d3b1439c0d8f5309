"""Shaping, order and marks against an independent renderer: Pillow with raqm, in the same font.

Ours puts each cluster at a whole pixel, unhinted; Pillow hints where a font asks for it and rounds
each glyph. Letters are drawn large here, so that such roundings weigh little and what would be
wrong (another glyph, another order, a mark elsewhere) weighs much.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, features

from pixel_linguist.render import Renderer
from pixel_linguist.render.fonts import find

# Words of each script, with the font of the Noto chain that draws them.
WORDS = json.loads(Path(__file__).with_name("words.json").read_text())
SIZE, HEIGHT, WIDTH = 144, 288, 16
SEARCH = 1
# Normalised cross-correlation of ink: of every word, and on average over a script's 20.
EACH, MEAN = 0.93, 0.97


def drawn_by_pillow(path: Path, word: str, width: int, baseline: int) -> np.ndarray:
    font = ImageFont.truetype(str(path), SIZE, layout_engine=ImageFont.Layout.RAQM)
    if "VF" in path.name or "[" in path.name:
        font.set_variation_by_axes([400])
    picture = Image.new("L", (width, HEIGHT))
    origin = (1 * HEIGHT // 16 + SEARCH, baseline + SEARCH)
    ImageDraw.Draw(picture).text(origin, word, font=font, fill=255, anchor="ls")
    return np.asarray(picture, np.float32)


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    best = 0.0
    height, width = ours.shape
    for y in range(2 * SEARCH + 1):
        for x in range(2 * SEARCH + 1):
            part = theirs[y : y + height, x : x + width]
            best = max(best, float((ours[: len(part)] * part).sum()))
    return best / float(np.sqrt((ours**2).sum() * (theirs**2).sum()))


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow has no raqm")
@pytest.mark.parametrize("script", WORDS)
def test_words_look_as_raqm_draws_them(script: str) -> None:
    name, words = WORDS[script].values()
    found = find(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    renderer = Renderer(
        str(found[0]), "continuous", (HEIGHT, WIDTH), max_patches=256, font_size=SIZE
    )
    baseline = renderer.baseline
    values = {}
    for word in words:
        rendered = renderer([word])
        assert rendered.stats == (0, 0)
        ours = rendered.patches[0].swapaxes(0, 1).reshape(HEIGHT, -1).astype(np.float32)
        ours = np.pad(ours, ((0, 0), (0, 2 * SEARCH)))
        theirs = drawn_by_pillow(found[0], word, ours.shape[1] + 2 * SEARCH, baseline)
        values[word] = correlation(ours, theirs)
    assert len(values) >= 20
    assert min(values.values()) >= EACH, sorted(values.items(), key=lambda item: item[1])[:3]
    assert np.mean([*values.values()]) >= MEAN
