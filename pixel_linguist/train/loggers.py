"""Where figures go beside metrics.jsonl: TensorBoard and Weights & Biases, by name."""

import hashlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pixel_linguist.registry import choose


class Logger(Protocol):
    """Takes the figures of a step."""

    def log(self, kind: str, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Log named figures of a stage's step; kind is "train", "evaluation" or "probe"."""
        ...

    def close(self) -> None:
        """Flush, and end."""
        ...


class TensorBoard:
    """Event files in tensorboard/STAGE, one TensorBoard run a stage."""

    def __init__(self, folder: Path, config: Mapping[str, Any]):
        del config
        from tensorboardX import SummaryWriter

        self.make = SummaryWriter
        self.folder = folder / "tensorboard"
        self.writers: dict[str, Any] = {}

    def log(self, kind: str, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the figures as KIND/NAME."""
        if stage not in self.writers:
            # Drops later steps that an interrupted run wrote.
            path = str(self.folder / stage)
            self.writers[stage] = self.make(path, purge_step=step, write_to_disk=True)
        for name, value in values.items():
            self.writers[stage].add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Flush, and end."""
        for writer in self.writers.values():
            writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases, the same one when a run goes on."""

    def __init__(self, folder: Path, config: Mapping[str, Any]):
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder.resolve())
        self.run = wandb.init(
            project="pixel-linguist",
            name=folder.name,
            id=hashlib.sha256(path.encode()).hexdigest()[:12],
            resume="allow",
            dir=path,
            config=dict(config),
        )
        self.stages: set[str] = set()

    def log(self, kind: str, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Log the figures as STAGE/KIND/NAME, against the stage's own steps."""
        if stage not in self.stages:
            self.run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")
            self.stages.add(stage)
        named = {f"{stage}/{kind}/{name}": value for name, value in values.items()}
        self.run.log(named | {f"{stage}/step": step})

    def close(self) -> None:
        """Flush, and end."""
        self.run.finish()


# Name → the library, which is an extra of this name, and the class.
LOGGERS: dict[str, tuple[str, Callable[[Path, Mapping[str, Any]], Logger]]] = {
    "tensorboard": ("tensorboardX", TensorBoard),
    "wandb": ("wandb", WeightsAndBiases),
}


def check_loggers(names: Sequence[str]) -> None:
    """Refuse an unknown name, or one whose library is not installed.

    Raises:
        ValueError: saying which there are, or how to install it.
    """
    for name in names:
        library, _ = choose("train.loggers", LOGGERS, name)
        if importlib.util.find_spec(library) is None:
            raise ValueError(
                f"train.loggers names {name!r}, which needs {library}: "
                f"pip install 'pixel-linguist[{name}]'"
            )


def open_loggers(names: Sequence[str], folder: Path, config: Mapping[str, Any]) -> list[Logger]:
    """Open loggers by name, as checked, for a run's folder and its recipe as plain data."""
    return [LOGGERS[name][1](folder, config) for name in names]
