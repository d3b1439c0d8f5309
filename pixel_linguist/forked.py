"""Processes made by fork after JAX had started its threads, in which JAX would wait for ever."""

import os

# Whether this process has used JAX, and whether it was forked from one that had.
_state = {"used": False, "forked": False}


def check_not_forked() -> None:
    """Note that this process uses JAX.

    Raises:
        RuntimeError: if it was forked from a process that had used it.
    """
    if _state["forked"]:
        raise RuntimeError(
            "this process was made by fork after an encoder was used, and JAX, whose threads a "
            'fork loses, would never answer: use multiprocessing.get_context("spawn"), threads, '
            "or load and use the encoder in the new processes alone"
        )
    _state["used"] = True


def _after_fork() -> None:
    _state["forked"] = _state["used"]


os.register_at_fork(after_in_child=_after_fork)
