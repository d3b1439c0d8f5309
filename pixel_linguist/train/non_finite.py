"""What is left when a loss or gradient is not finite: the batch, to read, look at and replay."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from pixel_linguist.data.views import Pair
from pixel_linguist.files import write_whole

ROWS_PICTURED = 64


def write_batch(path: Path, pairs: Sequence[Pair]) -> Path:
    """Write a step's (original, view) examples, one a line, and return the path."""
    rows = ({"original": original._asdict(), "view": view._asdict()} for original, view in pairs)
    lines = [json.dumps(row, ensure_ascii=False, default=_as_json) + "\n" for row in rows]
    write_whole(path, "".join(lines).encode("utf-8", "backslashreplace"))
    return path


def _as_json(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def stop_non_finite(stage: str, step: int, peak: float, path: Path, picture: Path) -> NoReturn:
    """Raise, naming the step and its batch.

    Args:
        stage: its name.
        step: the first whose loss or gradient is not finite, from 1 on.
        peak: the stage's highest learning rate.
        path: of the batch.
        picture: of its first rows.

    Raises:
        FloatingPointError: always.
    """
    raise FloatingPointError(
        f"stage {stage}: the loss or its gradient is not finite at step {step}; lower "
        f"schedule.peak (now {peak}) or optimizer.clip_norm. The batch of that step is in {path} "
        f"and {picture.name}. To replay it, give the same command again: it resumes from the last "
        "checkpoint and comes to the same batch; with JAX_DEBUG_NANS=true before it, it names the "
        "operation."
    )
