"""Robustness: what a score loses when the texts are attacked, at several strengths."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.suite import Change, ChangeableTask
from pixel_linguist.text import compose

Attack = Mapping[str, Mapping[str, Any]]

# Ten attacks, each a composition of perturbations at full strength. Typing errors hit a tenth of
# the letters, spacing a third of the gaps; what a reader sees through is done to every letter.
ATTACKS: dict[str, dict[str, dict[str, Any]]] = {
    "scrambled": {"scramble_inner_letters": {"rate": 1.0}},
    "keyboard": {"keyboard_neighbours": {"rate": 0.1}},
    "edits": {
        "transpose_characters": {"rate": 0.05},
        "insert_characters": {"rate": 0.05},
        "delete_characters": {"rate": 0.05},
        "substitute_characters": {"rate": 0.05},
    },
    "look_alikes": {"look_alikes": {"rate": 1.0}},
    "leetspeak": {"leetspeak": {"rate": 1.0}},
    "zero_width": {"insert_zero_width": {"rate": 1.0}},
    "diacritics": {"add_diacritics": {"rate": 1.0}},
    "full_width": {"full_width": {"rate": 1.0}},
    "case": {"change_case": {"rate": 1.0}},
    "spacing": {"change_whitespace": {"rate": 0.3}},
}


def attack_texts(attack: Attack, strength: float, seed: int) -> Change:
    """Return what perturbs the i-th text by (seed, i), all rates of `attack` times `strength`."""
    weaker = {
        name: {**given, "rate": given["rate"] * strength} if "rate" in given else dict(given)
        for name, given in attack.items()
    }
    perturb = compose(weaker)

    def change(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            perturb(text, np.random.default_rng((seed, index))) for index, text in enumerate(texts)
        )

    return change


@dataclasses.dataclass(frozen=True)
class Robustness:
    """The score of a task under attacks on its queries; documents and labels stay as they are.

    Attributes:
        task: any that can be changed: STS, bitext, retrieval, pairs, classification, clustering.
        attacks: name → perturbations with their rates at strength 1.
        strengths: by which the rates are multiplied, each in (0, 1].
        seed: of the perturbations.
    """

    task: ChangeableTask
    attacks: Mapping[str, Attack]
    strengths: tuple[float, ...] = (1.0,)
    seed: int = 0
    metric: str = "attacked"

    def __post_init__(self) -> None:
        if not isinstance(self.task, ChangeableTask):
            raise ValueError(f"{type(self.task).__name__} has no texts that can be attacked")
        if not self.attacks or not self.strengths:
            raise ValueError("robustness needs at least one attack and one strength")
        for strength in self.strengths:
            if not 0 < strength <= 1:
                raise ValueError(f"strength {strength} is not above 0 and at most 1")
        for name, attack in self.attacks.items():
            try:
                compose(attack)
            except ValueError as error:
                raise ValueError(f"attack {name}: {error}") from error

    def texts(self) -> list[str]:
        """Return the texts that are attacked and those that are not, clean."""
        return self.task.texts()

    def score(self, embed: Embed) -> dict[str, float]:
        """Return the task's metric under each attack.

        Returns:
            "clean"; "ATTACK@STRENGTH" for each; "attacked", the mean of those; "drop", what the
            clean score is above it.
        """
        metric = self.task.metric
        clean = self.task.score(embed)[metric]
        scores = {
            f"{name}@{strength:g}": self.task.changed(
                attack_texts(attack, strength, self.seed)
            ).score(embed)[metric]
            for name, attack in self.attacks.items()
            for strength in self.strengths
        }
        attacked = float(np.mean(list(scores.values())))
        return {"attacked": attacked, "clean": clean, "drop": clean - attacked, **scores}
