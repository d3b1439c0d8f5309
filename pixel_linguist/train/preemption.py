"""Requests to stop: SIGTERM (of a scheduler, of a cloud that preempts its machine) or Ctrl-C."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import jax
from jax.experimental import multihost_utils

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preempted(Exception):
    """The run was asked to stop, and has stopped at a place from which it can go on."""


class Preemption:
    """Listens for signals while it is entered.

    Inside `deferred` a signal is noted for `reached` at the next step; elsewhere it ends the run at
    once, as nothing is lost there. A second signal always does. Python drops exceptions in some of
    its callbacks; then the next `reached` or `check` stops the run.
    """

    def __init__(self) -> None:
        self.noted = ""
        self.waiting = False
        self.steps = 0
        self.previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Preemption":
        # With several hosts JAX listens for SIGTERM itself, so that they stop at the same step.
        for number in SIGNALS if jax.process_count() == 1 else ():
            self.previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first, self.noted = not self.noted, signal.Signals(number).name
        if not (first and self.waiting):
            raise Preempted(f"stopped by {self.noted}")

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Note a signal instead of ending the run."""
        self.waiting = True
        try:
            yield
        finally:
            self.waiting = False

    def reached(self) -> bool:
        """Return, after a step, whether to save and stop; all hosts stop at the same step."""
        if jax.process_count() > 1:
            # JAX needs rising numbers; those of a stage's steps begin again.
            self.steps += 1
            if multihost_utils.reached_preemption_sync_point(self.steps):
                self.noted = "SIGTERM"
        return bool(self.noted)

    def check(self) -> None:
        """Stop here if a signal was noted too late for the last step."""
        if self.noted:
            raise Preempted(f"stopped by {self.noted}")
