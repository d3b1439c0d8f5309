"""The shipped model that reads: words it has not seen drawn, in typefaces that it was not given."""

from pathlib import Path

import numpy as np
import pytest

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.evaluate.build import make_task
from pixel_linguist.render.page_pictures import Margins, draw_page
from pixel_linguist.render.styles import installed_families
from pixel_linguist.render.wear import WEAR
from pixel_linguist.word_embedder import draw_lines, line_renderer

TEXTS = [
    "A man is playing a guitar.",
    "A dog runs through the snow.",
    "The stock market crashed on Monday.",
    "Two children are building a sand castle.",
    "The doctor prescribed a new medicine.",
    "He repaired the engine of his old car.",
]
QUERIES = [
    "someone plays music",
    "an animal outside in winter",
    "shares lost much of their value",
    "kids at the beach",
    "a physician treats a patient",
    "a mechanic at work",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load("tiny")


def found(encoder: SentenceEncoder, pictures: list[np.ndarray]) -> list[int]:
    """Return for each query the number of the picture that is nearest."""
    vectors = encoder.encode_images(pictures)
    return (encoder.encode(QUERIES) @ vectors.T).argmax(axis=1).tolist()


@pytest.mark.parametrize("family", ["noto", "mono"])
@pytest.mark.parametrize("wear", ["", "invert", "blur", "noise", "tilt"])
def test_meaning_is_found_in_pictures(encoder: SentenceEncoder, family: str, wear: str) -> None:
    rng = np.random.default_rng(0)
    pictures = [draw_page([text], family, 28, 1.0, Margins(9, 5, 14, 7)) for text in TEXTS]
    if wear:
        pictures = [WEAR[wear](picture, 28, 0.5, rng) for picture in pictures]
    assert sum(np.array(found(encoder, pictures)) == np.arange(len(TEXTS))) >= 4
    cosines = (encoder.encode(TEXTS) * encoder.encode_images(pictures)).sum(axis=1)
    assert cosines.mean() > 0.85


def test_lines_of_a_page_are_one_text(encoder: SentenceEncoder) -> None:
    text = "A man in a red coat is playing a guitar in front of the old house"
    lines = ["A man in a red coat", "is playing a guitar", "in front of the old house"]
    page = draw_page(lines, "noto", 24, 1.4, Margins(30, 30, 30, 30))
    vector, whole = encoder.encode_images([page])[0], encoder.encode([text])[0]
    assert vector @ whole > 0.9


def test_a_text_is_its_picture(encoder: SentenceEncoder) -> None:
    drawn = list(draw_lines(line_renderer(encoder.renderer), TEXTS))
    pictures = encoder.encode_images([255 - line for line in drawn])
    np.testing.assert_allclose(pictures, encoder.encode(TEXTS), atol=1e-4)


def test_disguises_that_were_never_given_come_from_what_they_look_like(
    encoder: SentenceEncoder,
) -> None:
    # Cyrillic letters that look like Latin ones.
    disguised = ["A mаn is рlауing а guitаr.", "Тhе stосk mаrkеt сrаshеd оn Моndау."]
    vectors, plain = encoder.encode(disguised), encoder.encode([TEXTS[0], TEXTS[2]])
    assert (vectors * plain).sum(axis=1).min() > 0.95


@pytest.mark.slow
def test_it_agrees_with_people_in_typefaces_it_has_not_seen(
    encoder: SentenceEncoder, shared: Path
) -> None:
    families = ("lora", "caveat")
    if missing := [name for name in families if name not in installed_families()]:
        pytest.skip(f"not installed, of the extra fonts: {missing}")
    source = {"name": "tsv", "path": "sts/stsb/en/dev.tsv"}
    task = {"name": "sts", "source": source}
    spec = {"name": "pictures", "task": task, "families": families}
    made = make_task(shared / "data", spec)
    scores = made.score(encoder.encode_images)
    assert scores["worst"] > 0.68


def test_translations_meet_drawn_or_not() -> None:
    encoder = SentenceEncoder.load("tiny-multilingual")
    translations = [
        "Ein Mann spielt Gitarre.",
        "Un perro corre por la nieve.",
        "Il mercato azionario è crollato lunedì.",
        "Twee kinderen bouwen een zandkasteel.",
        "Le médecin a prescrit un nouveau médicament.",
        "Он починил мотор своей старой машины.",
    ]
    english = encoder.encode(TEXTS)
    for vectors in (
        encoder.encode(translations),
        encoder.encode_images(
            [draw_page([text], "mono", 28, 1.0, Margins(9, 5, 14, 7)) for text in translations]
        ),
    ):
        right = (vectors @ english.T).argmax(axis=1) == np.arange(len(TEXTS))
        assert right.sum() >= 5
