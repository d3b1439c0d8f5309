"""Exact top-k beside faiss's flat index, on the same threads.

    taskset -c 0,1 python -m benchmarks.search --vectors 1000000

Needs the extra "search". Each line is JSON: queries a second of ours, of faiss, and the ratio, by
the fastest of several rounds that take turns; and how many rows are the same.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial

import faiss
import numpy as np

from pixel_linguist.search import ExactIndex
from pixel_linguist.search.exact import unit

WIDTH, THREADS = 384, 2


def fastest(searches: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the shortest time of each, in seconds; the first call of each is not timed."""
    best = [float("inf")] * len(searches)
    for _ in range(rounds + 1):
        for number, search in enumerate(searches):
            start = time.perf_counter()
            search()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    faiss.omp_set_num_threads(THREADS)
    rng = np.random.default_rng(0)
    corpus = unit(rng.standard_normal((options.vectors, WIDTH), np.float32))
    queries = unit(rng.standard_normal((256, WIDTH), np.float32))
    ours, flat = ExactIndex(corpus), faiss.IndexFlatIP(WIDTH)
    flat.add(corpus)
    for number, k in ((1, 10), (16, 10), (256, 10), (256, 100)):
        few = queries[:number]
        same = (ours.search(few, k).rows == flat.search(few, k)[1]).mean()
        here, there = fastest(
            [partial(ours.search, few, k), partial(flat.search, few, k)], options.rounds
        )
        line = {
            "benchmark": f"top-{k} of {options.vectors} x {WIDTH}, {number} queries at once",
            "queries_per_second": round(number / here, 1),
            "faiss_flat_queries_per_second": round(number / there, 1),
            "ratio": round(there / here, 2),
            "same_rows": round(float(same), 4),
            "load": os.getloadavg()[0],
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
