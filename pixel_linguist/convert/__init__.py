"""Checkpoints of the PyTorch reference, PIXEL and Pixel-Linguist, to models of ours and back."""

from pixel_linguist.convert.reference import (
    Converted,
    is_reference,
    read_reference,
    write_reference,
)

__all__ = ["Converted", "is_reference", "read_reference", "write_reference"]
