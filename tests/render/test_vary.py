"""Styles by example: what varies is what was asked for, and nothing at strength 0."""

from typing import Any

import numpy as np
import pytest

from pixel_linguist.render import Renderer, StyledRenderer, Styles, fonts
from pixel_linguist.render.styles import ASPECTS, compose_styles

KEYS = dict(zip(ASPECTS, ("family", "font_size", "weight", "slant", "spacing"), strict=True))
TEXTS = ["Some text, not long", "and another one"]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_only_the_aspects_that_are_named_vary(aspect: str) -> None:
    renderer = Renderer()
    variation = compose_styles({aspect: {"strength": 1.0}}, seed=3)
    varied = StyledRenderer(renderer, variation)
    styles = [varied.style(seed) for seed in range(64)]
    own = renderer.settings()
    assert len({style[KEYS[aspect]] for style in styles}) >= 3
    for style in styles:
        del style[KEYS[aspect]]
        assert style.items() <= own.items()


def test_a_strength_is_how_far_or_how_often() -> None:
    def sizes(strength: float) -> np.ndarray:
        varied = StyledRenderer(Renderer(), compose_styles({"size": {"strength": strength}}, 0))
        return np.array([varied.style(seed)["font_size"] for seed in range(64)])

    # The same drawings, half as far from the renderer's own size, rounded to quarters.
    own = fonts.family("noto").size * 16
    np.testing.assert_allclose(sizes(0.5) - own, (sizes(1.0) - own) / 2, atol=0.25)
    assert sizes(1.0).min() >= 5 and sizes(1.0).max() <= 14 and np.ptp(sizes(1.0)) > 6
    spec = {"family": {"strength": 0.5, "families": ("mono",)}}
    varied = StyledRenderer(Renderer(), compose_styles(spec, 0))
    families = [varied.style(seed)["family"] for seed in range(64)]
    assert 20 < families.count("mono") < 44 and set(families) == {"noto", "mono"}


@pytest.mark.parametrize("strength", [0.0, dict.fromkeys(ASPECTS, 0.0), {}])
def test_strength_0_is_the_renderers_own_style(strength: Any) -> None:
    renderer = Renderer()
    varied = StyledRenderer(renderer, Styles(strength=strength))
    assert all(varied.style(seed) == renderer.settings() for seed in range(64))


def test_fonts_that_may_draw_are_named_by_their_hash() -> None:
    spec = {"family": {"strength": 1.0, "families": ("noto", "mono")}}
    hashes = StyledRenderer(Renderer(), compose_styles(spec, 0)).font_hashes()
    for family in ("noto", "mono"):
        assert Renderer(family).font_hashes().items() <= hashes.items()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"famly": {"strength": 1.0}}, "unknown aspect of style 'famly': did you mean 'family'"),
        ({"size": {"strenght": 1.0}}, "size takes no 'strenght'; it takes strength"),
        ({"size": {}}, "size needs 'strength'"),
        ({"size": {"strength": 1.5}}, "size: strength must be a number from 0 to 1, not 1.5"),
        ({"size": {"strength": "1"}}, "size: strength must be a number from 0 to 1, not '1'"),
        ({"size": {"strength": 1.0, "families": ()}}, "size takes no 'families'"),
        ({"family": {"strength": 1.0, "families": ("comic",)}}, "no font family 'comic'"),
    ],
)
def test_a_style_that_cannot_be_is_refused(spec: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose_styles(spec, 0)


def test_a_family_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixel_linguist.render.styles.find", lambda font: None)
    with pytest.raises(FileNotFoundError, match=r"family 'mono' .* not installed; .*install-fonts"):
        compose_styles({"family": {"strength": 1.0, "families": ("mono",)}}, 0)
