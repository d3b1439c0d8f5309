from typing import Any

import numpy as np
import pytest

from pixel_linguist.evaluate.build import make_task
from pixel_linguist.evaluate.word_reading import WordReading

WORDS = ("anchor", "bridge", "candle", "dragon", "engine", "forest", "garden", "harbor", "island")


def reading(**changes: Any) -> WordReading:
    source = [{"word": word} for word in [*WORDS, "Capital", "x1"]]
    arguments: dict[str, Any] = {"size": 8, "families": ("noto", "mono")} | changes
    return WordReading.from_source(source, **arguments)


def test_a_reader_has_all_and_a_guesser_what_chance_gives() -> None:
    task = reading()
    known = {word: np.eye(16)[i] for i, word in enumerate(task.texts())}
    words = iter([*task.texts(), *task.texts()[:8], *task.texts()[:8]])

    def read(batch: Any) -> np.ndarray:
        return np.array([known[next(words)] for _ in batch])

    assert task.score(read) == {"mean": 1.0, "worst": 1.0, "noto": 1.0, "mono": 1.0}
    rng = np.random.default_rng(0)
    scores = [task.score(lambda batch: rng.normal(size=(len(batch), 8)))["mean"] for _ in range(40)]
    assert np.mean(scores) == pytest.approx(1 / 16, abs=0.03)


def test_neighbours_are_other_words() -> None:
    task = reading()
    texts = task.texts()
    assert len(set(texts)) == len(texts) == 16
    assert set(texts[:8]) <= set(WORDS)
    assert reading().texts() == texts and reading(seed=1).texts() != texts


def test_too_few_words_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        reading(size=10)


def test_it_is_made_by_name(tmp_path: Any) -> None:
    (tmp_path / "words.tsv").write_text("text\n" + " ".join(WORDS) + "\n")
    source = {"name": "words", "paths": ("words.tsv",), "columns": ("text",)}
    spec = {"name": "word_reading", "source": source, "size": 9, "families": ("noto",)}
    assert len(make_task(tmp_path, spec).texts()) == 18
