"""The models that come with the package: their size, and that they still read as they did."""

from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.stats import spearmanr

from pixel_linguist import SentenceEncoder
from pixel_linguist.data.sources import read_table
from pixel_linguist.models import SHIPPED

TEXTS = ["A man is playing a guitar.", "A dog runs through the snow.", "The stock market crashed."]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load("tiny")


@pytest.mark.parametrize("name", ["tiny", "tiny-multilingual"])
def test_it_is_small(name: str) -> None:
    assert (SHIPPED / name / "weights.safetensors").stat().st_size < 12.5e6
    model = SentenceEncoder.load(name).model
    assert model.about and sum(leaf.size for leaf in jax.tree.leaves(model.params)) < 6e6


def test_it_reads_what_is_misspelled(encoder: SentenceEncoder) -> None:
    queries = ["a mna plays teh guittar", "ѕtосk mаrkеt сrаѕh", "DOG RUNNING IN SN0W"]
    found = encoder.semantic_search(queries, TEXTS, k=1)
    assert found.rows[:, 0].tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    "query",
    [
        "A MAN PLAYING GUITAR",
        "4 m4n 15 pl4y1n6 7h3 6u17ar",
        "ȧ m̃án ĩš pláỹîñǵ gũíťâř",
        "а mаn рlауіng guіtаr",
        "ａ ｍａｎ ｐｌａｙｉｎｇ ｇｕｉｔａｒ",
    ],
)
def test_it_reads_letters_in_disguise(encoder: SentenceEncoder, query: str) -> None:
    assert encoder.semantic_search([query], TEXTS, k=1).rows[0, 0] == 0


def test_translations_are_alike() -> None:
    encoder = SentenceEncoder.load("tiny-multilingual")
    german = ["Ein Mann spielt Gitarre.", "Ein Hund rennt durch den Schnee."]
    assert encoder.semantic_search(german, TEXTS, k=1).rows[:, 0].tolist() == [0, 1]


def test_it_agrees_with_people(encoder: SentenceEncoder, shared: Path) -> None:
    rows = read_table(shared / "data/sts/stsb/en/dev.tsv")[:400]
    first, second = (encoder.encode([r[f"sentence{i}"] for r in rows]) for i in (1, 2))
    scores = [float(row["score"]) for row in rows]
    assert spearmanr(np.sum(first * second, axis=1), scores).statistic > 0.75
