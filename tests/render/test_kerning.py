"""Fonts of which the manifest says so are shaped pair by pair as whole words are."""

import json
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.render.cache.eligible import EligibleWords
from pixel_linguist.render.cache.kerning import KerningTable
from pixel_linguist.render.fallback import Chain
from pixel_linguist.render.fonts import characters, family, find, manifest
from pixel_linguist.render.layout import Layout
from pixel_linguist.render.ragged import codes_of

WORDS = json.loads(Path(__file__).with_name("words.json").read_text())
# Alphabets with what stands beside them; more letters at once than the tables hold are not learned.
ALPHABETS = [range(0x21, 0x250), range(0x386, 0x460), range(0x531, 0x590), range(0x10D0, 0x1100)]
BESIDE = "0123456789-'’“”.,:;!?()/"


def font_entries() -> list[str]:
    return [name for name, entry in manifest()["fonts"].items() if entry.get("pairs")]


def family_of(font: str) -> str:
    """The first family that lists a font as its own, and so has its features."""
    for name, entry in manifest()["families"].items():
        if any(font in (listed, dict(listed).get("font") if isinstance(listed, dict) else None)
               for listed in entry["fonts"]):  # fmt: skip
            return str(name)
    raise AssertionError(f"no family lists {font}")


@pytest.mark.parametrize("font", font_entries())
def test_words_are_shaped_as_their_pairs(font: str) -> None:
    if find(font) is None:
        pytest.skip(f"font {font} is not installed")
    chain = Chain(family(family_of(font)), 16)
    layout, index, rng = Layout(chain), chain.names.index(font), np.random.default_rng(0)
    words = [word for entry in WORDS.values() for word in entry["words"]]
    for alphabet in ALPHABETS:
        letters = [chr(code) for code in alphabet if code in characters(font)]
        if letters:
            letters += [*BESIDE * max(len(letters) // 50, 1)]
            words += ["".join(rng.choice(letters, rng.integers(2, 7))) for _ in range(300)]
    together = checked = 0
    for group in EligibleWords(chain).groups(codes_of([*dict.fromkeys(words)])):
        if group.font != index or not group.pairs:
            continue
        glyphs, advances, _ = KerningTable(layout, index).shape(group.words)
        spans = zip(group.words.start, group.words.end, strict=True)
        for number, (start, stop) in enumerate(spans):
            word = group.words.text(number)
            infos, places = layout.glyphs(word, index, False)
            checked += 1
            if (advances[start:stop] < 0).any():
                together += 1
                continue
            assert [info.codepoint for info in infos] == glyphs[start:stop].tolist(), word
            pixels, _ = layout.advances(np.array([place.x_advance for place in places]), index)
            np.testing.assert_array_equal(advances[start:stop], pixels, word)
            assert not any(place.x_offset or place.y_offset for place in places), word
    assert checked > 20 and together < 0.7 * checked
