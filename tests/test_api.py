"""The encoder as a user meets it: any text in, vectors of length 1 out, in order."""

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist.api import SentenceEncoder, similarity
from pixel_linguist.model.store import Model, save_model

TEXTS = ["A man is playing a guitar.", "В небе летают птицы", "पक्षी", "", " \t\n", "x" * 40]


@pytest.fixture(scope="module")
def encoder(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Callable[..., Model]
) -> SentenceEncoder:
    """Return an untrained encoder that was saved and loaded."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny_model(patch_height=16, patch_width=16, max_patches=32))
    return SentenceEncoder.load(folder)


def test_rows_are_unit_vectors_in_order_whatever_the_batch(encoder: SentenceEncoder) -> None:
    texts = [f"{text} {number}" for number in range(7) for text in TEXTS]
    embeddings = encoder.encode(texts, batch_size=8)
    assert embeddings.shape == (len(texts), encoder.dimension) and embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([text], batch_size=1) for text in texts[:12]])
    np.testing.assert_allclose(embeddings[:12], alone, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = encoder.encode([texts[i] for i in order], batch_size=8)
    np.testing.assert_allclose(shuffled, embeddings[order], atol=1e-5)


def test_a_generator_is_as_good_as_a_list(encoder: SentenceEncoder) -> None:
    texts = [f"{text} {number}" for number in range(200) for text in TEXTS]
    embeddings = encoder.encode((text for text in texts), batch_size=8)
    np.testing.assert_allclose(embeddings, encoder.encode(texts), atol=1e-6)
    blocks = [*encoder.encode_stream(iter(texts), batch_size=8)]
    assert [len(block) for block in blocks] == [512, 512, 176]
    np.testing.assert_array_equal(np.concatenate(blocks), embeddings)


def test_type_and_scale_are_as_asked_for(encoder: SentenceEncoder) -> None:
    half = encoder.encode(TEXTS, dtype="float16")
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, encoder.encode(TEXTS, device="cpu"), atol=1e-3)
    raw = encoder.encode(TEXTS, normalize=False)
    assert np.abs(np.linalg.norm(raw, axis=1) - 1).min() > 0.01
    np.testing.assert_allclose(similarity(raw, half).diagonal(), 1, atol=1e-3)


def test_a_picture_of_a_text_has_the_embedding_of_the_text(encoder: SentenceEncoder) -> None:
    rendered = encoder.renderer(TEXTS)
    pictures = [255 - patches.swapaxes(0, 1).reshape(16, -1) for patches in rendered.patches]
    embeddings = encoder.encode_images([*pictures, Image.fromarray(pictures[0])])
    texts = encoder.encode([*TEXTS, TEXTS[0]])
    np.testing.assert_allclose(embeddings, texts, atol=1e-6)
    assert encoder.encode_images([]).shape == (0, encoder.dimension)


def test_search_and_mining_take_texts_or_their_vectors(encoder: SentenceEncoder) -> None:
    hits = encoder.semantic_search(TEXTS[:3], TEXTS, k=2)
    assert hits.rows.shape == (3, 2) and [*hits.rows[:, 0]] == [0, 1, 2]
    again = encoder.semantic_search(encoder.encode(TEXTS[:3]), encoder.encode(TEXTS), k=2)
    np.testing.assert_array_equal(hits.rows, again.rows)
    pairs = encoder.paraphrase_mining(["one text", "another", "one text"])
    assert (pairs.first[0], pairs.second[0]) == (0, 2)
    with pytest.raises(ValueError, match="corpus"):
        encoder.semantic_search(["a"], [])


def test_empty_and_blank_texts_have_the_embedding_of_a_blank_picture(
    encoder: SentenceEncoder,
) -> None:
    embeddings = encoder.encode(["", "   ", "\n\t", "a"])
    np.testing.assert_allclose(embeddings[1:3], embeddings[[0, 0]], atol=1e-6)
    assert np.abs(embeddings[3] - embeddings[0]).max() > 1e-3
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_long_text_is_cut_with_a_warning_that_counts(encoder: SentenceEncoder) -> None:
    long = "word " * 2000
    with pytest.warns(UserWarning, match="2 of 3 texts") as warned:
        embeddings = encoder.encode([long, "short", long + "and another end"])
        list(encoder.encode_stream([long, "short", long]))
    assert [warning.filename for warning in warned] == [__file__] * 2
    np.testing.assert_allclose(embeddings[0], embeddings[2], atol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.encode(["short"])


def test_any_unicode_is_encoded(encoder: SentenceEncoder) -> None:
    strange = ["\ud800 lone", "a\x00b", "\u202egnp", "e" + "\u0301" * 1000, "\U000e0001\U0010ffff"]
    assert np.isfinite(encoder.encode(strange)).all()


@pytest.mark.parametrize(
    ("texts", "message"),
    [("one text", r"write \[text\]"), (["a", None], "text 1 is a NoneType"), ([b"a"], "bytes")],
)
def test_what_is_not_a_list_of_str_is_refused(
    encoder: SentenceEncoder, texts: list[str], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        encoder.encode(texts)


def test_other_bad_arguments_are_refused(encoder: SentenceEncoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch_size is 0"):
        encoder.encode(["a"], batch_size=0)
    with pytest.raises(ValueError, match="dtype is 'int8'; choose one of float32, float16"):
        encoder.encode(["a"], dtype="int8")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no device 'tpu' here; there is 'cpu'"):
        encoder.encode(["a"], device="tpu")
    with pytest.raises(FileNotFoundError, match="no model in"):
        SentenceEncoder.load(tmp_path)
    with pytest.raises(ValueError, match=r"\(3, 4\), \(3, 5\)"):
        similarity(np.ones((3, 4)), np.ones((3, 5)))


def test_similarity_is_the_cosine() -> None:
    a = np.array([[3.0, 0.0], [1.0, 1.0]])
    b = np.array([[0.0, 2.0], [5.0, 0.0], [-1.0, -1.0]])
    root = np.sqrt(0.5)
    expected = [[0, 1, -root], [root, root, -1]]
    np.testing.assert_allclose(similarity(a, b), expected, atol=1e-6)


def test_truncated_vectors_are_scaled_prefixes(encoder: SentenceEncoder) -> None:
    whole, raw = encoder.encode(TEXTS), encoder.encode(TEXTS, normalize=False)
    expected = whole[:, :5] / np.linalg.norm(whole[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(TEXTS, truncate_dim=5), expected, atol=1e-6)
    short = SentenceEncoder(encoder.model, truncate_dim=5)
    for other in (short, pickle.loads(pickle.dumps(short))):
        assert other.dimension == 5 and encoder.dimension == raw.shape[1]
        np.testing.assert_allclose(other.encode_query(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(short.encode(TEXTS, normalize=False), raw[:, :5], atol=1e-6)
    assert short.encode(TEXTS, truncate_dim=7).shape == (len(TEXTS), 7)
    assert short.encode([]).shape == short.encode_images([]).shape == (0, 5)
    np.testing.assert_array_equal(short.semantic_search(TEXTS[:3], TEXTS, k=1).rows[:, 0], range(3))


def test_pairs_have_the_diagonal_of_all_cosines(encoder: SentenceEncoder) -> None:
    a, b = encoder.encode_query(TEXTS), encoder.encode_document(TEXTS[::-1])
    found = encoder.similarity_pairwise(a.tolist(), b)
    np.testing.assert_allclose(found, encoder.similarity(a, b).diagonal(), atol=1e-6)
    assert similarity([[200]], np.array([[100]], np.uint8)).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="rows"):
        encoder.similarity_pairwise(a, b[1:])


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"prompt": "query: "}, "trained"),
        ({"prompt_name": "query"}, "trained"),
        ({"convert_to_numpy": False}, "from_numpy"),
        ({"truncate_dim": 0}, "truncate_dim"),
        ({"truncate_dim": 33}, "1 to 32"),
    ],
)
def test_what_sentence_transformers_has_and_this_has_not_is_refused(
    encoder: SentenceEncoder, settings: dict[str, Any], word: str
) -> None:
    for method in (encoder.encode, encoder.encode_query, encoder.encode_document):
        with pytest.raises(ValueError, match=word):
            method(["a"], **settings)


def test_prompts_are_refused_on_load() -> None:
    with pytest.raises(ValueError, match="trained"):
        SentenceEncoder.load("tiny", prompts={"query": "query: "})  # type: ignore[arg-type]


def test_other_fonts_than_in_training_are_named(encoder: SentenceEncoder) -> None:
    name = next(iter(encoder.model.fonts))
    with pytest.warns(UserWarning, match="other versions") as warned:
        SentenceEncoder(encoder.model._replace(fonts={name: "0" * 64}))
    assert [(name in str(w.message), w.filename) for w in warned] == [(True, __file__)]
    with pytest.warns(UserWarning, match="My.ttf"):
        SentenceEncoder(encoder.model._replace(fonts=encoder.model.fonts | {"My.ttf": "0" * 64}))


def test_what_is_saved_is_what_is_loaded(encoder: SentenceEncoder, tmp_path: Path) -> None:
    for dtype, tolerance in (("float32", 0), ("float16", 3e-3), ("int8", 3e-2)):
        encoder.save(tmp_path / dtype, dtype)  # type: ignore[arg-type]
        loaded = SentenceEncoder.load(tmp_path / dtype)
        np.testing.assert_allclose(loaded.encode(TEXTS), encoder.encode(TEXTS), atol=tolerance)


def test_the_package_gives_the_encoder_without_loading_it_first() -> None:
    code = (
        "import sys, pixel_linguist; assert 'jax' not in sys.modules; "
        "pixel_linguist.SentenceEncoder; assert 'jax' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
