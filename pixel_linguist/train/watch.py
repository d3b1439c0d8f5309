"""Watching a stage: speed, utilisation, waiting, memory, and where the figures go."""

import contextlib
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.model import EncoderConfig
from pixel_linguist.train.cost import matmul_peak, train_flops
from pixel_linguist.train.sight import size

# Steps of a profile, after those that compile and warm up.
PROFILE_AFTER, PROFILE_STEPS = 10, 5


class Meter:
    """Means of metrics since the last report, with speed, waiting, and what was read.

    Args:
        encoder: whose operations are counted.
        batch_size: examples of a step, over all hosts.
    """

    def __init__(self, encoder: EncoderConfig, batch_size: int):
        self.encoder = encoder
        self.batch_size = batch_size
        # Sees steps end, one after the other, while the host is busy with data.
        self.watcher = ThreadPoolExecutor(max_workers=1)
        self.ended = self.watcher.submit(time.perf_counter)
        self.reset()

    def reset(self) -> None:
        """Begin a new interval."""
        self.steps: list[dict[str, jax.Array]] = []
        self.waited = 0.0
        self.cut = 0
        self.patches = 0
        self.drawn = 0
        self.flops = 0
        self.start = time.perf_counter()

    def step(self, metrics: dict[str, jax.Array]) -> None:
        """Take note of a step that was begun."""
        self.steps.append(metrics)
        self.ended = self.watcher.submit(_end, metrics)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time that is spent inside as waiting for data, if devices ran out of work.

        Steps run behind the host's back: what it spends here while they do costs nothing.
        """
        began = time.perf_counter()
        yield
        if self.ended.done():
            self.waited += time.perf_counter() - max(began, self.ended.result())

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time that is spent inside, on evaluating or saving."""
        # Steps run behind the host's back: what is not done yet is not to be left out.
        jax.block_until_ready(self.steps)
        began = time.perf_counter()
        yield
        self.start += time.perf_counter() - began

    def read(self, batch: Mapping[str, Any], views: Sequence[str]) -> None:
        """Count this host's batch: texts cut, patches that hold text, operations."""
        self.cut += int(batch["cut"])
        texts, length, used = size(batch, views)
        self.patches += used
        self.drawn += texts * length
        self.flops += train_flops(self.encoder, texts, length)

    def finite(self) -> np.ndarray:
        """Wait for the interval's steps; tell which have finite losses and gradients: [steps]."""
        steps = jax.device_get([(step["loss"], step["gradient_norm"]) for step in self.steps])
        return np.array([bool(np.isfinite(step).all()) for step in steps])

    def report(self) -> dict[str, float]:
        """Wait for the interval's steps and return their means, and figures of speed.

        "padding_share" is that of patches without text among all that were encoded, in [0, 1].
        "examples_per_second", "patches_per_second" (padding left out) and "flop_utilisation" (of
        the measured matrix-product peak, in [0, 1]) are of all hosts.
        """
        steps = jax.device_get(self.steps)
        seconds = time.perf_counter() - self.start
        means = {name: float(np.mean([s[name] for s in steps])) for name in steps[0]}
        per_second = jax.process_count() / seconds
        return means | {
            "examples_per_second": len(steps) * self.batch_size / seconds,
            "patches_per_second": self.patches * per_second,
            "flop_utilisation": self.flops * per_second / matmul_peak(self.encoder.dtype),
            "waiting_share": self.waited / seconds,
            "padding_share": 1 - self.patches / self.drawn,
            "cut_texts": self.cut,
            "memory_gib": memory() / 2**30,
            "seconds": seconds,
        }


def _end(metrics: Any) -> float:
    """Wait for a step, and return when it ended."""
    jax.block_until_ready(metrics)
    return time.perf_counter()


def memory() -> int:
    """Return the most bytes in use so far: of the first device, or of this process on a CPU."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "peak_bytes_in_use" in stats:
        return int(stats["peak_bytes_in_use"])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Progress:
    """Where a stage is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, stage: str, *, first: int, steps: int):
        self.stage, self.steps = stage, steps
        self.first, self.began = first, time.perf_counter()
        plain = not sys.stderr.isatty()
        self.bar = tqdm(
            total=steps, initial=first, desc=stage, unit="step", smoothing=0.1, disable=plain
        )

    def step(self) -> None:
        """Count a step."""
        self.bar.update()

    def show(self, done: int, values: Mapping[str, float]) -> None:
        """Show figures after a step."""
        shown = {name: f"{values[name]:.3f}" for name in ("loss", "accuracy") if name in values}
        self.bar.set_postfix(shown)
        if self.bar.disable:
            per_step = (time.perf_counter() - self.began) / (done - self.first)
            left = tqdm.format_interval(per_step * (self.steps - done))
            figures = [f"{name} {value}" for name, value in shown.items()]
            figures += [f"{values['examples_per_second']:.0f} examples/s", f"{left} left"]
            print(f"{self.stage} {done}/{self.steps}: {', '.join(figures)}", flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()


class Profile:
    """A profiler's trace of a few steps, for TensorBoard or Perfetto, if a folder is given."""

    def __init__(self, folder: Path | None, *, first: int):
        self.folder, self.first, self.begun = folder, first, 0

    def step(self, done: int, metrics: Any) -> None:
        """Begin or end the trace after a step, once its metrics are there."""
        if self.folder and done == self.first + PROFILE_AFTER:
            jax.block_until_ready(metrics)
            jax.profiler.start_trace(self.folder)
            self.begun = done
        elif self.begun and done == self.begun + PROFILE_STEPS:
            jax.block_until_ready(metrics)
            self.close()

    def close(self) -> None:
        """End the trace; a stage that ends before it has begun has none."""
        if self.begun:
            jax.profiler.stop_trace()
            print(f"profile: {self.folder}", flush=True)
        elif self.folder:
            print(f"no profile: the stage ended within {PROFILE_AFTER} steps", flush=True)
        self.folder, self.begun = None, 0
