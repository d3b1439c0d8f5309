"""The log of a stage: metrics, speed, waiting for data, utilisation, memory, progress."""

import contextlib
import logging
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from pixel_linguist.data.views import HostBatch
from pixel_linguist.train.cost import matmul_peak, train_flops
from pixel_linguist.train.stage import Stage

logger = logging.getLogger(__name__)
# Steps of a profile, after those that compile and warm up.
PROFILE_AFTER, PROFILE_STEPS = 10, 5


class StageLogger:
    """Follows the steps of one stage; use it as a context manager.

    Args:
        first: the step after which it begins.
    """

    def __init__(self, stage: Stage, first: int):
        self.stage, self.first, self.began = stage, first, time.perf_counter()
        self.steps = stage.settings.steps
        # Sees steps end, one after the other, while the host is busy with data.
        self.watcher = ThreadPoolExecutor(max_workers=1)
        self.ended = self.watcher.submit(time.perf_counter)
        self.bar = tqdm(
            total=self.steps,
            initial=first,
            desc=stage.name,
            unit="step",
            smoothing=0.1,
            disable=not sys.stderr.isatty(),
        )
        profile = stage.context.profile
        self.profile = Profile(profile and profile / stage.name, first=first)
        self.draw_rate = jax.process_count() * stage.draw_rate()
        self.reset()

    def __enter__(self) -> "StageLogger":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()
        self.profile.close()
        self.watcher.shutdown(wait=False, cancel_futures=True)

    def reset(self) -> None:
        """Begin a new interval."""
        self.metrics: list[dict[str, jax.Array]] = []
        self.waited = 0.0
        self.cut = self.patches = self.drawn = self.flops = 0
        self.start = time.perf_counter()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside as waiting for data, as far as the devices had no work in it."""
        began = time.perf_counter()
        yield
        if self.ended.done():
            self.waited += time.perf_counter() - max(began, self.ended.result())

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time inside, which evaluates or saves."""
        # Steps run asynchronously, and their time counts.
        jax.block_until_ready(self.metrics)
        began = time.perf_counter()
        yield
        self.start += time.perf_counter() - began

    def read(self, batch: HostBatch) -> None:
        """Count this host's batch: texts cut, patches that hold something, operations."""
        self.cut += int(batch.cut or 0)
        for patches in batch.views.values():
            rows, length = patches.segment.shape
            self.patches += int((patches.segment >= 0).sum())
            self.drawn += rows * length
            self.flops += train_flops(self.stage.context.encoder.config, rows, length)

    def step(self, done: int, metrics: dict[str, jax.Array]) -> None:
        """Count a step that was begun."""
        self.metrics.append(metrics)
        self.ended = self.watcher.submit(_end, metrics)
        self.bar.update()
        self.profile.step(done, metrics)

    def first_non_finite(self, done: int) -> int | None:
        """Wait for the interval's steps; return the first whose loss or gradient is not finite."""
        values = jax.device_get([(m["loss"], m["gradient_norm"]) for m in self.metrics])
        finite = np.array([np.isfinite(value).all() for value in values], bool)
        return None if finite.all() else done - len(finite) + int(np.argmin(finite))

    def log(self, done: int, rate: float) -> None:
        """Log the steps since the last call.

        "padding_share" is that of patches without text among all that were encoded, in [0, 1].
        "examples_per_second", "drawable_per_second" (what the hosts could draw, as measured before
        the first step), "patches_per_second" (padding left out) and "flop_utilisation" (of
        the measured matrix-product peak, in [0, 1]) are of all hosts.
        """
        steps = jax.device_get(self.metrics)
        seconds = time.perf_counter() - self.start
        per_second = jax.process_count() / seconds
        dtype = self.stage.context.encoder.config.dtype
        values = {name: float(np.mean([s[name] for s in steps])) for name in steps[0]}
        values |= {
            "examples_per_second": len(steps) * self.stage.settings.batch_size / seconds,
            "drawable_per_second": self.draw_rate,
            "patches_per_second": self.patches * per_second,
            "flop_utilisation": self.flops * per_second / matmul_peak(dtype),
            "waiting_share": self.waited / seconds,
            "padding_share": 1 - self.patches / self.drawn,
            "cut_texts": self.cut,
            "memory_gib": memory() / 2**30,
            "seconds": seconds,
            "learning_rate": float(rate),
        }
        self.stage.context.folder.log("train", self.stage.name, done, values)
        self._show(done, values)
        self.reset()

    def _show(self, done: int, values: Mapping[str, float]) -> None:
        shown = {name: f"{values[name]:.3f}" for name in ("loss", "accuracy") if name in values}
        self.bar.set_postfix(shown)
        if self.bar.disable:
            per_step = (time.perf_counter() - self.began) / (done - self.first)
            left = tqdm.format_interval(per_step * (self.steps - done))
            figures = [f"{name} {value}" for name, value in shown.items()]
            figures += [f"{values['examples_per_second']:.0f} examples/s", f"{left} left"]
            logger.info("%s %d/%d: %s", self.stage.name, done, self.steps, ", ".join(figures))


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
            logger.info("profile: %s", self.folder)
        elif self.folder:
            logger.info("no profile: the stage ended within %d steps", PROFILE_AFTER)
        self.folder, self.begun = None, 0
