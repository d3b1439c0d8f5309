"""Meaning as plain data: propositions, their split, and the similarity of two of them.

A record describes one event in a closed world: each role has exactly one filler, numbers are
exact, and concepts that exclude each other (`Concept.opposites`) never hold of the same thing.
"""

import dataclasses
import operator
from typing import Any

from pixel_linguist.data.toy.lexicon import digest

# Weights of the roles in the similarity of two propositions.
ROLE_WEIGHTS = {
    "agent": 3.0,
    "action": 3.0,
    "patient": 3.0,
    "place": 2.0,
    "negated": 2.0,
    "agent_attribute": 1.5,
    "patient_attribute": 1.5,
    "time": 1.5,
    "manner": 1.5,
    "agent_quantity": 1.0,
    "patient_quantity": 1.0,
}
CORE = ("agent", "action", "patient")
MODIFIERS = tuple(role for role in ROLE_WEIGHTS if role not in (*CORE, "negated"))
HIGHEST_SCORE = 5.0
SWAP_COST = 1.5
SPLITS = ("train", "dev", "test")
_all_concepts = operator.attrgetter(*CORE, *MODIFIERS)


@dataclasses.dataclass(frozen=True, slots=True)
class Proposition:
    """Who did what to whom, where, when and how: names of concepts by role.

    A noun without a quantity is singular. A negated proposition says that the event, with all its
    modifiers, did not happen.
    """

    agent: str
    action: str
    patient: str
    agent_attribute: str | None = None
    agent_quantity: str | None = None
    patient_attribute: str | None = None
    patient_quantity: str | None = None
    place: str | None = None
    time: str | None = None
    manner: str | None = None
    negated: bool = False

    def modifiers(self) -> list[str]:
        """Return the optional roles that are filled, without negation."""
        return [role for role in MODIFIERS if getattr(self, role) is not None]

    def concepts(self) -> list[str]:
        """Return the names of all its concepts."""
        return [name for name in _all_concepts(self) if name is not None]

    def replaced(self, **roles: Any) -> "Proposition":
        """Return a copy with some roles filled otherwise; None empties an optional one."""
        return dataclasses.replace(self, **roles)

    def swapped(self) -> "Proposition":
        """Return a copy with agent and patient exchanged, with their attributes and quantities."""
        return dataclasses.replace(
            self,
            agent=self.patient,
            patient=self.agent,
            agent_attribute=self.patient_attribute,
            patient_attribute=self.agent_attribute,
            agent_quantity=self.patient_quantity,
            patient_quantity=self.agent_quantity,
        )


def split_of_core(agent: str, action: str, patient: str) -> str:
    """Return the split of every proposition with this agent, action and patient.

    The sum of the digests does not depend on their order, so that swapping roles keeps the split.
    """
    part = (digest(agent) + digest(action) + digest(patient)) % 2**64 / 2**64
    return "train" if part < 0.8 else "dev" if part < 0.9 else "test"


def split_of(proposition: Proposition) -> str:
    """Return "train" (80 %), "dev" or "test" (10 % each).

    The split depends only on the set of the three concepts that every proposition has. The words
    of a sentence determine this set (nouns and verbs are kinds of their own), so that no set of
    words occurs in two splits, and changes of modifiers never leave the split.
    """
    return split_of_core(proposition.agent, proposition.action, proposition.patient)


def _agreement(first: Proposition, second: Proposition) -> float:
    """Return the weighted share (0..1) of the roles filled in either that agree."""
    shared = total = 0.0
    for role, weight in ROLE_WEIGHTS.items():
        one, other = getattr(first, role), getattr(second, role)
        if one or other:
            total += weight
            shared += weight * (one == other)
    return shared / total


def similarity(first: Proposition, second: Proposition) -> float:
    """Return the similarity of two meanings, from 0 to 5.

    5 · (weight of the roles with equal fillers) / (weight of the roles filled in either), by
    `ROLE_WEIGHTS`; negation is a role, filled where it holds. If the second proposition with agent
    and patient exchanged gives more after subtracting `SWAP_COST`, that is the similarity.
    """
    direct = HIGHEST_SCORE * _agreement(first, second)
    if first.agent != second.patient and first.patient != second.agent:
        return direct
    crossed = HIGHEST_SCORE * _agreement(first, second.swapped()) - SWAP_COST
    return max(direct, crossed)
