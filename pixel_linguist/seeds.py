"""Seeds of independent random streams."""

import zlib

import numpy as np


def derive_seed(*parts: int | str) -> int:
    """Return a seed for the stream that `parts` name, an integer in [0, 2**32).

    Streams of different names are independent, unlike those of sums of seeds: run seed 1 of one
    stage never meets run seed 0 of another.

    Args:
        parts: non-negative integers, or names, which count by their CRC-32.
    """
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in parts]
    return int(np.random.SeedSequence(words).generate_state(1)[0])
