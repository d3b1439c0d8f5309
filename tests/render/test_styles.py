"""Styles by seed: only the chosen aspects differ, and nothing at strength 0."""

from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer, StyledRenderer, Styles, fonts
from pixel_linguist.render.styles import ASPECTS, compose_styles

KEYS = dict(zip(ASPECTS, ("family", "font_size", "weight", "slant", "spacing"), strict=True))


def styles_of(spec: Any, seed: int = 0) -> list[dict[str, Any]]:
    styled = StyledRenderer(Renderer(), compose_styles(spec, seed))
    return [styled.style(seed) for seed in range(64)]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_only_the_aspects_that_are_named_vary(aspect: str) -> None:
    styles, own = styles_of({aspect: {"strength": 1.0}}, 3), Renderer().settings()
    assert len({style[KEYS[aspect]] for style in styles}) >= 3
    for style in styles:
        del style[KEYS[aspect]]
        assert style.items() <= own.items()


def test_a_strength_is_a_distance_or_a_probability() -> None:
    half, whole = (
        np.array([style["font_size"] for style in styles_of({"size": {"strength": strength}})])
        for strength in (0.5, 1.0)
    )
    # The same random numbers, half as far from the renderer's own size, rounded to quarters.
    own = fonts.family("noto").size * 16
    np.testing.assert_allclose(half - own, (whole - own) / 2, atol=0.25)
    assert whole.min() >= 5 and whole.max() <= 14 and np.ptp(whole) > 6
    spec = {"family": {"strength": 0.5, "families": ("mono",)}}
    families = [style["family"] for style in styles_of(spec)]
    assert 20 < families.count("mono") < 44 and set(families) == {"noto", "mono"}


@pytest.mark.parametrize("strength", [0.0, dict.fromkeys(ASPECTS, 0.0), {}])
def test_strength_0_is_the_renderers_own_style(strength: Any) -> None:
    renderer = Renderer()
    styled = StyledRenderer(renderer, Styles(strength=strength))
    assert all(styled.style(seed) == renderer.settings() for seed in range(64))


def test_texts_have_the_style_of_their_own_seed() -> None:
    texts = [f"text {number}, not long" for number in range(20)]
    styled = StyledRenderer(Renderer(), Styles(count=7, families=("noto", "mono")))
    together = styled(texts, 24, seeds=range(20)).patches
    for i in (3, 11, 19):
        alone = Renderer(**styled.style(i))([texts[i]], 24).patches[0]
        np.testing.assert_array_equal(together[i], alone)
    assert len({str(styled.style(seed)) for seed in range(7)}) == 7
    hashes = styled.font_hashes().items()
    assert all(Renderer(family).font_hashes().items() <= hashes for family in ("noto", "mono"))


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"famly": {"strength": 1.0}}, "'family'"),
        ({"size": {"strenght": 1.0}}, "strenght"),
        ({"size": {}}, "strength"),
        ({"size": {"strength": 1.5}}, "size"),
        ({"size": {"strength": "1"}}, "size"),
        ({"size": {"strength": 1.0, "families": ()}}, "families"),
        ({"family": {"strength": 1.0, "families": ("comic",)}}, "comic"),
    ],
)
def test_impossible_styles_are_refused(spec: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        compose_styles(spec, 0)


def test_a_family_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixel_linguist.render.styles.find", lambda font: None)
    with pytest.raises(FileNotFoundError, match="mono"):
        compose_styles({"family": {"strength": 1.0, "families": ("mono",)}}, 0)
