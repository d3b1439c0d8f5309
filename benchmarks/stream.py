"""Encoding a file of a million sentences: its memory, and what is left after it was killed twice.

    python -m benchmarks.stream --sentences 1000000

Runs `pixel-linguist encode` on sentences of WordNet's words, kills it (SIGKILL) at a
third and at two thirds, and gives the command again. Prints one line of JSON: MiB resident in the
first 10,000 sentences and at most after that, how many vectors there are, and the largest
difference of one sentence of each shard, drawn at random, from its vector when encoded alone.
"""

import argparse
import itertools
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pixel_linguist.api import SentenceEncoder
from pixel_linguist.data.records import read_table

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


def encode(command: list[str], out: Path, stop: int) -> tuple[float, float]:
    """Run the command until there are `stop` shards, then kill it, or to its end.

    Returns:
        the most MiB while there were FIRST sentences more than before at most, and after that.
    """
    before, early, late = len([*out.glob("*.npy")]), 0.0, 0.0
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        time.sleep(0.2)
        shards = len([*out.glob("*.npy")])
        memory = resident(process.pid)
        if SHARD * (shards - before) <= FIRST:
            early = max(early, memory)
        else:
            late = max(late, memory)
        if shards >= stop:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return early, late


def largest_difference(source: Path, out: Path, model: str) -> float:
    """Compare a sentence of each shard, drawn at random, with its vector when encoded alone."""
    encoder, rng, largest = SentenceEncoder.load(model), np.random.default_rng(1), 0.0
    with source.open(encoding="utf-8") as file:
        lines = (line.rstrip("\n") for line in file)
        for path in sorted(out.glob("*.npy")):
            sentences, vectors = [*itertools.islice(lines, SHARD)], np.load(path, mmap_mode="r")
            row = int(rng.integers(len(sentences)))
            largest = max(largest, np.abs(encoder.encode([sentences[row]])[0] - vectors[row]).max())
    return float(largest)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "sentences.txt", Path(folder) / "vectors"
        write_sentences(source, options.data, options.sentences)
        start = time.perf_counter()
        command = [sys.executable, "-m", "pixel_linguist", "encode", str(source), str(out)]
        command += ["--model", options.model, "--shard-size", str(SHARD), "--format", "npy"]
        shards = -(-options.sentences // SHARD)
        stops = (shards // 3, 2 * shards // 3, shards + 1)
        early, late = zip(*(encode(command, out, stop) for stop in stops), strict=True)
        seconds = time.perf_counter() - start
        vectors = sum(len(np.load(path, mmap_mode="r")) for path in out.glob("*.npy"))
        difference = largest_difference(source, out, options.model)
    line = {
        "benchmark": f"encode {options.sentences} sentences from a file, killed twice",
        "vectors": vectors,
        "largest_difference": difference,
        "mib_in_the_first_10000": round(max(early)),
        "mib_after": round(max(late)),
        "sentences_per_second": round(options.sentences / seconds),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
