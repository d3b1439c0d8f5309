"""Long texts without spaces cost what is drawn of them, and look as if laid out whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.assembly import Assembler
from pixel_linguist.render.layout import Layout

PIECES = [
    "QUJDREVG", "漢字仮名交じり文、", "ภาษาไทยไม่เว้นวรรค", "שלום123", "العربيةمتصلة", "नमस्तेदुनिया",
    "👨‍👩‍👧🇩🇪", "e\u0301\u0323", "https://a.b/c?d=", "\u200b", "a" + "\u0301" * 90,
    "W", "i", "漢 ", "מ a",
]  # fmt: skip
SETTINGS: list[dict[str, Any]] = [
    {},
    {"strategy": "continuous", "end_patch": True},
    {"strategy": "bigrams"},
    {"strategy": "mono", "patch": (16, 8)},
    {"family": "mono", "weight": 700, "slant": 10},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_they_look_as_if_they_were_laid_out_whole(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(PIECES, 40)) * 2 for _ in range(6)]
    texts += [piece * (900 // len(piece)) for piece in PIECES]
    both: list[Any] = [*texts, (texts[0], "b", texts[1])]
    renderer = Renderer(max_patches=6, **settings)
    drawn, counts = renderer(both), renderer.count_patches(both)
    monkeypatch.setattr(Assembler, "_beginnings", lambda self, parts, room: parts)
    renderer = Renderer(max_patches=6, **settings)
    whole, needed = renderer(both), renderer.count_patches(both)
    np.testing.assert_array_equal(drawn.patches, whole.patches)
    assert drawn.stats.cut == whole.stats.cut
    np.testing.assert_array_equal(np.minimum(counts, 7), np.minimum(needed, 7))
    assert (counts <= needed).all()


@pytest.mark.parametrize("piece", ["QUJD", "漢字", "ไทย", "עברית", "🇩🇪"])
def test_their_cost_does_not_grow_with_the_rest(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaped, shape = [0], Layout.glyphs

    def counting(self: Layout, text: str, *rest: Any) -> Sequence[Any]:
        shaped[0] += len(text)
        return shape(self, text, *rest)

    monkeypatch.setattr(Layout, "glyphs", counting)
    costs = []
    for length in (2_000, 200_000):
        renderer, shaped[0] = Renderer(max_patches=8), 0
        text = piece * (length // len(piece))
        renderer.count_patches([text])
        renderer([text])
        costs.append(shaped[0])
    assert 0 < costs[1] <= costs[0] < 2_000
