"""What a model makes of a text: words of a similarity, missing letters, and their HTML."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.inference import Embedder
from pixel_linguist.model.store import Model
from pixel_linguist.report.inspection import Inspector

A, B = "the cat sat", "a cat slept"


@pytest.fixture(scope="module")
def look(tiny_model: Callable[..., Model]) -> Inspector:
    """Return an inspector of an untrained transformer, which needs no words."""
    return Inspector(SentenceEncoder(tiny_model(max_patches=32)).embedder(8, None))


def test_a_words_weight_is_what_the_cosine_loses_without_it(look: Inspector) -> None:
    def cosine(a: str, b: str) -> float:
        x, y = look.embedder([a]), look.embedder([b])
        return float((x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y))

    whole, first, second = look.occlusion(A, B)
    assert whole == pytest.approx(cosine(A, B), abs=1e-5)
    assert dict(first)["cat"] == pytest.approx(whole - cosine("the sat", B), abs=1e-5)
    assert dict(second)["slept"] == pytest.approx(whole - cosine(A, "a cat"), abs=1e-5)
    assert [word for word, _ in look.occlusion("cat", B)[1]] == ["c", "a", "t"]


def test_texts_show_original_view_grid_and_missing_letters(look: Inspector) -> None:
    html = look.text("a <cat>", view="a cta \U00012000")._repr_html_()
    assert "a &lt;cat&gt;" in html and "a cta \U00012000" in html
    assert "data:image/png;base64," in html and "no font has \U00012000" in html
    assert "the model reads" in look.text("w" * 300).html()
    # Nothing is fetched from elsewhere.
    assert "http" not in html


def test_pairs_perturbations_wear_and_neighbours_are_shown(look: Inspector) -> None:
    pair = look.pair(A, B)
    assert np.shape(pair.content["alike"]) == tuple(len(look.patches(text)) for text in (A, B))
    assert pair.html().count("title=") == 6
    assert look.perturbed(A).html().count("<img") == 10
    worn = look.worn(A)
    assert worn.html().count("<img") == 15 and "does not read pictures" in worn.html()
    found = look.neighbours(A, [B, A, B, "", "other"]).content["rows"]
    assert sorted(text for text, _ in found) == [B, "other"]
    assert look.neighbours(A, []).content["rows"] == []
    assert look.pair("", "")._repr_html_()


@pytest.mark.slow
def test_models_that_read_are_asked_for_pictures_too(reading_model: Model) -> None:
    look = Inspector(SentenceEncoder(reading_model).embedder(8, None))
    assert len(look.patches(A)) == 3
    assert np.shape(look.pair(A, B).content["alike"]) == (3, 3)
    cosines: Iterable[Any] = [cosine for *_, cosine in look.worn(A).content["rows"]]
    assert all(-1.001 <= cosine <= 1.001 for cosine in cosines)
    assert isinstance(look.embedder, Embedder)
