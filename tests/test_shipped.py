"""The model that comes with the package: its size, and that it still reads as it did."""

from pathlib import Path

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


def test_it_is_small(encoder: SentenceEncoder) -> None:
    assert (SHIPPED / "tiny" / "weights.safetensors").stat().st_size < 12.5e6
    assert encoder.model.about


def test_it_reads_what_is_misspelled(encoder: SentenceEncoder) -> None:
    queries = ["a mna plays teh guittar", "ѕtосk mаrkеt сrаѕh", "DOG RUNNING IN SN0W"]
    found = encoder.semantic_search(queries, TEXTS, k=1)
    assert found.rows[:, 0].tolist() == [0, 2, 1]


def test_it_agrees_with_people(encoder: SentenceEncoder, shared: Path) -> None:
    rows = read_table(shared / "data/sts/stsb/en/dev.tsv")[:400]
    first, second = (encoder.encode([r[f"sentence{i}"] for r in rows]) for i in (1, 2))
    scores = [float(row["score"]) for row in rows]
    assert spearmanr(np.sum(first * second, axis=1), scores).statistic > 0.75
