"""Chance keeps texts and lengths, and loses who belongs to whom."""

from collections.abc import Sequence

import numpy as np

from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.chance import ALIKE, chance
from pixel_linguist.evaluate.sts import STS

RNG = np.random.default_rng(0)
TEXTS = tuple(f"{'x' * int(n)}{i}" for i, n in enumerate(RNG.integers(5, 60, 300)))


def test_partners_move_among_texts_of_like_length() -> None:
    moved = chance(Bitext(TEXTS, TEXTS))
    assert isinstance(moved, Bitext) and moved.first == TEXTS
    assert sorted(moved.second) == sorted(TEXTS) and moved != chance(Bitext(TEXTS, TEXTS), seed=1)
    places = {text: place for place, text in enumerate(sorted(TEXTS, key=len))}
    steps = [abs(places[a] - places[b]) for a, b in zip(TEXTS, moved.second, strict=True)]
    assert max(steps) < ALIKE and np.mean(np.array(steps) == 0) < 3 / ALIKE


def test_what_lengths_alone_score_stays_and_meaning_goes() -> None:
    gold = tuple(float(abs(len(text) - 30)) for text in TEXTS)
    task = STS(("x" * 30,) * len(TEXTS), TEXTS, gold)

    def by_length(texts: Sequence[str]) -> np.ndarray:
        angles = np.array([len(text) for text in texts]) / 100
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def by_name(texts: Sequence[str]) -> np.ndarray:
        return np.eye(len(TEXTS))[[TEXTS.index(text) for text in texts]]

    assert task.score(by_length)["spearman"] < -0.99
    assert chance(task).score(by_length)["spearman"] < -0.8
    pairs = Bitext(TEXTS, TEXTS)
    assert pairs.score(by_name)["accuracy"] == 1
    assert chance(pairs).score(by_name)["accuracy"] < 3 / ALIKE
