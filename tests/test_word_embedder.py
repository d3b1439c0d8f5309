from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixel_linguist import word_embedder
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.model.store import Model
from pixel_linguist.render.patches import one_text_a_row
from pixel_linguist.render.word_pictures import read_line
from pixel_linguist.word_embedder import WordEmbedder, draw_lines, line_renderer

TEXTS = [
    "A child is riding a horse.",
    "no one sees us now",
    "NOW HERE",
    "Привет, мир! Καλημέρα",
    "a-very-long-word-that-is-wider-than-any-patch, and a short one",
    "?",
    "",
]


@pytest.fixture(scope="session")
def encoder(reading_model: Model) -> SentenceEncoder:
    return SentenceEncoder(reading_model)


@pytest.fixture
def embedder(encoder: SentenceEncoder) -> WordEmbedder:
    model: Any = encoder.model
    return WordEmbedder(model.encoder, model.params, encoder.renderer, 8)


def lines(encoder: SentenceEncoder, texts: list[str]) -> list[np.ndarray]:
    return list(draw_lines(line_renderer(encoder.renderer), texts))


def test_a_text_is_its_picture(encoder: SentenceEncoder, tmp_path: Path) -> None:
    vectors = encoder.encode(TEXTS[:-1])
    drawn = lines(encoder, TEXTS[:-1])
    np.testing.assert_allclose(encoder.encode_images(drawn), vectors, atol=1e-4)
    pictures: list[Any] = []
    for number, line in enumerate(drawn):
        paper = Image.fromarray(np.pad(255 - line, 23, constant_values=255)).convert("RGB")
        paper.save(tmp_path / f"{number}.png")
        pictures.append(tmp_path / f"{number}.png")
    np.testing.assert_allclose(encoder.encode_images(pictures), vectors, atol=1e-4)


def test_embeddings_are_those_of_the_words_pictures(encoder: SentenceEncoder) -> None:
    words = read_line(lines(encoder, TEXTS[:1])[0])
    assert len(words) == 6
    rows = one_text_a_row(words[None], np.array([6], np.int32))
    model: Any = encoder.model
    expected = np.asarray(model.encoder.encode(model.params, rows)["embedding"])[0, 0]
    expected = expected / np.linalg.norm(expected)
    np.testing.assert_allclose(encoder.encode(TEXTS[:1])[0], expected, atol=1e-5)


def test_kept_vectors_change_no_embedding(encoder: SentenceEncoder, embedder: WordEmbedder) -> None:
    whole = embedder(TEXTS)
    np.testing.assert_array_equal(embedder(TEXTS), whole)
    model: Any = encoder.model
    other = WordEmbedder(model.encoder, model.params, encoder.renderer, 8)
    singly = np.concatenate([other([text]) for text in TEXTS[::-1]])[::-1]
    np.testing.assert_allclose(singly, whole, atol=1e-5)
    # Other parameters take another embedder, as the vectors kept are of these.
    with pytest.raises(AttributeError, match="params"):
        embedder.__setattr__("params", model.params)


def test_each_picture_is_computed_once(
    embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    kept = embedder.tokens
    keep = kept._keep

    def counted(computed: np.ndarray) -> None:
        seen.append(len(computed))
        keep(computed)

    monkeypatch.setattr(kept, "_keep", counted)
    embedder(["the cat the cat", "the dog"])
    embedder(["the dog the cat"])
    assert seen == [4]


def test_words_are_computed_while_pages_are_read(
    encoder: SentenceEncoder, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [read_line(line) for line in lines(encoder, TEXTS[:4])]
    expected = [embedder.tokens.of_pages([page]) for page in pages]
    embedder.tokens.forget()
    monkeypatch.setattr(word_embedder, "_MANY", 4)
    monkeypatch.setattr(word_embedder, "_PAGES", 1)
    events: list[str] = []
    compute = embedder.tokens._compute

    def computed(*given: Any) -> Any:
        events.append("compute")
        return compute(*given)

    def read() -> Iterator[np.ndarray]:
        for page in pages:
            events.append("read")
            yield page

    monkeypatch.setattr(embedder.tokens, "_compute", computed)
    found = embedder.tokens.of_pages(read())
    assert events.index("compute") < len(events) - 1 - events[::-1].index("read")
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-4)


def test_pictures_without_text_and_with_too_much_are_told(encoder: SentenceEncoder) -> None:
    with pytest.warns(UserWarning, match="no text"):
        empty = encoder.encode_images([np.full((40, 90), 255, np.uint8)])
    np.testing.assert_allclose(empty, encoder.encode([""]), atol=1e-5)
    long = lines(encoder, ["one two three four five six seven eight nine ten"])
    with pytest.warns(UserWarning, match="words"):
        encoder.encode_images(long)


def test_texts_and_pictures_of_text_are_embedded_in_one_call(encoder: SentenceEncoder) -> None:
    drawn = [Image.fromarray(255 - line) for line in lines(encoder, TEXTS[:2])]
    given: list[Any] = [TEXTS[2], drawn[0], TEXTS[3], drawn[1]]
    found = encoder.embedder(8, None)(given)
    np.testing.assert_array_equal(found[[0, 2]], encoder.embedder(8, None)(TEXTS[2:4]))
    expected = encoder.encode_images(drawn, normalize=False)
    np.testing.assert_allclose(found[[1, 3]], expected, atol=1e-5)
