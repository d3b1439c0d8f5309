"""Objectives by name."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import jax

from pixel_linguist.objective.contrastive import InfoNCE
from pixel_linguist.objective.cosent import CoSENT
from pixel_linguist.objective.distillation import Distillation
from pixel_linguist.objective.masked_autoencoder import MaskedAutoencoder

Tree = Any


class Objective(Protocol):
    """What the train step asks of an objective.

    `views` names the texts of an example that it needs encoded. `init` returns its own
    parameters (trained with the encoder's) and its state (kept beside them); either may be empty.
    Equal objectives have equal hashes, so that they share one compiled step.
    """

    @property
    def views(self) -> tuple[str, ...]:
        """Return the names."""
        ...

    def __hash__(self) -> int:
        """Return the hash of its settings."""
        ...

    def init(self) -> tuple[Tree, Tree]:
        """Return (parameters, state)."""
        ...

    def __call__(
        self, params: Tree, outputs: Tree, batch: Tree, state: Tree, key: jax.Array
    ) -> tuple[jax.Array, dict[str, jax.Array], Tree]:
        """Return (loss [], metrics of [], state), on one device inside the mapped axis."""
        ...


OBJECTIVES: dict[str, type] = {
    "info_nce": InfoNCE,
    "cosent": CoSENT,
    "distillation": Distillation,
    "masked_autoencoder": MaskedAutoencoder,
}


def make_objective(name: str, arguments: Mapping[str, Any]) -> Objective:
    """Build an objective from its name and keyword arguments."""
    if name not in OBJECTIVES:
        raise ValueError(f"no objective {name!r}; there are {', '.join(OBJECTIVES)}")
    known = {field.name for field in dataclasses.fields(OBJECTIVES[name])}
    if unknown := set(arguments) ^ known:
        raise ValueError(
            f"objective {name!r} takes {', '.join(sorted(known))}; "
            f"unknown or missing: {', '.join(sorted(unknown))}"
        )
    return OBJECTIVES[name](**arguments)
