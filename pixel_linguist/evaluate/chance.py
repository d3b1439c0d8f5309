"""Chance, as a task: the same texts, paired with others of like length."""

import dataclasses

import numpy as np

from pixel_linguist.evaluate.bitext import Bitext
from pixel_linguist.evaluate.sts import STS

# Texts whose lengths are next to each other, among which partners are exchanged.
ALIKE = 20


def chance(task: STS | Bitext, *, seed: int = 0) -> STS | Bitext:
    """Return a task in which the second texts have changed places among texts of like length.

    What an encoder scores on it, it scores by lengths alone, or by nothing. Pairs are sorted by the
    number of characters of their second text and permuted within groups of `ALIKE`, so that each
    pair keeps its lengths and loses its meaning.
    """
    texts = np.array(task.sentence2 if isinstance(task, STS) else task.second, object)
    order = np.argsort([len(text) for text in texts], kind="stable")
    rng = np.random.default_rng(seed)
    moved = np.empty_like(texts)
    for first in range(0, len(order), ALIKE):
        group = order[first : first + ALIKE]
        moved[group] = texts[rng.permutation(group)]
    if isinstance(task, STS):
        return dataclasses.replace(task, sentence2=tuple(moved))
    return dataclasses.replace(task, second=tuple(moved))
