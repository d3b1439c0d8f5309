"""What is left when a loss or gradient is not finite: the batch, to read, look at and replay."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
