"""Texts and vectors are taken in any usual container, and what holds none is refused by name."""

import collections
import shelve
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model
from pixel_linguist.render import Renderer
from pixel_linguist.search import ExactIndex, as_vectors, nearest, nearest_pairs
from pixel_linguist.text.containers import as_texts

TEXTS = ["two dogs", "ein Hund", "a cat sleeps"]


@pytest.fixture(scope="module")
def encoder(tiny_model: Callable[..., Model]) -> SentenceEncoder:
    return SentenceEncoder(tiny_model(max_patches=16, depth=1))


def containers() -> dict[str, Any]:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    return {
        "tuple": tuple(TEXTS),
        "iterator": iter(TEXTS),
        "values of a dict": dict(enumerate(TEXTS)).values(),
        "deque": collections.deque(TEXTS),
        "array": np.array(TEXTS),
        "array of objects": np.array(TEXTS, object),
        "series": pandas.Series(TEXTS, index=[5, 3, 9]),
        "index": pandas.Index(TEXTS),
        "categories": pandas.Series(TEXTS, dtype="category"),
        "arrow": pyarrow.array(TEXTS),
        "arrow in chunks": pyarrow.chunked_array([TEXTS[:1], TEXTS[1:]]),
    }


def test_texts_come_in_any_container(encoder: SentenceEncoder) -> None:
    expected, drawn = encoder.encode(TEXTS), Renderer()(TEXTS).patches
    for name, texts in containers().items():
        np.testing.assert_array_equal(encoder.encode(texts), expected, err_msg=name)
    for name, texts in containers().items():
        np.testing.assert_array_equal(Renderer()(texts).patches, drawn, err_msg=name)
    for name, texts in containers().items():
        assert encoder.semantic_search(texts, TEXTS, k=1).rows.tolist() == [[0], [1], [2]], name


def test_what_holds_no_texts_is_refused_by_name(encoder: SentenceEncoder, tmp_path: Path) -> None:
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"text": TEXTS})
    with shelve.open(str(tmp_path / "shelf")) as shelf:
        cases: list[tuple[Any, str]] = [
            (collections.Counter(TEXTS), "Counter"),
            (collections.ChainMap({"a": "b"}), "ChainMap"),
            (types.MappingProxyType({"a": "b"}), "mappingproxy"),
            (shelf, "Shelf"),
            (frame, "DataFrame"),
            (pyarrow.Table.from_pandas(frame), "Table"),
            (np.str_("a text"), "one str"),
            (np.array("a text"), "0 dimensions"),
            (np.array([[TEXTS]]), "3 dimensions"),
            (bytearray(b"a"), "bytearray"),
            (None, "None"),
            (7, "int"),
        ]
        uses: list[Callable[..., Any]] = [as_texts, encoder.encode, Renderer()]
        for given, word in cases:
            for use in (*uses, encoder.paraphrase_mining):
                with pytest.raises(TypeError, match=word):
                    use(given)
    mixed: list[Any] = [pandas.Series(["a", None]), pyarrow.array(["a", None]), ["b", ["a"]]]
    for given in mixed:
        with pytest.raises(TypeError, match="text 1"):
            encoder.encode(given)


def test_vectors_come_as_lists_and_arrays_of_any_kind(
    encoder: SentenceEncoder, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.save(tmp_path / "a.npy", vectors)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert np.shares_memory(as_vectors(mapped), mapped)
    wanted, pairs = nearest(vectors, vectors, 2), nearest_pairs(vectors, 2)
    for given in (
        vectors.tolist(),
        [*vectors],
        tuple(map(tuple, vectors)),
        jnp.asarray(vectors),
        [*jnp.asarray(vectors)],
        mapped,
        vectors.astype(object),
    ):
        for found in (
            nearest(given, given, 2),
            ExactIndex(given).search(given, 2),
            encoder.semantic_search(given, given, k=2),
        ):
            np.testing.assert_array_equal(found.rows, wanted.rows)
        np.testing.assert_array_equal(nearest_pairs(given, 2).first, pairs.first)
    rounded = jnp.asarray(vectors, jnp.bfloat16)
    assert nearest(rounded, rounded, 1).rows.ravel().tolist() == [0, 1, 2, 3, 4]
    for bad in ([[1.0, 2.0], [3.0]], [["a", "b"]], [1.0, 2.0]):
        with pytest.raises(ValueError, match="vectors are"):
            nearest(bad, vectors, 1)
