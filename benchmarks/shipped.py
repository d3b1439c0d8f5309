"""Sentences a second of a shipped model, beside all-MiniLM-L6-v2.

    taskset -c 0,1 python -m benchmarks.shipped --model tiny --data ../shared/data

Needs the extra "peers". STS-B's train sentences fill the cache of words, then its test sentences
are timed in blocks, each of them encoded once. "cold" is the rate with a cache that is empty
before each block.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.minilm import PEERS, THREADS, Encode
from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table

BLOCKS = 4


def sentences(data: Path, split: str) -> list[str]:
    """Return a split's distinct sentences, in their order."""
    rows = read_table(data / f"sts/stsb/en/{split}.tsv")
    return list(dict.fromkeys(row[name] for row in rows for name in ("sentence1", "sentence2")))


def rate(encode: Encode, blocks: list[list[str]]) -> float:
    """Return texts a second in the fastest block."""
    best = 0.0
    for block in blocks:
        start = time.perf_counter()
        encode(block)
        best = max(best, len(block) / (time.perf_counter() - start))
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    seen = sentences(options.data, "train")
    unseen = [text for text in sentences(options.data, "test") if text not in set(seen)]
    blocks = [unseen[number::BLOCKS] for number in range(BLOCKS)]
    model = SentenceEncoder.load(options.model)
    model.encode(seen)
    ours = rate(model.encode, blocks)

    def cold(texts: list[str]) -> np.ndarray:
        model.embedder.cache_clear()
        return model.encode(texts)

    fresh = rate(cold, blocks)
    others = {}
    for name, load in PEERS.items():
        peer = load(THREADS)
        # As long as the blocks, so that nothing is compiled while time runs.
        peer(seen[: len(blocks[0])])
        others[name] = rate(peer, blocks)
    fastest = max(others, key=others.__getitem__)
    other = others[fastest]
    line = {
        "benchmark": f"encode unseen STS-B sentences, {options.model}",
        "sentences_per_second": round(ours),
        "cold": round(fresh),
        "peer": f"all-MiniLM-L6-v2, {fastest}",
        "peer_sentences_per_second": round(other),
        "ratio": round(ours / other, 2),
        "ratio_cold": round(fresh / other, 2),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
