"""Seconds and peak memory of converting a base-size checkpoint of the reference, both ways.

    python benchmarks/convert.py ../shared/fixtures

draws a checkpoint of the real names and shapes (112 million numbers), and converts it in a process
of its own each way. The peer is what the bytes alone cost: reading the same file and writing it
again with safetensors.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

COPY = """
import sys
from safetensors.numpy import load_file, save_file
from pathlib import Path
Path(sys.argv[2]).mkdir()
save_file(load_file(sys.argv[1] + "/model.safetensors"), sys.argv[2] + "/model.safetensors")
"""


def draw_checkpoint(listing: str, folder: Path) -> int:
    """Write a checkpoint of random numbers and return how many there are."""
    section = listing.split("\n\n", 1)[0]
    rng = np.random.default_rng(0)
    tensors = {
        name: rng.standard_normal([int(n) for n in shape.split(",") if n], dtype=np.float32)
        for name, shape in re.findall(r"^(\S+)\t\(([\d, ]+)\)", section, flags=re.M)
    }
    save_file(tensors, folder / "model.safetensors")
    config = re.search(r"^\{\n.*?^\}", listing, flags=re.M | re.S)
    assert config is not None
    (folder / "config.json").write_text(config[0])
    return sum(tensor.size for tensor in tensors.values())


def measure(*command: str) -> tuple[float, float]:
    """Run Python and return its seconds and its peak memory in megabytes."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
        "stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    start = time.perf_counter()
    # A process between, so that the peak is this child's alone.
    done = subprocess.run(
        [sys.executable, "-c", program, sys.executable, *command],
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - start, float(done.stdout)


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fixtures", type=Path)
    known = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "theirs").mkdir()
        listing = (known.fixtures / "pixel_base_keys.txt").read_text()
        numbers = draw_checkpoint(listing, folder / "theirs")
        theirs, ours, back = (str(folder / part) for part in ("theirs", "ours", "back"))
        copied, copied_peak = measure("-c", COPY, theirs, str(folder / "copy"))
        seconds, peak = measure("-m", "pixel_linguist", "convert", theirs, ours)
        back_seconds, back_peak = measure("-m", "pixel_linguist", "convert", ours, back)
    print(
        json.dumps(
            {
                "numbers": numbers,
                "megabytes": round(numbers * 4 / 2**20),
                "seconds": round(seconds, 1),
                "peak_megabytes": round(peak),
                "back_seconds": round(back_seconds, 1),
                "back_peak_megabytes": round(back_peak),
                "copy_seconds": round(copied, 1),
                "copy_peak_megabytes": round(copied_peak),
                "seconds_ratio": round(seconds / copied, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
