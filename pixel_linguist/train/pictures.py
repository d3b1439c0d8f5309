"""What a stage leaves for readers: pictures of its views and objective, or of a failed batch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from pixel_linguist.data.loader import preview
from pixel_linguist.data.views import Pair
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import write_whole
from pixel_linguist.inference import Embedder
from pixel_linguist.objective import View
from pixel_linguist.render import Renderer
from pixel_linguist.render.patches import Patches
from pixel_linguist.train.stage import Stage
from pixel_linguist.train.stage_logger import StageLogger
from pixel_linguist.train.step_encode import StepEncode

# Pairs in the picture of a stage and of a batch that is not finite, and texts in the objective's.
PAIRS_SHOWN, BATCH_SHOWN, TEXTS_SHOWN = 6, 64, 8
# View or caption → patches uint8 [count, H, W] of each example.
Images = Mapping[str, Sequence[np.ndarray]]


class Report:
    """What a run leaves for its readers: nothing here, pictures and a page in `report.RunReport`.

    Pairs are (original, view) examples; `seen` is view → patches of each, as the model sees them.
    """

    def pairs(self, path: Path, renderer: Renderer, pairs: Sequence[Pair], seen: Images) -> None:
        """Picture pairs: the first of a stage, or the batch of a step that is not finite."""

    def images(self, path: Path, renderer: Renderer, images: Images) -> None:
        """Picture an objective's outputs: caption → uint8 [count, H, W] of each text."""

    def scored(self, folder: Path) -> None:
        """Plot the scores so far."""

    def finished(
        self, folder: Path, embedders: Sequence[Embedder], tasks: Mapping[str, Task]
    ) -> Path | None:
        """Write the report of a finished run, and return its path."""
        return None


def check_losses(stage: Stage, log: StageLogger, done: int, report: Report) -> None:
    """Stop the run if a loss or gradient since the last log is not finite; leave its batch.

    Raises:
        FloatingPointError: naming the step and where its batch is.
    """
    step, settings = log.first_non_finite(done), stage.settings
    if step is None:
        return
    windows = stage.windows(settings.batch_size)
    pairs = windows[step // settings.window][step % settings.window]
    path = write_batch(stage.folder / "non_finite" / f"{step + 1}.jsonl", pairs)
    pictured = pairs[:BATCH_SHOWN]
    picture = path.with_suffix(".png")
    seen = seen_patches(stage, pictured, step=step)
    report.pairs(picture, stage.context.renderer, pictured, seen)
    raise FloatingPointError(
        f"stage {stage.name}: the loss or its gradient is not finite at step {step + 1}; lower "
        f"schedule.peak (now {settings.schedule.peak}) or optimizer.clip_norm. The batch of that "
        f"step is in {path} and {picture.name}. To replay it, give the same command again: it "
        "resumes from the last checkpoint and comes to the same batch; with JAX_DEBUG_NANS=true "
        "before it, it names the operation."
    )


def picture_pairs(stage: Stage, report: Report) -> None:
    """Leave a picture of a stage's first pairs, as the model sees them."""
    pairs, context = list(preview(stage.examples, PAIRS_SHOWN)), stage.context
    path = context.folder.folder / "pairs" / f"{stage.name}.png"
    report.pairs(path, context.renderer, pairs, seen_patches(stage, pairs, step=0))


def picture_objective(stage: Stage, params: Any, report: Report) -> None:
    """Leave the pictures of a stage's objective, if it has any."""
    pairs, context = list(preview(stage.examples, TEXTS_SHOWN)), stage.context
    if images := objective_images(stage, params, pairs):
        path = context.folder.folder / "images" / f"{stage.name}.png"
        report.images(path, context.renderer, images)


def seen_patches(stage: Stage, pairs: Sequence[Pair], *, step: int) -> dict[str, list[np.ndarray]]:
    """Draw the first examples of a step's batch as the model sees them, augmented.

    Args:
        step: number of steps done before it.

    Returns:
        view → each example's patches, uint8 [count, H, W], or [count, H, W, C] of pictures.
    """
    drawn = stage.views.batch(pairs, stage.settings.length).views
    encode = StepEncode(stage.context.encoder, stage.augmentation, 0)
    key = jax.random.fold_in(jax.random.key(np.uint32(stage.seed)), step)
    example = np.arange(len(pairs), dtype=np.int32)

    def augmented(name: str, view: Patches) -> jax.Array:
        own = View(name, view, example)
        return encode.rows(lambda params, patches, keys: patches.pixels, {}, own, key=key)

    found = {}
    for name, patches in drawn.items():
        seen = jax.jit(augmented, static_argnums=0)(name, patches)
        used = (patches.segment >= 0).sum(axis=1)
        grey = np.asarray(seen)
        grey = grey[..., 0] if grey.shape[-1] == 1 else grey
        found[name] = [pixels[:count] for pixels, count in zip(grey, used, strict=True)]
    return found


def objective_images(
    stage: Stage, params: Any, pairs: Sequence[Pair]
) -> dict[str, list[np.ndarray]]:
    """Return an objective's pictures of its first view: caption → uint8 [count, H, W] of each.

    The first is "input", the view as it is; without pictures of the objective there is none. A
    picture is one patch of its size.
    """
    objective, encoder = stage.objective, stage.context.encoder
    views = stage.views.batch(pairs, stage.settings.length).views
    key = jax.random.key(np.uint32(stage.seed))
    images = jax.jit(objective.images, static_argnums=1)(params, encoder, views, key)
    if not images:
        return {}
    given = views[objective.views[0]]
    drawn = {"input": given._replace(pixels=given.pixels / 255)} | images
    return {caption: _ink(patches) for caption, patches in drawn.items()}


def _ink(patches: Patches) -> list[np.ndarray]:
    """Return the ink of each row, uint8 [count, H, W]; a picture is put together, [1, H, W]."""
    ink = np.round(np.asarray(patches.pixels).mean(axis=-1) * 255).astype(np.uint8)
    used = (np.asarray(patches.segment) >= 0).sum(axis=1)
    rows, columns = np.asarray(patches.position).max(axis=(0, 1)) + 1
    if rows == 1:
        return [pixels[:count] for pixels, count in zip(ink, used, strict=True)]
    height, width = ink.shape[2:]
    whole = ink.reshape(len(ink), rows, columns, height, width).swapaxes(2, 3)
    return list(whole.reshape(len(ink), 1, rows * height, columns * width))


def write_batch(path: Path, pairs: Sequence[Pair]) -> Path:
    """Write a step's (original, view) examples, one a line, and return the path."""
    rows = ({"original": original._asdict(), "view": view._asdict()} for original, view in pairs)
    lines = [json.dumps(row, ensure_ascii=False, default=_as_json) + "\n" for row in rows]
    write_whole(path, "".join(lines).encode("utf-8", "backslashreplace"))
    return path


def _as_json(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
