"""Adapters by name: parameters of one architecture as the start of another."""

from collections.abc import Callable

from pixel_linguist.model.encoder import Params, ViTEncoder
from pixel_linguist.model.experts import to_experts
from pixel_linguist.model.hybrid import stem_only
from pixel_linguist.registry import choose

# Parameters of a start, and the encoder that they are for → its parameters.
Adapter = Callable[[Params, ViTEncoder], Params]

ADAPTERS: dict[str, Adapter] = {"to_experts": to_experts, "stem_only": stem_only}


def adapt(name: str, params: Params, encoder: ViTEncoder) -> Params:
    """Return the parameters that an encoder starts from; without a name, those given.

    Raises:
        ValueError: for an unknown name, naming the nearest known.
    """
    return choose("adapter", ADAPTERS, name)(params, encoder) if name else params
