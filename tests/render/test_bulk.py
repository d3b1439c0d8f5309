"""Words that are shaped and drawn many at once look as they do one by one."""

import json
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.render import Renderer
from pixel_linguist.render.cache.shape import BulkShaper
from pixel_linguist.render.ragged import Codes

WORDS = json.loads(Path(__file__).with_name("words.json").read_text())
ODD = (
    "office fluffy affix AVATAR To. 'quoted' (x) 1,234.50 ½ № ﬁ Å Å 가나다 각 ᄀ가 ﷺ e\u0301 "
    "ǆ ŉ ﬃ ß ẞ İ ı ĳ A\u200db x\u00ady ① ☎ € ₿ + = → ⇒ © 1️⃣ 中a ａ１ ｶﾞ ー々〆 ﬓ ŀl"
)


@pytest.mark.parametrize("strategy", ["words", "continuous", "mono"])
@pytest.mark.parametrize("family", ["noto", "garamond", "unifont"])
def test_many_at_once_are_as_one_by_one(
    strategy: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word for entry in WORDS.values() for word in entry["words"]] + ODD.split()
    words += [f"{a}{b}{c}" for a in words[:20:3] for b in "-'’.," for c in words[25:50:6]]
    try:
        together = Renderer(family, strategy)(words, 16)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    drawn = 0

    def refuse(self: BulkShaper, words: Codes, *_: object) -> None:
        nonlocal drawn
        drawn += len(words.end)

    monkeypatch.setattr(BulkShaper, "draw", refuse)
    alone = Renderer(family, strategy)(words, 16)
    assert drawn > 500
    changed = np.flatnonzero((together.patches != alone.patches).any((1, 2, 3)))
    assert not [words[i] for i in changed]
    np.testing.assert_array_equal(together.count, alone.count)
    assert together.stats == alone.stats


def test_letters_without_a_picture_have_none_among_many_either() -> None:
    renderer = Renderer("unifont")
    renderer(["a b c d \u3164 \uffa0"])
    assert renderer(["\u3164", "\uffa0"]).count.tolist() == [1, 1]
    assert not renderer(["\u3164", "\uffa0"]).patches.any()


@pytest.mark.parametrize("strategy", ["words", "continuous", "mono"])
def test_many_are_cut_as_one_by_one(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [word for entry in WORDS.values() for word in entry["words"]] + ODD.split()
    renderers = [Renderer(strategy=strategy, max_patches=patches) for patches in (1, 2, 3)]
    together = [renderer(words) for renderer in renderers]
    monkeypatch.setattr(BulkShaper, "draw", lambda *_: None)
    renderers = [Renderer(strategy=strategy, max_patches=patches) for patches in (1, 2, 3)]
    for found, renderer in zip(together, renderers, strict=True):
        alone = renderer(words)
        assert alone.stats.cut > 10
        changed = np.flatnonzero((found.patches != alone.patches).any((1, 2, 3)))
        assert not [words[i] for i in changed]
        np.testing.assert_array_equal(found.count, alone.count)
        assert found.stats == alone.stats
