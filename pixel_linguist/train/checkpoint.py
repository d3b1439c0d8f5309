"""Checkpoints of a stage: train state and data position, written in the background.

A checkpoint is a folder, named by its step, of Orbax's files (state/), the run and the position of
its data iterator (position.json), and a manifest of every file's SHA-256, which is written last: a
folder without one is half a checkpoint. Orbax itself restores flipped bits silently.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from orbax.checkpoint import v1 as ocp

from pixel_linguist.bucket import files_below, remove
from pixel_linguist.files import in_bucket, read_json, sha256, write_json
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.train.step import State

logger = logging.getLogger(__name__)
MANIFEST, POSITION = "manifest.json", "position.json"


class Checkpoints:
    """The checkpoints of one stage; use it as a context manager.

    Args:
        folder: holds one folder for each checkpoint.
        keep: how many of the latest are kept.
        keep_every: those of steps divisible by it are kept as well; 0: none.
        run: identifies the stage and its settings; a checkpoint of another run is refused.
        workers: processes that render, which the iterator's position depends on.
    """

    def __init__(self, folder: Path, *, keep: int, keep_every: int, run: str, workers: int):
        self.folder = folder if in_bucket(folder) else folder.absolute()
        self.keep = keep
        self.keep_every = keep_every
        self.run = run
        self.workers = workers
        self.finisher = ThreadPoolExecutor(1, "checkpoint")
        self.saving: Future[None] | None = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self.wait()
        except OSError:
            # The error that ended the loop is the one to show.
            if kind is None:
                raise
        finally:
            self.finisher.shutdown()

    def save(self, state: State, data: Any) -> None:
        """Begin to write the state and the iterator's position, once the last save has ended.

        The state may be changed or donated as soon as this returns.

        Raises:
            FloatingPointError: if a parameter is not finite; the last checkpoint stays.
            OSError: if the save before this one failed.
        """
        self.wait()
        host = jax.tree.map(_host_copy, state)
        step = int(host["step"])
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(host["params"])):
            raise FloatingPointError(
                f"parameters are not finite after step {step}, so no checkpoint of it is "
                "written; lower schedule.peak or optimizer.clip_norm"
            )
        position = data.get_state()
        written = ocp.save_checkpointables_async(
            self.folder / str(step), {"state": host}, overwrite=True
        )
        self.saving = self.finisher.submit(self._finish, written, step, position)

    def wait(self) -> None:
        """Wait until the checkpoint that is being written, if any, is whole.

        Raises:
            OSError: if it could not be written; it names the last whole one.
        """
        saving, self.saving = self.saving, None
        if saving:
            saving.result()

    def check(self) -> None:
        """Raise the error of `wait` if the save has failed already, without waiting."""
        if self.saving and self.saving.done():
            self.wait()

    def restore(self, state: State, data: Any) -> State:
        """Return the latest whole checkpoint's state and set the iterator to it; else `state`.

        One that is half written or damaged is logged as a warning and set aside, and the one before
        it is taken.

        Raises:
            ValueError: if it is of another run, architecture or number of workers.
        """
        self.wait()
        step = self._choose() if jax.process_index() == 0 else -1
        if jax.process_count() > 1:
            step = int(multihost_utils.broadcast_one_to_all(np.int32(step)))
        if step < 0:
            return state
        folder = self.folder / str(step)
        abstract = jax.tree.map(np.asarray, state)
        loaded = ocp.load_checkpointables(folder, {"state": abstract})["state"]
        # Orbax restores arrays of other shapes than those of `state` without a word.
        where = f"the checkpoint of step {step} in {self.folder}"
        for part in ("params", "objective"):
            check_same_shapes(loaded[part], state[part], where)
        # Hosts read in step: the position is the same for all, however many there are.
        data.set_state(read_json(folder / POSITION)["data"])
        return jax.tree.map(np.asarray, loaded)

    def _steps(self) -> list[int]:
        """Return the steps of all folders, whole or not, ascending."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())

    def _choose(self) -> int:
        """Return the step of the latest whole checkpoint, or -1; set aside damaged ones."""
        for partial in self.folder.glob("*.orbax-checkpoint-tmp*"):
            remove(partial)
        for step in reversed(self._steps()):
            folder = self.folder / str(step)
            fault = find_fault(folder)
            if fault is None:
                self._check_run(folder)
                return step
            aside = folder.with_name(f"{step}.damaged")
            remove(aside)
            folder.rename(aside)
            logger.warning(
                "the checkpoint %s is set aside as %s, and the one before it is taken: %s",
                folder,
                aside.name,
                fault,
            )
        return -1

    def _check_run(self, folder: Path) -> None:
        position = read_json(folder / POSITION)
        if (theirs := position["run"]) != self.run:
            raise ValueError(
                f"{folder} is a checkpoint of another run ({theirs[:12]}, this one is "
                f"{self.run[:12]}); take another --workdir, or delete {self.folder}"
            )
        if (workers := position["workers"]) != self.workers:
            raise ValueError(
                f"{folder} was written with train.workers={workers}, by which it says where the "
                f"data stood; give that number in place of {self.workers}"
            )

    def _finish(self, written: Any, step: int, position: dict[str, Any]) -> None:
        """Make a checkpoint whole once Orbax is done, then delete those that are not kept."""
        folder = self.folder / str(step)
        try:
            written.result()
            if jax.process_index():
                return
            where = {"run": self.run, "workers": self.workers, "data": position}
            write_json(folder / POSITION, where)
            files = {
                str(path.relative_to(folder)): sha256(path)
                for path in sorted(files_below(folder))
                if path.name != MANIFEST
            }
            write_json(folder / MANIFEST, {"sha256": files})
        except Exception as error:  # TensorStore has a class of its own for each kind of failure
            whole = [s for s in self._steps() if (self.folder / str(s) / MANIFEST).is_file()]
            last = f"the last whole one is of step {whole[-1]}" if whole else "there is none before"
            raise OSError(
                f"the checkpoint of step {step} could not be written to {self.folder}; {last}. "
                f"Free some space and give the same command again. {_first_line(error)}"
            ) from error
        for old in self._steps()[: -self.keep]:
            if not (self.keep_every and old % self.keep_every == 0):
                # If this is cut off, the rest does not pass for a whole checkpoint.
                (self.folder / str(old) / MANIFEST).unlink(missing_ok=True)
                remove(self.folder / str(old))


def find_fault(folder: Path) -> str | None:
    """Return what is wrong with a checkpoint's files, by its manifest; None if nothing is."""
    if not (folder / MANIFEST).is_file():
        return f"it has no {MANIFEST}, so it was not written to its end"
    try:
        expected = dict(read_json(folder / MANIFEST)["sha256"])
    except (ValueError, LookupError, TypeError):
        return f"its {MANIFEST} is damaged"
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file():
            return f"the file {name} is missing"
        if sha256(path) != digest:
            return f"the file {name} is damaged: its SHA-256 is not that of the manifest"
    return None


def _host_copy(leaf: Any) -> Any:
    """Copy a leaf to the host; one that is spread over several hosts is left to Orbax."""
    if isinstance(leaf, jax.Array) and not (leaf.is_fully_addressable or leaf.is_fully_replicated):
        return leaf
    # A view of a CPU device's memory would change with the next step.
    return np.array(leaf)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"({text.splitlines()[0][:200]})" if text else f"({type(error).__name__})"
