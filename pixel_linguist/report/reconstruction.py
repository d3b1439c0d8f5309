"""Pictures of what a masked autoencoder reconstructs: the text, what was hidden, what came out."""

from pathlib import Path

import numpy as np

from pixel_linguist.files import write_whole
from pixel_linguist.render.view import Row, draw_rows, to_png

# Ink of a hidden patch.
HIDDEN = 90


def save_reconstructions(
    path: Path, patches: np.ndarray, count: np.ndarray, masked: np.ndarray, predicted: np.ndarray
) -> None:
    """Write a PNG: three rows a text, as it is, as the encoder saw it, as it was reconstructed.

    Args:
        path: of the PNG.
        patches: uint8 [B, S, H, W], ink up to 255.
        count: int32 [B], text patches of each.
        masked: bool [B, S], patches that were hidden.
        predicted: float [B, S, H, W], ink in [0, 1] and about; only hidden patches are shown.
    """
    rows = []
    for text, own, hidden, ink in zip(patches, count, masked, predicted, strict=True):
        filled = np.round(np.clip(ink, 0, 1) * 255).astype(np.uint8)
        there = hidden[:, None, None]
        for shown in (text, np.where(there, np.uint8(HIDDEN), text), np.where(there, filled, text)):
            rows.append(Row(shown[:own], int(own)))
    write_whole(path, to_png(draw_rows(rows)))
