"""Numbers of a recipe that no run could use: not finite, or out of their range."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from ml_collections import ConfigDict


class Range(NamedTuple):
    """Numbers from `least`, or above it if `is_open`, to below `limit`."""

    least: float
    limit: float = math.inf
    is_open: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number is in the range."""
        return (value > self.least if self.is_open else value >= self.least) and value < self.limit

    def __str__(self) -> str:
        lower = f"{'above' if self.is_open else 'at least'} {self.least:g}"
        return lower if math.isinf(self.limit) else f"{lower} and below {self.limit:g}"


# Groups of a recipe or of a stage whose numbers are looked at too.
GROUPS = ("train", "evaluate", "model", "optimizer", "schedule", "objective")
# By key; checks of their own have the rest.
RANGES: dict[str, Range] = {
    **dict.fromkeys(("seed", "workers", "steps", "patience", "chunk_size"), Range(0)),
    **dict.fromkeys(("warmup", "peak", "weight_decay", "keep_checkpoints_every"), Range(0)),
    # A stem without blocks.
    "depth": Range(0),
    **dict.fromkeys(("log_every", "checkpoint_every", "keep_checkpoints"), Range(1)),
    **dict.fromkeys(("window", "evaluate_every", "accumulate"), Range(1)),
    **dict.fromkeys(("width", "heads", "mlp_width", "channels", "max_rows"), Range(1)),
    **dict.fromkeys(("clip_norm", "epsilon", "norm_epsilon"), Range(0, is_open=True)),
    **dict.fromkeys(("temperature", "scale"), Range(0, is_open=True)),
    **dict.fromkeys(("b1", "b2"), Range(0, 1)),
}


def check_finite(value: object, key: str = "") -> None:
    """Refuse numbers that are not finite, wherever they stand, by a ValueError with the key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_finite(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for inner in value:
            check_finite(inner, key)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}; it must be a finite number")


def check_ranges(config: ConfigDict, prefix: str = "") -> None:
    """Refuse numbers of a recipe or stage out of their range: a ValueError names key and range."""
    for key, value in config.items():
        name = f"{prefix}.{key}".lstrip(".")
        if key in GROUPS:
            check_ranges(value, name)
        elif key in RANGES and isinstance(value, int | float) and not RANGES[key].holds(value):
            raise ValueError(f"{name} is {value}; it must be {RANGES[key]}")
