"""Meaning as plain data: propositions, their split, and how alike two of them are.

A record describes one event in a closed world: each role has exactly one filler, numbers are
exact, and what excludes each other (`Concept.opposites`) never holds of the same thing.
"""

import dataclasses
import functools
import hashlib
import operator
from collections.abc import Mapping
from typing import Any

# What a role counts in the similarity of two propositions.
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

    A noun without a quantity is singular. A negated proposition says that this, with all its
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
        """Return the optional roles that are filled, negation not among them."""
        return [role for role in MODIFIERS if getattr(self, role) is not None]

    def with_roles(self, fillers: Mapping[str, str | None]) -> "Proposition":
        """Return a copy with some roles filled otherwise; None empties an optional one."""
        changes: dict[str, Any] = dict(fillers)
        return dataclasses.replace(self, **changes)

    def concepts(self) -> list[str]:
        """Return the names of all its concepts."""
        return [name for name in _all_concepts(self) if name is not None]


def swapped(proposition: Proposition) -> Proposition:
    """Exchange agent and patient, each with its attribute and quantity."""
    return dataclasses.replace(
        proposition,
        agent=proposition.patient,
        patient=proposition.agent,
        agent_attribute=proposition.patient_attribute,
        patient_attribute=proposition.agent_attribute,
        agent_quantity=proposition.patient_quantity,
        patient_quantity=proposition.agent_quantity,
    )


@functools.cache
def digest(concept: str) -> int:
    """Return 64 bits that stand for a concept, the same in every process."""
    return int.from_bytes(hashlib.blake2b(concept.encode(), digest_size=8).digest(), "big")


def split_of_core(agent: str, action: str, patient: str) -> str:
    """Return the split of every proposition with this agent, action and patient.

    The digests are added, so that their order does not matter: a role swap stays in its split.
    """
    part = (digest(agent) + digest(action) + digest(patient)) % 2**64 / 2**64
    return "train" if part < 0.8 else "dev" if part < 0.9 else "test"


def split_of(proposition: Proposition) -> str:
    """Return "train" (80 %), "dev" or "test" (10 % each).

    The split follows from the set of the three concepts that every proposition has. The set of
    words of a sentence tells them (nouns and the verb are kinds of their own), so no set of words
    occurs in two splits, and dropping, adding or changing a modifier never leaves the split.
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
    """Return how alike two meanings are, from 0 to 5.

    5 · (weight of the roles with equal fillers) / (weight of the roles filled in either), by
    `ROLE_WEIGHTS`; negation is a role, filled where it holds. Or the same with agent and patient
    of the second exchanged, less `SWAP_COST`, if that is more.
    """
    direct = HIGHEST_SCORE * _agreement(first, second)
    if first.agent != second.patient and first.patient != second.agent:
        return direct
    crossed = HIGHEST_SCORE * _agreement(first, swapped(second)) - SWAP_COST
    return max(direct, crossed)
