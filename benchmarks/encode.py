"""Sentences a second: the tiny preset beside all-MiniLM-L6-v2, and beside padding to 64 patches.

    taskset -c 0,1 python -m benchmarks.encode --data ../shared/data

Needs the extra "peers". Each line is JSON: our figure, the peer's in the same run, and the ratio,
by the fastest of several rounds that take turns.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.minilm import PEERS, THREADS, Encode
from pixel_linguist import packing
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table
from pixel_linguist.recipe import get_config
from pixel_linguist.train.context import make_context


def tiny() -> SentenceEncoder:
    """Return the tiny preset with the renderer of the default recipe, untrained."""
    context = make_context(get_config(), Path())
    return SentenceEncoder(context.model(context.encoder.init(0)))


def fixed_padding(encoder: SentenceEncoder) -> Encode:
    """Return our encoder without packing: each text is padded to the longest length."""

    def alone(counts: np.ndarray, patches: int, most: int) -> list[list[int]]:
        return [[row] for row in range(len(counts))]

    def encode(texts: list[str]) -> np.ndarray:
        with (
            patch.object(packing, "pack", alone),
            patch.object(packing, "lengths", lambda max_patches: [max_patches]),
        ):
            return encoder.encode(texts)

    return encode


def rates(encoders: Sequence[Encode], texts: list[str], rounds: int) -> list[float]:
    """Return texts a second of each, by the fastest of rounds that take turns."""
    best = [0.0] * len(encoders)
    for encode in encoders:
        encode(texts)
    for _ in range(rounds):
        for number, encode in enumerate(encoders):
            start = time.perf_counter()
            encode(texts)
            best[number] = max(best[number], len(texts) / (time.perf_counter() - start))
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=1024, help="spread over the split (1024)")
    options = parser.parse_args()
    rows = read_table(options.data / "sts/stsb/en/test.tsv")
    every = [row[name] for row in rows for name in ("sentence1", "sentence2")]
    texts = every[:: max(len(every) // options.sentences, 1)][: options.sentences]
    encoder = tiny()
    patches = encoder.renderer.count_patches(texts)
    others = {"fixed 64 patches": fixed_padding(encoder)}
    others |= {f"all-MiniLM-L6-v2, {name}": load(THREADS) for name, load in PEERS.items()}
    ours, *theirs = rates([encoder.encode, *others.values()], texts, options.rounds)
    for name, other in zip(others, theirs, strict=True):
        line = {
            "benchmark": "encode STS-B test, tiny preset",
            "sentences_per_second": round(ours),
            "peer": name,
            "peer_sentences_per_second": round(other),
            "ratio": round(ours / other, 2),
            "patches_per_sentence": round(float(patches.mean()), 1),
            "load": os.getloadavg()[0],
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
