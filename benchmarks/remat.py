"""What each choice of `model.remat` leaves in memory for the backward pass.

    python -m benchmarks.remat                      # ViT-B, bfloat16, 256 texts of 64 patches
    python -m benchmarks.remat --preset tiny --dtype float32 --pairs 32 --length 16

Nothing is run. Prints one line of JSON: the bytes that the compiler sets aside in a training step
beside its arguments and results (`memory_analysis`), by choice, and in parts of those of "none".
"""

import argparse
import json
from typing import get_args

import jax

from benchmarks.contrast import compiled_step, encoder
from pixel_linguist.model import preset
from pixel_linguist.model.vit import Remat


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--length", type=int, default=64, help="patches of a text")
    parser.add_argument("--pairs", type=int, default=128, help="two texts each")
    options = parser.parse_args()
    shape = {**preset(options.preset), "max_patches": options.length, "dtype": options.dtype}
    found = {}
    for remat in get_args(Remat):
        vit = encoder(**shape, head="none", remat=remat)
        compiled, _, _ = compiled_step(vit, options.pairs)
        found[remat] = compiled.memory_analysis().temp_size_in_bytes
    result = {
        "benchmark": "remat",
        "device": jax.devices()[0].device_kind,
        "preset": options.preset,
        "dtype": options.dtype,
        "texts": 2 * options.pairs,
        "patches": options.length,
        "bytes": found,
        "ratio": {remat: round(size / found["none"], 3) for remat, size in found.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
