"""Watching a stage: speed, waiting, and means of metrics."""

import contextlib
import time
from collections.abc import Iterator

import jax
import numpy as np


class Meter:
    """Means of metrics since the last report, with speed, share of waiting, and texts cut."""

    def __init__(self, batch_size: int):
        self.batch_size = batch_size
        self.reset()

    def reset(self) -> None:
        """Begin a new interval."""
        self.steps: list[dict[str, jax.Array]] = []
        self.waited = 0.0
        self.cut = 0
        self.start = time.perf_counter()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time that is spent inside as waiting for data."""
        began = time.perf_counter()
        yield
        self.waited += time.perf_counter() - began

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time that is spent inside, on evaluating or saving."""
        # Steps run behind the host's back: what is not done yet is not to be left out.
        jax.block_until_ready(self.steps)
        began = time.perf_counter()
        yield
        self.start += time.perf_counter() - began

    def losses(self) -> np.ndarray:
        """Wait for the interval's steps and return the loss of each: float32 [steps]."""
        return np.array(jax.device_get([step["loss"] for step in self.steps]), np.float32)

    def report(self) -> dict[str, float]:
        """Wait for the interval's steps and return their means."""
        steps = jax.device_get(self.steps)
        seconds = time.perf_counter() - self.start
        means = {name: float(np.mean([s[name] for s in steps])) for name in steps[0]}
        return means | {
            "examples_per_second": len(steps) * self.batch_size / seconds,
            "waiting_share": self.waited / seconds,
            "cut_texts": self.cut,
            "seconds": seconds,
        }
