"""Checkpoints of a stage: train state and data iterator together, by Orbax."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.train.step import State


class Checkpoints:
    """The last few checkpoints of one stage; use it as a context manager."""

    def __init__(self, folder: Path, *, keep: int):
        policies = ocp.training
        self.checkpointer = policies.Checkpointer(
            folder.absolute(),
            # Saving is decided by the loop; the policies' defaults would save at every step and
            # keep everything.
            save_decision_policy=policies.save_decision_policies.FixedIntervalPolicy(1),
            preservation_policy=policies.preservation_policies.LatestN(keep),
            cleanup_tmp_directories=True,
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        self.checkpointer.close()

    def save(self, state: State, data: Any) -> None:
        """Write the state and the iterator's position, whole or not at all.

        Raises:
            FloatingPointError: if a parameter is not finite; the last checkpoint stays.
        """
        host = jax.device_get(state)
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(host["params"])):
            raise FloatingPointError(
                f"parameters are not finite after step {host['step']}, so no checkpoint of it is "
                "written; lower schedule.peak or optimizer.clip_norm"
            )
        self.checkpointer.save_checkpointables(int(host["step"]), {"state": host, "data": data})

    def restore(self, state: State, data: Any) -> State:
        """Return the latest checkpoint's state and set the iterator to it; else return `state`.

        Raises:
            ValueError: if its parameters are of another architecture.
        """
        latest = self.checkpointer.latest
        if latest is None:
            return state
        loaded = self.checkpointer.load_checkpointables(latest, {"state": state, "data": data})
        # Orbax restores arrays of other shapes than those of `state` without a word.
        where = f"the checkpoint of step {latest.step} in {self.checkpointer.directory}"
        check_same_shapes(loaded["state"]["params"], state["params"], where)
        return jax.tree.map(np.asarray, loaded["state"])
