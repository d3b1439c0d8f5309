"""PIXEL's own renderer, by pictures that it drew (settings and fonts are beside them)."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.render import PRESETS, Renderer

FIXTURES = Path(__file__).parents[2].parent / "shared" / "fixtures" / "render"
# Only these come wholly from Noto Sans.
ROWS = (0, 1, 2, 8, 9, 10, 11, 12)
AGREEMENT = 0.98


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    if not FIXTURES.is_dir():
        pytest.skip("the reference's pictures are not on this machine")
    try:
        return Renderer(**PRESETS["pixel"])
    except FileNotFoundError:
        if shutil.which("apt-get"):
            raise
        pytest.skip("this Noto Sans comes from a Debian package")


@pytest.mark.parametrize("row", ROWS)
def test_patches_are_as_many_and_ink_is_where_it_is(renderer: Renderer, row: int) -> None:
    settings = json.loads((FIXTURES / "settings.json").read_text())
    pictures = np.load(FIXTURES / "pango_noto.npz")
    text = settings["strings"][row]
    rendered = renderer([tuple(text) if isinstance(text, list) else text], length=64)
    # The reference does not count the last black patch.
    assert rendered.count[0] - 1 == pictures["num_text_patches"][row]
    ours = rendered.patches[0].swapaxes(0, 1).reshape(16, 64 * 16).astype(float)
    theirs = 255.0 - pictures["pixels"][row]
    correlation = (ours * theirs).sum() / np.sqrt((ours**2).sum() * (theirs**2).sum())
    assert correlation >= AGREEMENT
