"""Robustness: how much a score falls when texts are perturbed, at several strengths."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pixel_linguist.evaluate.similarity import Embed
from pixel_linguist.evaluate.suite import Attack, Measured, Task
from pixel_linguist.text import compose

if TYPE_CHECKING:
    from pixel_linguist.evaluate.similarity import Input

# Perturbation → its keyword arguments, as `compose` takes them.
AttackSpec = Mapping[str, Mapping[str, Any]]

# Ten attacks at full strength. Typing errors hit a tenth of the letters, spacing a third of the
# gaps; perturbations that readers hardly notice hit every letter.
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


def make_attack(spec: AttackSpec, strength: float, seed: int) -> Attack:
    """Return an attack that perturbs the i-th text with the generator seeded by (seed, i)."""
    perturb = compose(
        {
            name: {**given, "rate": given["rate"] * strength} if "rate" in given else dict(given)
            for name, given in spec.items()
        }
    )

    def attack(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            perturb(text, np.random.default_rng((seed, index))) for index, text in enumerate(texts)
        )

    return attack


@dataclasses.dataclass(frozen=True)
class Robustness(Task):
    """The main score of a task under attacks on its queries; documents and labels stay the same.

    Attributes:
        task: with queries that can be attacked: STS, bitext, retrieval, pairs, classification.
        attacks: name → perturbations with their rates at strength 1.
        strengths: factors of the rates, each in (0, 1].
        seed: of the perturbations.
    """

    task: Task
    attacks: Mapping[str, AttackSpec] = dataclasses.field(default_factory=lambda: dict(ATTACKS))
    strengths: tuple[float, ...] = (1.0,)
    seed: int = 0

    metric: ClassVar[str] = "attacked"

    def __post_init__(self) -> None:
        if not self.attacks or not self.strengths:
            raise ValueError("robustness needs at least one attack and one strength")
        for strength in self.strengths:
            if not 0 < strength <= 1:
                raise ValueError(f"strength {strength} is not above 0 and at most 1")
        for name, spec in self.attacks.items():
            try:
                make_attack(spec, 1.0, self.seed)
            except ValueError as error:
                raise ValueError(f"attack {name}: {error}") from error
        # Refuses a task without queries.
        self.task.attacked(tuple)

    def texts(self) -> list[str]:
        """Return the texts of the task before attacks."""
        return self.task.texts()

    def contents(self) -> Iterable["Input"]:
        """Return what the task embeds before attacks, pictures of its texts where it draws them."""
        return self.task.contents()

    def measure(self, embed: Embed) -> Measured:
        """Return the task's main score under each attack.

        Returns:
            "ATTACK@STRENGTH" for each; "attacked", their mean; "clean", the score without attacks;
            "drop", clean - attacked.
        """
        metric = self.task.metric
        clean = self.task.score(embed)[metric]
        scores = {}
        for name, spec in self.attacks.items():
            for strength in self.strengths:
                task = self.task.attacked(make_attack(spec, strength, self.seed))
                scores[f"{name}@{strength:g}"] = task.score(embed)[metric]
        attacked = np.mean(list(scores.values()))
        return Measured({"attacked": attacked, "clean": clean, "drop": clean - attacked, **scores})
