"""Pictures of what a masked autoencoder reconstructs: the text, what was hidden, what came out."""

from pathlib import Path

import numpy as np

from pixel_linguist.render import Renderer
from pixel_linguist.report.pictures import (
    break_lines,
    caption_renderer,
    draw_lines,
    patches_per_line,
    save_blocks,
)

# Ink of a hidden patch.
HIDDEN = 90


def save_reconstructions(
    renderer: Renderer,
    patches: np.ndarray,
    count: np.ndarray,
    masked: np.ndarray,
    predicted: np.ndarray,
    path: Path,
) -> None:
    """Write a PNG: three rows a text, as it is, as the encoder saw it, as it was reconstructed.

    Args:
        renderer: of the labels' letters.
        patches: uint8 [B, S, H, W], ink up to 255.
        count: int32 [B], text patches of each.
        masked: bool [B, S], patches that were hidden.
        predicted: float [B, S, H, W], ink in [0, 1] and about; only hidden patches are shown.
        path: of the PNG.
    """
    blocks = []
    for text, own, hidden, ink in zip(patches, count, masked, predicted, strict=True):
        filled = np.round(np.clip(ink, 0, 1) * 255).astype(np.uint8)
        there = hidden[:, None, None]
        views = {
            "input": text,
            "mask": np.where(there, np.uint8(HIDDEN), text),
            "output": np.where(there, filled, text),
        }
        # The lines of all three end where the text as it is has a gap.
        lines = break_lines(text[:own], patches_per_line(text))
        ends = np.cumsum([len(line) for line in lines])[:-1]
        blocks.append(
            [(name, draw_lines(np.split(view[:own], ends))) for name, view in views.items()]
        )
    save_blocks(caption_renderer(renderer), blocks, path)
