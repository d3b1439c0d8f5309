"""What a huge contrastive batch costs when it is encoded in chunks: memory, and time a pair.

    python -m benchmarks.huge_batch
    python -m benchmarks.huge_batch --preset base --dtype bfloat16 --length 64 --chunk 512 \
        --pairs 512 4096                                                          # on a GPU

Prints one line of JSON: what the compiler sets aside for activations at each number of pairs
(`memory_analysis`, arguments and results left out), without chunks for comparison, the seconds of a
step a thousand pairs, by the fastest of a few, and the share of the device's matrix-product peak.
"""

import argparse
import json
import os
import time

import jax

from benchmarks.contrast import compiled_step, encoder
from pixel_linguist.model import ViTEncoder, preset
from pixel_linguist.train.cost import matmul_peak, train_flops

REPEATS = 2


def measure(vit: ViTEncoder, pairs: int, chunk_size: int, repeats: int) -> tuple[int, float]:
    """Return (bytes of activations, seconds of the fastest step; infinite without repeats)."""
    compiled, state, rest = compiled_step(vit, pairs, chunk_size)
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        state, metrics = compiled(state, *rest)
        jax.block_until_ready(metrics)
        fastest = min(fastest, time.perf_counter() - start)
    return compiled.memory_analysis().temp_size_in_bytes, fastest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--chunk", type=int, default=128, help="pairs encoded at once")
    parser.add_argument("--length", type=int, default=16, help="patches of a text")
    parser.add_argument("--pairs", type=int, nargs="+", default=[256, 2048, 8192])
    options = parser.parse_args()
    few, many = options.pairs[0], options.pairs[-1]
    vit = encoder(
        **preset(options.preset), max_patches=options.length, dtype=options.dtype, head="none"
    )
    found = {n: measure(vit, n, options.chunk, REPEATS) for n in options.pairs}
    whole, _ = measure(vit, many, 0, 0)
    flops = train_flops(vit.config, 2 * many, options.length)
    result = {
        "benchmark": "huge_batch",
        "device": jax.devices()[0].device_kind,
        "preset": options.preset,
        "dtype": options.dtype,
        "chunk_size": options.chunk,
        "patches": options.length,
        "activation_mb": {n: round(memory / 1e6, 1) for n, (memory, _) in found.items()},
        "activation_growth": round(found[many][0] / found[few][0], 3),
        "activation_mb_without_chunks": round(whole / 1e6, 1),
        "seconds_per_1000_pairs": {n: round(1e3 * s / n, 3) for n, (_, s) in found.items()},
        "time_growth_beyond_linear": round(found[many][1] / found[few][1] / (many / few), 3),
        "flop_utilisation": round(flops / found[many][1] / matmul_peak(options.dtype), 3),
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
