"""Our models in the real sentence-transformers: the same vectors, saved, pickled and trained on."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pytest

from pixel_linguist.api import SentenceEncoder

if TYPE_CHECKING:
    from pixel_linguist.model.store import Model

pytestmark = pytest.mark.slow
library = pytest.importorskip("sentence_transformers", reason="it is in an extra, with PyTorch")
TEXTS = ["one text", "a longer one than the first", "", "ქართული", "third"]


@pytest.fixture(scope="module")
def encoder(reading_model: "Model") -> SentenceEncoder:
    return SentenceEncoder(reading_model)


@pytest.fixture(scope="module")
def model(encoder: SentenceEncoder) -> Any:
    from pixel_linguist.sentence_transformer import PixelEncoder

    return library.SentenceTransformer(modules=[PixelEncoder(encoder)], device="cpu")


def test_vectors_are_the_encoders(encoder: SentenceEncoder, model: Any) -> None:
    expected = encoder.encode(TEXTS)
    assert model.get_embedding_dimension() == encoder.dimension
    for texts in (TEXTS, tuple(TEXTS), np.array(TEXTS), np.array(TEXTS, object)):
        np.testing.assert_allclose(model.encode(texts, batch_size=2), expected, atol=1e-6)
    arrow: Any = list(pyarrow.array(TEXTS))
    np.testing.assert_allclose(model.encode_query(arrow), expected, atol=1e-6)
    np.testing.assert_allclose(model.encode(TEXTS[1]), expected[1], atol=1e-6)
    short = model.encode_document(TEXTS, truncate_dim=5, normalize_embeddings=True)
    np.testing.assert_allclose(short, encoder.encode(TEXTS, truncate_dim=5), atol=1e-6)
    cosines = model.similarity(expected, expected)
    np.testing.assert_allclose(cosines, encoder.similarity(expected, expected), atol=1e-6)


def test_pictures_are_read(encoder: SentenceEncoder, model: Any) -> None:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (200, 40), "white")
    ImageDraw.Draw(picture).text((10, 10), "read this", fill="black")
    expected = encoder.encode_images([picture])
    np.testing.assert_allclose(model.encode([picture]), expected, atol=1e-6)


def test_a_saved_or_pickled_model_gives_the_same(model: Any, tmp_path: Path) -> None:
    expected = model.encode(TEXTS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).encode(TEXTS), expected)
    model.save(str(tmp_path))
    loaded = library.SentenceTransformer(str(tmp_path), trust_remote_code=True, device="cpu")
    np.testing.assert_array_equal(loaded.encode(TEXTS), expected)
    own = SentenceEncoder.load(tmp_path / "0_PixelEncoder")
    np.testing.assert_allclose(own.encode(TEXTS), expected, atol=1e-6)


def test_a_layer_behind_it_can_be_trained(encoder: SentenceEncoder) -> None:
    from sentence_transformers.sentence_transformer.modules import Dense

    from pixel_linguist.sentence_transformer import PixelEncoder

    dense = Dense(encoder.dimension, 3)
    model = library.SentenceTransformer(modules=[PixelEncoder(encoder), dense], device="cpu")
    model(model.preprocess(TEXTS))["sentence_embedding"].sum().backward()
    assert dense.linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("texts", "settings", "error", "word"),
    [
        (["a"], {"prompt": "query: "}, ValueError, "trained"),
        ([b"a"], {}, TypeError, "bytes"),
        ({"q": "a"}, {}, TypeError, "dict"),
        ([None], {}, TypeError, "None"),
    ],
)
def test_what_would_give_wrong_vectors_is_refused(
    model: Any, texts: Any, settings: dict[str, str], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        model.encode(texts, **settings)
