"""Encoders by name."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pixel_linguist.model.encoder import ViTEncoder
from pixel_linguist.model.experts import ExpertsEncoder
from pixel_linguist.model.hybrid import HybridEncoder
from pixel_linguist.model.towers import TowersEncoder
from pixel_linguist.registry import check_arguments, choose

# Architectures by the name that a recipe's model and a model's folder give.
ENCODERS: dict[str, type[ViTEncoder]] = {
    "vit": ViTEncoder,
    "experts": ExpertsEncoder,
    "hybrid": HybridEncoder,
    "towers": TowersEncoder,
}


def make_encoder(settings: Mapping[str, Any]) -> ViTEncoder:
    """Make the encoder of {"name": ..., **settings}; without a name, a vision transformer.

    Raises:
        ValueError: for an unknown name, setting or value, naming the nearest known.
    """
    arguments = dict(settings)
    name = arguments.pop("name", "vit")
    kind = choose("encoder", ENCODERS, name)
    check_arguments(f"encoder {name!r}", kind.config_type, arguments)
    return kind(kind.config_type(**arguments))


def encoder_settings(encoder: ViTEncoder) -> dict[str, Any]:
    """Return what `make_encoder` makes the encoder of."""
    name = next(name for name, kind in ENCODERS.items() if kind is type(encoder))
    return {"name": name, **dataclasses.asdict(encoder.config)}
