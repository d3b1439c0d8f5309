"""Speed of a training step on a CPU, beside a plain PyTorch encoder of the same shape.

    OMP_NUM_THREADS=2 python -m benchmarks.train_step --torch ../shared/fixtures/bench_torch.py \
        --text ../shared/data/sts/stsb/en/train.tsv

Needs the extra "torch". Prints one line of JSON: pairs a second at 64 full patches and on real
sentences in batches by length (drawn and perturbed as they are used, then in many styles and with
their pixels augmented too), the peer's pairs a second in between, and the share of this machine's
matrix-product peak. Of each the best of several rounds that take turns, as other work on the
machine only slows; a round is the median of a few steps, as the peer's script has it, or all steps
of a window of sentences. CPU seconds of a step tell how much it did. The share of time that goes
into waiting for the next batch of sentences is of windows one after the other, once those that were
drawn ahead are used up.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.contrast import OPTIMIZER, VIEWS, contrast, encoder, noise
from pixel_linguist.data.loader import make_batches, make_examples
from pixel_linguist.data.views import HostBatch, make_view_pipeline
from pixel_linguist.recipe import columns, part
from pixel_linguist.render import Renderer
from pixel_linguist.render.augment import AUGMENTATIONS, compose
from pixel_linguist.render.styles import ASPECTS
from pixel_linguist.train.cost import matmul_peak, train_flops
from pixel_linguist.train.hosts import place
from pixel_linguist.train.step import init_state, make_step

PAIRS, LENGTH, WINDOW, BUCKETS = 32, 64, 16, 8
ROUNDS, STEPS = 6, 3
# Of each aspect of style and of each augmentation of pixels.
STRENGTH = 0.3
# Windows that may lie ready before any is asked for, and windows that are timed after them.
AHEAD, TIMED = 4, 3
# As bench_torch.py has it.
ENCODER = encoder(
    max_patches=LENGTH,
    width=256,
    depth=6,
    heads=4,
    mlp_width=1024,
    head="none",
    norm_epsilon=1e-5,
)


def trainer(strength: float) -> Callable[[HostBatch], None]:
    """Return a function that trains on a batch, augmented, and waits for it."""
    objective = contrast()
    augmentation = compose({name: {"strength": strength} for name in AUGMENTATIONS})
    step = make_step(ENCODER, objective, OPTIMIZER, "pmap", augmentation=augmentation)
    state, constants = init_state(ENCODER, ENCODER.init(0), objective, OPTIMIZER, seed=0)

    def train(batch: HostBatch) -> None:
        nonlocal state
        placed = place(batch._replace(cut=None), "pmap")
        state, metrics = step(state, constants, placed, np.float32(1e-4), np.uint32(0))
        jax.block_until_ready(metrics)

    return train


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds of a call, by the clock and of all CPU threads."""
    start = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def sentences(path: Path, strength: float) -> Iterator[HostBatch]:
    """Yield batches of pairs of a TSV file's sentences in many styles, arranged by length."""
    pairs = columns("sentence1", "sentence2")
    stage = {
        "data": {"all": part({"name": "tsv", "path": path.name}, pairs)},
        "mixture_temperature": 0.0,
        "perturb": {"keyboard_neighbours": {"rate": 0.05}},
        "perturb_probability": 0.5,
        "perturb_each": 1.0,
        "perturb_views": VIEWS,
    }
    views = make_view_pipeline(
        Renderer("noto", "words", max_patches=LENGTH),
        VIEWS,
        styles={name: {"strength": strength} for name in ASPECTS},
        facts={},
        seed=0,
    )
    batches = make_batches(
        make_examples(path.parent, stage, seed=0),
        views,
        batch_size=PAIRS,
        length=LENGTH,
        workers=0,
        seed=0,
        window=WINDOW,
        length_buckets=BUCKETS,
    )
    return iter(batches)


def real_text(train: Callable[[HostBatch], None], batches: Iterator[HostBatch]) -> dict[str, float]:
    """Train on a window of sentences and return seconds of steps, of waiting, and its padding."""
    step = wait = used = room = 0.0
    for _ in range(WINDOW):
        start = time.perf_counter()
        batch = next(batches)
        wait += time.perf_counter() - start
        segments = [view.segment for view in batch.views.values()]
        used += sum(int((segment >= 0).sum()) for segment in segments)
        room += sum(segment.size for segment in segments)
        step += timed(functools.partial(train, batch))[0]
    return {"step": step, "wait": wait, "padding": 1 - used / room}


def without_pause(
    train: Callable[[HostBatch], None], batches: Iterator[HostBatch]
) -> dict[str, float]:
    """Train on windows one after the other; return the pairs a second and the share of waiting."""
    windows = [real_text(train, batches) for _ in range(AHEAD + TIMED)][AHEAD:]
    step, wait = (sum(window[name] for window in windows) for name in ("step", "wait"))
    return {
        "pairs_per_s": PAIRS * WINDOW * TIMED / (step + wait),
        "waiting_share": wait / (step + wait),
    }


def peer(script: Path) -> float:
    """Return the pairs a second of the PyTorch encoder at the same size."""
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    size = ["--batch", str(PAIRS), "--patches", str(LENGTH), "--repeats", str(STEPS)]
    done = subprocess.run(
        [sys.executable, str(script), *size], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f'{script} failed; it needs the extra "torch":\n{done.stderr[-500:]}')
    return float(json.loads(done.stdout)["train_pairs_per_s"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", type=Path, required=True, help="the peer's script")
    parser.add_argument("--text", type=Path, required=True, help="TSV of sentence1, sentence2")
    options = parser.parse_args()
    train, batch, data = trainer(0.0), noise(PAIRS, LENGTH), sentences(options.text, 0.0)
    train(batch)
    # Steps of its lengths are compiled.
    real_text(train, data)
    theirs, rounds, peaks, texts = [], [], [], []
    for _ in range(ROUNDS):
        theirs.append(peer(options.torch))
        rounds.append(np.median([timed(lambda: train(batch)) for _ in range(STEPS)], axis=0))
        texts.append(real_text(train, data))
        matmul_peak.cache_clear()
        peaks.append(matmul_peak("float32"))
    seconds, cpu_seconds = np.min(rounds, axis=0)
    ours, torch = PAIRS / seconds, max(theirs)
    augmented_run = without_pause(trainer(STRENGTH), sentences(options.text, STRENGTH))
    text_pairs = PAIRS * WINDOW / min(window["step"] for window in texts)
    figures = {
        "pairs_per_s": ours,
        "torch_pairs_per_s": torch,
        "ratio": ours / torch,
        "peak_gflops": max(peaks) / 1e9,
        "peak_share": train_flops(ENCODER.config, 2 * PAIRS, LENGTH) / seconds / max(peaks),
        "cpu_seconds": cpu_seconds,
        "text_pairs_per_s": text_pairs,
        "text_padding_share": np.mean([window["padding"] for window in texts]),
        "text_ratio": text_pairs / torch,
        "text_waiting_share": without_pause(train, data)["waiting_share"],
        **{f"augmented_{name}": value for name, value in augmented_run.items()},
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps({"benchmark": "train_step", **{k: round(v, 3) for k, v in figures.items()}}))


if __name__ == "__main__":
    main()
