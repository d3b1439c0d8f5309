"""Memory of encoding a file of a million sentences: after the first 10,000, and at the end.

    python -m benchmarks.stream --model runs/small/model --sentences 1000000

Runs `python -m pixel_linguist.encode` on sentences of WordNet's words, and prints one line of
JSON: MiB resident after the first 10,000 sentences and at most after that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pixel_linguist.data.sources import read_table

FIRST, SHARD = 10_000, 5_000


def write_sentences(path: Path, data: Path, number: int) -> None:
    """Write distinct sentences of 4 to 16 words, one a line."""
    rows = read_table(data / "definitions/wordnet.tsv")
    words = np.array(sorted({word for row in rows for word in row["definition"].split()}))
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(number):
            file.write(" ".join(words[rng.integers(len(words), size=rng.integers(4, 17))]) + "\n")


def resident(pid: int) -> float:
    """Return the memory that a process has now, in MiB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    options = parser.parse_args()
    early = late = 0.0
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "sentences.txt", Path(folder) / "vectors"
        write_sentences(source, options.data, options.sentences)
        start = time.perf_counter()
        command = [sys.executable, "-m", "pixel_linguist.encode", str(source), str(out)]
        command += ["--model", options.model, "--shard-size", str(SHARD), "--format", "npy"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            time.sleep(0.2)
            done = SHARD * len([*out.glob("*.npy")])
            memory = resident(process.pid)
            if done <= FIRST:
                early = max(early, memory)
            else:
                late = max(late, memory)
        seconds = time.perf_counter() - start
        vectors = sum(len(np.load(path, mmap_mode="r")) for path in out.glob("*.npy"))
    line = {
        "benchmark": f"encode {options.sentences} sentences from a file",
        "vectors": vectors,
        "mib_in_the_first_10000": round(early),
        "mib_after": round(late),
        "sentences_per_second": round(options.sentences / seconds),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
