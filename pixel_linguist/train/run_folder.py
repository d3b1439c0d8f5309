"""A run's folder: its paths, settings, metrics and scores."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax import traverse_util

from pixel_linguist.bucket import CHECKPOINTS, Mirror
from pixel_linguist.config import differences
from pixel_linguist.files import read_json, sha256, write_json, write_whole
from pixel_linguist.train.loggers import Logger


class RunFolder:
    """The folder of one run.

    It holds config.json, metrics.jsonl, scores.json, observations/MODEL.npz, pairs/STAGE.png, and
    stages/STAGE/{stage.json, checkpoints/, best/, annotations/, model/}; model/ is there once the
    stage is finished.

    Args:
        shared: folder of the checkpoints, which hosts write together; all hosts but the first
            have a `folder` of their own.
        mirror: copies the folder of a run to its bucket.
    """

    def __init__(self, folder: Path, *, shared: Path | None = None, mirror: Mirror | None = None):
        self.folder, self.shared, self.mirror = folder, shared or folder, mirror
        self.loggers: list[Logger] = []

    def stage(self, name: str) -> Path:
        """Return a stage's folder."""
        return self.folder / "stages" / name

    def model(self, name: str) -> Path:
        """Return the folder of a finished stage's model."""
        return self.stage(name) / "model"

    def checkpoints(self, name: str) -> Path:
        """Return the folder of a stage's checkpoints, the same on all hosts."""
        return self.shared / "stages" / name / CHECKPOINTS

    def publish(self) -> None:
        """Copy the folder to its bucket, if the run has one."""
        if self.mirror:
            self.mirror.push()

    def finished(self, name: str) -> bool:
        """Return whether a stage is finished."""
        return (self.model(name) / "config.json").is_file()

    def check(self, settings: Mapping[str, dict[str, Any]]) -> None:
        """Refuse a folder that is not this run's, before anything is written to it.

        Args:
            settings: stage → all that its result depends on.

        Raises:
            ValueError: naming the other contents of the folder, or each key that differs.
        """
        config = self.folder / "config.json"
        if config.is_file() and "order" not in read_json(config):
            raise ValueError(f"{self.folder} holds something else than a run; take another folder")
        stages = self.folder / "stages"
        begun = sorted(path.name for path in stages.iterdir()) if stages.is_dir() else []
        if foreign := [name for name in begun if name not in settings]:
            raise ValueError(
                f"{self.folder} holds a run of another recipe, with the stages "
                f"{', '.join(foreign)}; take another --workdir"
            )
        for name in begun:
            path = self.stage(name) / "stage.json"
            if path.is_file() and (changed := differences(read_json(path), settings[name])):
                raise ValueError(
                    f"{self.stage(name)} was begun with other settings; take another --workdir, or "
                    f"delete that folder to run the stage again. {'; '.join(changed)}"
                )

    def begin_stage(self, name: str, settings: dict[str, Any]) -> None:
        """Write a stage's settings, unless an earlier start of the run did."""
        path = self.stage(name) / "stage.json"
        if not path.is_file():
            write_json(path, settings)

    def fingerprint(self, name: str) -> str:
        """Return the SHA-256 of a begun stage's settings."""
        return sha256(self.stage(name) / "stage.json")

    def log(self, kind: str, stage: str, step: int, values: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl, and hand its numbers to the loggers."""
        line = json.dumps({"kind": kind, "stage": stage, "step": step, **values})
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        for logger in self.loggers:
            logger.log(kind, stage, step, traverse_util.flatten_dict(dict(values), sep="/"))

    def forget_after(self, stage: str, step: int) -> None:
        """Drop a stage's metrics of later steps, which a resumed run will write again."""
        path = self.folder / "metrics.jsonl"
        if not path.is_file():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # the line during which an earlier run was killed
                continue
            if record["stage"] != stage or record["step"] <= step:
                kept.append(line + "\n")
        write_whole(path, "".join(kept).encode())

    def evaluations(self, stage: str) -> list[dict[str, Any]]:
        """Return the logged scores inside a stage, in order."""
        lines = (self.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        return [r for r in records if r["kind"] == "evaluation" and r["stage"] == stage]

    def scores(self) -> list[dict[str, Any]]:
        """Return the rows {"model", "scores"} made so far."""
        path = self.folder / "scores.json"
        return read_json(path)["rows"] if path.is_file() else []

    def forget_scores(self, model: str) -> None:
        """Drop the row of a model that is made anew."""
        path = self.folder / "scores.json"
        if any(row["model"] == model for row in self.scores()):
            table = read_json(path)
            rows = [row for row in table["rows"] if row["model"] != model]
            write_json(path, table | {"rows": rows})

    def add_observations(self, model: str, values: Mapping[str, np.ndarray]) -> None:
        """Write the observations behind a model's scores, to compare rows of the table by later.

        Args:
            values: task → float [K, N], arrays of one number a pair or query.
        """
        path = self.folder / "observations" / f"{model}.npz"
        path.parent.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        singles: dict[str, Any] = {name: x.astype(np.float32) for name, x in values.items()}
        np.savez(buffer, **singles)
        write_whole(path, buffer.getvalue())

    def add_scores(self, model: str, scores: Any, tasks: dict[str, dict[str, str]]) -> None:
        """Add the row of a model, in place of an earlier one of its name."""
        rows = [row for row in self.scores() if row["model"] != model]
        rows.append({"model": model, "scores": scores})
        write_json(self.folder / "scores.json", {"rows": rows, "tasks": tasks})
