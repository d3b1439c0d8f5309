"""Checks of a recipe, before any of it runs."""

import contextlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import jax
import numpy as np
from ml_collections import ConfigDict

from pixel_linguist.data.example import Content
from pixel_linguist.data.loader import bucket_lengths, preview
from pixel_linguist.data.sources import make_source
from pixel_linguist.evaluate.suite import Task
from pixel_linguist.files import check_model_folder
from pixel_linguist.model.adapters import ADAPTERS, adapt
from pixel_linguist.model.store import check_same_shapes
from pixel_linguist.registry import choose
from pixel_linguist.train.annotate import TEXT_MODEL, sentence_transformers, unannotated
from pixel_linguist.train.context import RunContext
from pixel_linguist.train.loggers import check_loggers
from pixel_linguist.train.never_trained import check_never_trained
from pixel_linguist.train.optim import group_names
from pixel_linguist.train.results import Result, load_result
from pixel_linguist.train.stage import make_stage
from pixel_linguist.train.step import check_accumulation

Range = tuple[str, Callable[[float], bool]]
AT_LEAST_0: Range = "at least 0", lambda x: x >= 0
AT_LEAST_1: Range = "at least 1", lambda x: x >= 1
ABOVE_0: Range = "above 0", lambda x: x > 0
# Keys of numbers, and their ranges; other checks have the rest.
RANGES: dict[str, Range] = {
    # A depth of 0 is that of a stem without blocks.
    **dict.fromkeys(("seed", "workers", "steps", "patience", "chunk_size", "depth"), AT_LEAST_0),
    **dict.fromkeys(("warmup", "peak", "weight_decay", "keep_checkpoints_every"), AT_LEAST_0),
    **dict.fromkeys(("log_every", "checkpoint_every", "keep_checkpoints"), AT_LEAST_1),
    **dict.fromkeys(("window", "evaluate_every", "accumulate"), AT_LEAST_1),
    **dict.fromkeys(("width", "heads", "mlp_width", "channels", "max_rows"), AT_LEAST_1),
    **dict.fromkeys(("clip_norm", "epsilon", "norm_epsilon", "temperature", "scale"), ABOVE_0),
    **dict.fromkeys(("b1", "b2"), ("at least 0 and below 1", lambda x: 0 <= x < 1)),
}
# Groups of a recipe or of a stage whose numbers are checked too.
GROUPS = ("train", "evaluate", "model", "optimizer", "schedule", "objective")


def check_recipe(
    context: RunContext, tasks: Mapping[str, Task], skip: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """Refuse a recipe that could not run to its end, before any of it runs.

    Stages to be skipped are not looked at.

    Returns:
        Stage → SHA-256 of the fonts of its styles, by name.

    Raises:
        ValueError: naming the stage and what is wrong with it.
    """
    config = context.config
    check_finite(config.to_dict())
    check_ranges(config)
    check_loggers(config.train.loggers)
    if (size := config.evaluate.batch_size) < 1:
        raise ValueError(f"evaluate.batch_size is {size}; it must be at least 1")
    for width in config.evaluate.truncate_dims:
        if not 1 <= width <= context.encoder.dimension:
            raise ValueError(
                f"evaluate.truncate_dims has {width}; embeddings have 1 to "
                f"{context.encoder.dimension} numbers"
            )
    check_names("evaluate.report_tasks", config.evaluate.report_tasks, tasks, "tasks")
    if sorted(config.order) != sorted(config.stages):
        raise ValueError(
            f"order names {', '.join(config.order)}; it must have each stage once: "
            f"{', '.join(config.stages)}"
        )
    check_never_trained(config)
    for name, members in config.evaluate.ensembles.items():
        if not members:
            raise ValueError(f"evaluate.ensembles.{name} is empty; it needs stages")
        check_names(f"evaluate.ensembles.{name}", members, config.order, "stages")
    fonts: dict[str, dict[str, str]] = {name: {} for name in skip}
    for number, name in enumerate(config.order):
        if name not in skip:
            with naming(f"stage {name}"):
                fonts[name] = check_stage(context, name, config.order[:number], tasks)
    return fonts


def check_finite(value: object, key: str = "") -> None:
    """Refuse numbers that are not finite, wherever they stand, by a ValueError with the key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_finite(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for inner in value:
            check_finite(inner, key)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}; it must be a finite number")


def check_ranges(config: ConfigDict, prefix: str = "") -> None:
    """Refuse numbers of a recipe or stage out of their range: a ValueError names key and range."""
    for key, value in config.items():
        name = f"{prefix}.{key}".lstrip(".")
        if key in GROUPS:
            check_ranges(value, name)
        elif key in RANGES and isinstance(value, int | float):
            wanted, fits = RANGES[key]
            if not fits(value):
                raise ValueError(f"{name} is {value}; it must be {wanted}")


def check_names(key: str, names: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Refuse names that are not among the known ones of a kind, such as "tasks"."""
    if unknown := set(names) - set(known):
        raise ValueError(
            f"{key} names {', '.join(sorted(unknown))}; there are the {kind} {', '.join(known)}"
        )


@contextlib.contextmanager
def naming(what: str) -> Iterator[None]:
    """Put a name before the message of an error inside."""
    # Some subclasses of these cannot be made from a message.
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{what}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def read_start(context: RunContext, start: str) -> Result:
    """Read a model from elsewhere whole, so that a damaged one is refused before earlier stages."""
    folder = context.start(start)
    if not (folder / "config.json").is_file():
        raise ValueError(f"{start!r} is no earlier stage and no model's folder")
    check_model_folder(folder)
    return load_result(folder)


def check_metric(tasks: Mapping[str, Task], key: str, value: str) -> None:
    """Refuse a value that is not TASK/METRIC with a metric that the task gives."""
    task, _, metric = value.partition("/")
    if task not in tasks:
        raise ValueError(f"{key} {value!r} is not TASK/METRIC, of {', '.join(tasks)}")

    def noise(texts: Sequence[Content]) -> np.ndarray:
        """Embed texts and pictures anyhow: which scores there are does not depend on it."""
        return np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)

    if metric not in (scores := tasks[task].score(noise)):
        raise ValueError(f"{key} is {value!r}, but {task} gives {', '.join(scores)}")


def check_stage(
    context: RunContext, name: str, earlier: Sequence[str], tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Refuse a stage that could not begin, or not end; return the hashes of its styles' fonts."""
    settings = context.config.stages[name]
    check_ranges(settings)
    if settings.start_required and not settings.init_from:
        raise ValueError(
            f"it needs a start, such as --config.stages.{name}.init_from=hf:Team-PIXEL/pixel-base; "
            "a folder that pixel-linguist convert has made of one, or the model of "
            "experiments/pixel.py, will do"
        )
    models = [part.annotate.model for part in settings.data.values() if part.annotate]
    if text_models := [model for model in models if model.startswith(TEXT_MODEL)]:
        sentence_transformers(text_models[0])
    if settings.adapter:
        choose("adapter", ADAPTERS, settings.adapter)
        if not settings.init_from:
            raise ValueError(f"adapter is {settings.adapter!r}, but init_from names no start")
    for start in (*settings.init_from, *(m for m in models if m not in text_models)):
        if start not in earlier:
            found = read_start(context, start).encoder
            if start in settings.init_from:
                adapted = adapt(settings.adapter, found, context.encoder)
                check_same_shapes(adapted, context.encoder.shapes(), start)
    if settings.average_by:
        check_metric(tasks, "average_by", settings.average_by)
    if settings.steps:
        return check_training(context, name, tasks)
    if not settings.init_from:
        raise ValueError("steps is 0 and init_from is empty: nothing to do")
    return {}


def check_training(context: RunContext, name: str, tasks: Mapping[str, Task]) -> dict[str, str]:
    """Refuse steps whose parts do not fit together."""
    settings, devices = context.config.stages[name], context.devices
    if settings.batch_size < 1 or settings.batch_size % devices:
        raise ValueError(
            f"batch_size is {settings.batch_size}; it must be a positive multiple of the "
            f"{devices} devices"
        )
    rows = settings.batch_size // devices
    if settings.chunk_size and rows % settings.chunk_size:
        raise ValueError(f"chunk_size {settings.chunk_size} does not divide a device's {rows} rows")
    longest = context.encoder.config.max_patches
    if not 1 <= settings.length <= longest:
        raise ValueError(f"length {settings.length} is not in 1..{longest} patches")
    bucket_lengths(settings.length, settings.length_buckets)
    check_names("evaluate_tasks", settings.evaluate_tasks, tasks, "tasks")
    if settings.patience and not settings.best_metric:
        raise ValueError("patience needs a best_metric, without which no score is better")
    if settings.best_metric:
        evaluated = {task: tasks[task] for task in settings.evaluate_tasks}
        check_metric(evaluated, "best_metric", settings.best_metric)
    encoder, shapes = context.encoder, context.encoder.shapes()
    frozen = settings.optimizer.frozen
    check_names("optimizer.frozen", frozen, group_names(shapes), "groups of parameters")
    if parts := unannotated(context, name):
        # Its examples cannot be read before; sources at least are there.
        for part in parts:
            make_source(context.config.data_dir, settings.data[part].source)
        return {}
    stage = make_stage(context, name)
    stage.rate(0)
    init = stage.objective.init
    _, state = jax.eval_shape(
        lambda key, params: init(key, encoder, params, {})[:2], jax.random.key(0), shapes
    )
    check_accumulation(stage.optimizer, state)
    stage.step()
    # Reading the first example opens every source and tries the pair maker and perturbations;
    # drawing it tries the renderer, though of styles only those that it is drawn in.
    first = list(preview(stage.examples, 1))
    seen = first[0][0].views
    lacking = [view for view in stage.objective.views if view not in seen]
    # Parts of a mixture may lack a view, as translations lack a hard negative.
    if lacking and len(settings.data) == 1:
        raise ValueError(
            f"the objective needs the views {', '.join(stage.objective.views)}, but the pair "
            f"maker makes no {', '.join(lacking)}"
        )
    facts = first[0][0].facts
    check_names("encoder_options", settings.encoder_options, facts, "facts of examples")
    options = {name: np.asarray([facts[name]]) for name in settings.encoder_options}
    encoder.check_options(options)
    stage.views.batch(first, settings.length)
    return stage.views.font_hashes()
