"""What is left when a loss or gradient is not finite: the batch, to read, look at and replay."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from pixel_linguist.data.pairs import Example
from pixel_linguist.files import write_whole
from pixel_linguist.render import Renderer
from pixel_linguist.report.text_pictures import save_pairs

ROWS_PICTURED = 64


def stop_non_finite(
    pairs: Sequence[tuple[Example, Example]],
    seen: Mapping[str, Sequence[np.ndarray]],
    renderer: Renderer,
    *,
    folder: Path,
    stage: str,
    step: int,
    peak: float,
) -> NoReturn:
    """Write the batch of a step as text and as a picture, and raise.

    Args:
        pairs: the step's (clean, perturbed) examples.
        seen: view → patches uint8 [count, H, W] of the first examples, as the model saw them.
        renderer: of the model.
        folder: for non_finite/STEP.jsonl (one example a line) and STEP.png (the first rows).
        stage: its name.
        step: the first whose loss or gradient is not finite, from 1 on.
        peak: the stage's highest learning rate.

    Raises:
        FloatingPointError: always; it says where the batch is and how to replay it.
    """
    path = folder / "non_finite" / f"{step}.jsonl"
    rows = ({"clean": clean._asdict(), "seen": seen._asdict()} for clean, seen in pairs)
    # A teacher's target is an array, which becomes a list.
    lines = [json.dumps(row, ensure_ascii=False, default=np.ndarray.tolist) + "\n" for row in rows]
    write_whole(path, "".join(lines).encode("utf-8", "backslashreplace"))
    picture = path.with_suffix(".png")
    save_pairs(renderer, pairs[:ROWS_PICTURED], seen, picture)
    raise FloatingPointError(
        f"stage {stage}: the loss or its gradient is not finite at step {step}; lower "
        f"schedule.peak (now {peak}) or optimizer.clip_norm. The batch of that step is in {path} "
        f"and {picture.name}. To replay it, give the same command again: it goes on from the last "
        "checkpoint and comes to the same batch; with JAX_DEBUG_NANS=true before it, it names the "
        "operation."
    )
